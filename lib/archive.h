/* archive.h - layer 3: the DDL, as pg_dump's custom archive: made beside the data, in the same snapshot.
 *
 * pg_dump knows best how to write definitions down, and pg_restore how to choose among them and to make
 * indexes side by side. The archive holds no rows: those are the stream's.
 */
#ifndef BK_ARCHIVE_H
#define BK_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "child.h"
#include "pg.h"
#include "pgtool.h"

/* Starts pg_dump in the snapshot `snapshot`; the archive comes out of the child's `out`, in `encoding`: the
 * database's own, whatever the database or the role sets for its clients. */
struct child archive_start(const struct pgtool *pg_dump, const struct pg_child *c, const char *snapshot,
                           const char *encoding);

/* Sets the time that an archive says it was made at, in its first bytes, to `created` (as in HEAD), so that
 * it does not differ from run to run. Pure. False if that is no archive of a form that is known; then nothing
 * was changed. */
bool archive_set_time(uint8_t *bytes, size_t n, const char *created);

enum { ARCHIVE_HEADER_BYTES = 128 }; /* as many as archive_set_time() may need */

#endif
