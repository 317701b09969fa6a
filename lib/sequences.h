/* sequences.h - layer 3: where sequences stand: all of a database as one item of rows, and how they are set
 * again.
 *
 * A row is schema, name, last_value and is_called. A value that is read after the snapshot is at least as
 * high as every row in it.
 */
#ifndef BK_SEQUENCES_H
#define BK_SEQUENCES_H

#include <stdint.h>

#include "pg.h"
#include "snapshot.h"

/* Adds to `sql` a COPY of schema, name, last_value and is_called of the next wanted sequences in order of
 * creation, behind that of oid `after` (0: from the beginning). Returns the oid of the last, 0 if there are
 * no more (then nothing was added). */
uint64_t sequences_copy_out(struct pg *pg, const struct snapshot *s, uint64_t after, struct buf *sql);

/* The COPY that loads rows into a temporary table, which sequences_begin() makes. */
extern const char sequences_copy_in[];
void sequences_begin(struct pg *pg);

/* Forgets the rows of those that are not there. */
void sequences_forget_missing(struct pg *pg);

/* Sets those whose rows are there. In transactions of bounded size, unless the caller has begun one. */
void sequences_set(struct pg *pg);

#endif
