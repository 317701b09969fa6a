/* mktoc.h - archives in pg_dump's custom format, without any data, for the tests: as WriteHead() and
 * WriteToc() of PostgreSQL's pg_backup_archiver.c write them, in any version and with integers of any size.
 */
#ifndef BK_TEST_MKTOC_H
#define BK_TEST_MKTOC_H

#include <stdint.h>

#include "mem.h"

/* Numbers that an archive holds as text are text here, so that a test can write others. NULL is written as
 * NULL. */
struct mktoc_entry {
    int id;
    const char *catalog, *oid, *name, *type, *schema, *owner;
    const char *needs[8]; /* up to the first NULL */
};

/* A zeroed one is an archive of version 1.14 with 4-byte integers, as PostgreSQL 12 to 15 make it. */
struct mktoc {
    int minor, int_size, offset_size; /* 0: 14, 4, 8 */
    int count;                        /* of entries; to be changed before mktoc_end() by who wants to lie */
    struct buf entries;
};

void mktoc_add(struct mktoc *m, const struct mktoc_entry *e);

/* Adds the archive to `out`, and ends `m`: as it was when zeroed, but for version and sizes. Its time is that
 * of 2001-02-03 04:05:06. Returns where in it the time begins. */
size_t mktoc_end(struct mktoc *m, struct buf *out);

/* Add an integer, and a string, as the archive has them. */
void mktoc_int(const struct mktoc *m, int64_t value, struct buf *out);
void mktoc_text(const struct mktoc *m, const char *text, struct buf *out);

#endif
