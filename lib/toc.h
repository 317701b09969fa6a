/* toc.h - layer 3: an archive in pg_dump's custom format, as bytes: its time stamp, and its table of
 * contents.
 *
 * `pg_restore --list` prints that table too, but in a form from which odd names cannot be told apart. The
 * format is that of WriteHead() and WriteToc() in PostgreSQL's pg_backup_archiver.c, archive versions 1.12
 * to 1.16 (PostgreSQL 9 to 18; 1.14 is what was tested). Pure: no I/O, and nothing dies of what it reads.
 */
#ifndef BK_TOC_H
#define BK_TOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One object, as pg_restore can make it. */
struct toc_entry {
    int id;              /* in this archive, from 1 */
    uint32_t catalog;    /* the oid, in the source, of the catalog that it is in (1259: pg_class); 0: none */
    uint32_t oid;        /* its own */
    char *type;          /* "TABLE", "FK CONSTRAINT" */
    char *owner;         /* "" if it has none */
    char *schema, *name; /* "" if it has none; for what belongs to a table, the name is "TABLE NAME" */
    int *needs;          /* ids of entries without which it cannot be made */
    size_t need_count;
};

struct toc {
    struct toc_entry *entry; /* in the order in which they are made */
    size_t count;
    struct toc_entry **by_id; /* the same, in order of ids */
};

/* False if that is no archive, or of a form that is not known. Freed with toc_free(), if true. */
bool toc_decode(struct toc *t, const void *bytes, size_t n);
void toc_free(struct toc *t);

/* NULL: there is no such entry; an id may stand for what every database has. */
struct toc_entry *toc_find(const struct toc *t, int id);

/* Sets the time that an archive says it was made at, in its first 83 bytes, to `created` (as in HEAD), so
 * that it does not differ from run to run. False if that is no archive of a form that is known; then nothing
 * was changed. */
bool toc_set_time(uint8_t *bytes, size_t n, const char *created);

#endif
