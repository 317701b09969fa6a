/* load.h - layer 3: a stream into a database: definitions, rows, and what comes behind them; and what is
 * there then, compared with what the stream says.
 */
#ifndef BK_LOAD_H
#define BK_LOAD_H

#include <stdbool.h>

#include "contents.h"
#include "head.h"
#include "newdb.h"
#include "pg.h"
#include "select.h"
#include "target.h"

struct load_options {
    int jobs;
    struct selection selection;
    bool into_existing;       /* rows only, into tables that are there and empty */
    bool single_transaction;  /* replace what is in the database */
    const char *after_backup; /* this file is a backup of it; NULL: none is */
    bool no_backup;           /* nor is one wanted */
    int lock_wait;            /* seconds that it waits for those who use it */
    bool create_roles, by_root, older_server;
    struct left_out out;
};

/* Loads the stream on standard input into a database: the one that `pg` is connected to, which must be empty,
 * or be given up (single.h); or one that is made, if `newdb` is not NULL. Takes either over. Whatever is
 * wrong ends the program; undone is then what the header of the part says that was at it (target.h, newdb.h,
 * refill.h). */
void load_stream(const struct load_options *o, struct pg *pg, struct newdb *newdb);

/* What it looks at first, also for preview.h. Of what stands against this load they complain (msg.h); what is
 * no backup at all, or made by a newer bk, ends the program. With `new_database` the target is not the one
 * that `pg` is connected to, but one that is still to be made; with
 * `replaces`, in the place of another one. The ITEMs' check is for when all are there. */
void load_check_begin(const struct load_options *o, const struct head *h, struct pg *pg, bool new_database);
void load_check_item(const struct item *i);
void load_check_items(const struct load_options *o, const struct contents *c, struct pg *pg, bool replaces);

/* The encoding of the source, where the server is to convert it; NULL: the target's own. Lives as long as the
 * ITEM. */
const char *load_encoding(const struct contents *c);

#endif
