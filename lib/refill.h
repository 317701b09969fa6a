/* refill.h - layer 3: rows only, into tables that are there: in one transaction, and only where they are
 * empty. */
#ifndef BK_REFILL_H
#define BK_REFILL_H

#include <stdbool.h>

#include "contents.h"
#include "pg.h"

/* Of the tables of the items whose `rows` are wanted (item n at n - 1) complains (msg.h) with status 1 if
 * some are not there, with status 4 if some have rows: with all their names. */
void refill_check(struct pg *pg, const struct contents *c, const bool *rows);

/* The same in a transaction, which it begins, and with these tables locked against others that write. */
void refill_begin(struct pg *pg, const struct contents *c, const bool *rows);

/* Of pg_temp.bk_sequence leaves those that belong to columns of these tables. */
void refill_sequences(struct pg *pg, const struct contents *c, const bool *rows);

/* All is there. On return it is on the server's disk. */
void refill_commit(struct pg *pg);

#endif
