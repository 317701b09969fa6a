/* lo.h - layer 3: large objects: all of a database as one item of rows, and how they are made again.
 *
 * pg_dump is told to leave them out: what it writes of them differs from version to version, and their bytes
 * are not its job here. Pages are read from the catalog, which pg_read_all_data may do while lo_get() is
 * refused to it; an owner may do only the latter. A row is of two kinds:
 *
 *     oid  \N      \N    owner  acl  comment        an object; these come before all pages
 *     oid  pageno  data  \N     \N   \N             2048 bytes of it, or fewer; pages that are missing are
 * holes
 */
#ifndef BK_LO_H
#define BK_LO_H

#include "pg.h"
#include "target.h"

/* The COPY that reads them; NULL if there are none. */
const char *lo_copy_out(struct pg *pg);

/* The COPY that loads rows into a temporary table, which lo_begin() makes. */
extern const char lo_copy_in[];
void lo_begin(struct pg *pg);

/* Makes the objects, or writes the pages, whose rows are in the temporary table, and empties it. In
 * transactions of bounded size, for each object takes a lock. */
void lo_apply(struct pg *pg);

/* After the last row: comments, and what is not left out of owners and rights. */
void lo_finish(struct pg *pg, const struct left_out *out);

#endif
