/* load.h - layer 3: a stream into a database: definitions, rows, and what comes behind them; and what is
 * there then, compared with what the stream says.
 */
#ifndef BK_LOAD_H
#define BK_LOAD_H

#include <stdbool.h>

#include "newdb.h"
#include "pg.h"
#include "select.h"
#include "target.h"

struct load_options {
    int jobs;
    struct selection selection;
    bool into_existing; /* rows only, into tables that are there and empty */
    bool create_roles, by_root, older_server;
    struct left_out out;
};

/* Loads the stream on standard input into a database: the one that `pg` is connected to, which must be empty;
 * or one that is made, if `newdb` is not NULL. Takes either over. Whatever is wrong ends the program; undone
 * is then what the header of the part says that was at it (target.h, newdb.h, refill.h). */
void load_stream(const struct load_options *o, struct pg *pg, struct newdb *newdb);

#endif
