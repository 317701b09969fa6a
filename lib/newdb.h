/* newdb.h - layer 3: a database that a load makes itself.
 *
 * It is filled as NAME_bk_incomplete, beside the one that is in use, and gets the name NAME only when it is
 * complete; the one that had it is kept as NAME_before_TIME. Until then nothing has changed for anybody,
 * however the program ends: if it dies, the new database is dropped; if it is killed, the next load finds it.
 */
#ifndef BK_NEWDB_H
#define BK_NEWDB_H

#include <stdbool.h>

#include "fields.h"
#include "pg.h"

struct newdb_options {
    const char *conninfo;    /* names the database, which need not be there */
    const char *maintenance; /* NULL: postgres, else template1 */
    bool replace;            /* take the place of a database that is there */
    bool yes;                /* there is no need to ask */
    bool disconnect;         /* end sessions of the database that is replaced */
};

struct newdb;

/* Connects to another database of the server. Complains (msg.h) with status 4 where a guard stands against
 * it: the name is taken, or (to replace) is not; it has sessions; nobody is there to say yes; a load is under
 * way. With 1 if the role may make no databases. What a load that did not finish has left behind is dropped,
 * if somebody says so; else dies. */
struct newdb *newdb_begin(const struct newdb_options *o);

/* Only looks, for a dry run: complains of the same, asks nothing, drops nothing. Adds to `plan` what would
 * become of which database, in lines. The connection to the server is the caller's. */
struct pg *newdb_look(const struct newdb_options *o, struct buf *plan);

/* The connection that it has, to look at the server. */
struct pg *newdb_server(const struct newdb *n);

bool newdb_replaces(const struct newdb *n);

/* The properties of the database that is replaced, as bk-dump describes them, into `item`. False if none is.
 */
bool newdb_properties(const struct newdb *n, struct fields *item);

/* To replace: asks. Then makes the database, for a backup with this ITEM, and connects to it. From here on it
 * is dropped if the program dies. */
struct pg *newdb_create(struct newdb *n, const struct fields *database);

/* It is complete. Closes `pg`, the connection to it, gives it its name, and frees `n`. Dies with status 4 if
 * sessions of the other one do not end within a minute: then the new one is left under a name that the words
 * say. */
void newdb_finish(struct newdb *n, struct pg *pg);

/* Gives the name back to the newest NAME_before_TIME, with the same guards; what had it becomes such a one.
 */
void newdb_swap_back(const struct newdb_options *o);

#endif
