/* sweep.h - layer 3: a database in use becomes like a new one, within a transaction: all is dropped that is
 * not the server's own.
 *
 * Extensions stay that belong to somebody else, or that this role could not make again; their configuration
 * tables lose the rows that a dump would have. So do schemas that belong to somebody else, or that such an
 * extension is in; what else is in them is dropped.
 */
#ifndef BK_SWEEP_H
#define BK_SWEEP_H

#include "fields.h"
#include "pg.h"

/* Dies with status 4 if there is something that no transaction can drop. */
void sweep_check(struct pg *pg);

/* Drops all, in the caller's transaction. Adds to `kept` a line for each schema, other than public, that
 * stays. Dies with the server's words where it refuses; if others keep it waiting for a lock for `lock_wait`
 * seconds, with words about them. */
void sweep(struct pg *pg, int lock_wait, struct fields *kept);

#endif
