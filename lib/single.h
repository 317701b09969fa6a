/* single.h - layer 3: what a load in a single transaction does beside loading: it asks whether what is in the
 * database may be given up, drops it, and commits in the end. Until then nothing has changed for anybody,
 * however the program ends.
 */
#ifndef BK_SINGLE_H
#define BK_SINGLE_H

#include <stdbool.h>

#include "load.h"
#include "pg.h"

/* Before the stream is read. Complains (msg.h), with status 4, if a guard stands against it: the database is
 * not empty, and nobody says that it is backed up (proof.h) or need not be; it has something that no
 * transaction can drop; a load of it was not finished. False: it is empty. */
bool single_check(struct pg *pg, const struct load_options *o);

/* Begins the transaction. */
void single_begin(struct pg *pg);

/* Drops all (sweep.h), and takes the database's own properties away. If it was `empty`, it must be so still:
 * status 4. */
void single_drop(struct pg *pg, bool empty, const struct load_options *o, struct fields *kept);

/* All is there. On return it is on the server's disk. */
void single_commit(struct pg *pg);

#endif
