/* archive.h - layer 3: the DDL, as pg_dump's custom archive: made beside the data, in the same snapshot.
 *
 * pg_dump knows best how to write definitions down, and pg_restore how to choose among them and to make
 * indexes side by side. The archive holds no rows: those are the stream's.
 */
#ifndef BK_ARCHIVE_H
#define BK_ARCHIVE_H

#include "child.h"
#include "pg.h"
#include "pgtool.h"

/* Starts pg_dump in the snapshot `snapshot`; the archive comes out of the child's `out`, in `encoding`: the
 * database's own, whatever the database or the role sets for its clients. It waits for locks for up to
 * `lock_wait` seconds. */
struct child archive_start(const struct pgtool *pg_dump, const struct pg_child *c, const char *snapshot,
                           const char *encoding, int lock_wait);

#endif
