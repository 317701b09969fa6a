/* locks.h - layer 3: the ACCESS SHARE locks of a dump: who is in their way, and is there room for them.
 *
 * Only an ACCESS EXCLUSIVE lock is, be it held or only waited for: whoever comes behind one that waits, waits
 * too.
 */
#ifndef BK_LOCKS_H
#define BK_LOCKS_H

#include "pg.h"

/* Words (to be freed) about up to three sessions of others that hold or want such a lock on a table of this
 * database just now, as "public.t is locked by process 4711 (psql, idle in transaction)". NULL: none. */
char *locks_in_the_way(struct pg *pg);

/* The same of any lock on a table, view or sequence that somebody has made: they are in the way of whoever
 * drops it. */
char *locks_held(struct pg *pg);

/* Is the server sure to have room for locks on so many tables, for us and for pg_dump? If not, warns, and
 * returns advice for when it turns out that it has none (to be freed). Else NULL. */
char *locks_room(struct pg *pg, int tables);

#endif
