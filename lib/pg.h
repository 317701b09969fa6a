/* pg.h - layer a: PostgreSQL, by libpq. Nothing else includes its headers.
 *
 * What fails ends the program with status 1 and the server's words, unless it says otherwise. One connection
 * belongs to one thread at a time. SQL given here is our own: names and values from elsewhere go through
 * pg_ident() and pg_literal().
 */
#ifndef BK_PG_H
#define BK_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

struct pg;
struct pg_rows;

/* What -d says: a name, conninfo, a URI, or "env:VAR" (the variable's value, so that no password stands in an
 * argument). NULL stands for libpq's environment. The string lives as long as the program. */
const char *pg_conninfo(const char *d);

/* Connects, and nothing more; see session.h. `app` is the application_name. */
struct pg *pg_connect(const char *conninfo, const char *app);
/* The same, to `database` of that server (NULL: the one that it says). NULL if it cannot be had: `words` (to
 * be freed) say why. */
struct pg *pg_try_connect(const char *conninfo, const char *database, const char *app, char **words);
/* The database that it names, to be freed; NULL: none. */
char *pg_conninfo_database(const char *conninfo);
/* Sets what all our sessions need: search_path empty, timeouts off, the settings that COPY text depends on
 * (below), client_encoding as the database's. */
void pg_set_up(struct pg *pg);
/* What is loaded by it, and by connections made from it by pg_again(), may read views, as constraints do.
 * Otherwise a view is refused that takes a table's place while we read (CVE-2024-7348). */
void pg_loads(struct pg *pg);
/* The same for a session in which somebody else's SQL has run, as far as that is pg_restore's; within its
 * transaction. */
void pg_reset(struct pg *pg);
/* Another connection to the very server that `pg` has, of several that its conninfo may name, set up. Dies if
 * something in between leads it to another server or database. Any thread may call. */
struct pg *pg_again(const struct pg *pg, const char *app);
/* The same, but only connected, and not looked at. NULL if it cannot be had: `words` (to be freed) say why.
 */
struct pg *pg_connect_again(const struct pg *pg, const char *app, char **words);
/* And to another database of that server. */
struct pg *pg_connect_other(const struct pg *pg, const char *database, const char *app, char **words);
void pg_close(struct pg *pg);

/* The settings under which COPY writes and reads its text, as "NAME=VALUE", ended by NULL. */
extern const char *const pg_copy_settings[];

uint64_t pg_client_pid(const struct pg *pg); /* the server's process, as libpq was told */
int pg_version(const struct pg *pg);         /* 150018 for 15.18 */
const char *pg_parameter(const struct pg *pg,
                         const char *name); /* as libpq's PQparameterStatus; "" if unknown */
void pg_set_encoding(struct pg *pg, const char *encoding);
const char *pg_database(const struct pg *pg);
const char *pg_host(const struct pg *pg); /* or the folder of the socket */

/* Runs one or more statements. `what` completes "cannot ...", as "list the tables". */
void pg_exec(struct pg *pg, const char *what, const char *sql);

/* The same, but false where the server refuses. `state` gets the SQLSTATE, `words` the message (to be freed).
 */
bool pg_try(struct pg *pg, const char *sql, char state[6], char **words);

/* Hints at what can be done, where a SQLSTATE is one that we know advice for. */
void pg_advise(const char *state);

/* Has a transaction been begun, and not failed? */
bool pg_in_transaction(const struct pg *pg);

/* Runs a query. Rows and columns count from 0. */
struct pg_rows *pg_query(struct pg *pg, const char *what, const char *sql);
int pg_count(const struct pg_rows *r);
const char *pg_value(const struct pg_rows *r, int row,
                     int column); /* "" for NULL, and for a row that is not there; lives as long as `r` */
bool pg_null(const struct pg_rows *r, int row, int column);
uint64_t pg_number(const struct pg_rows *r, int row, int column);
void pg_free(struct pg_rows *r);

/* For a run of queries that can be begun again as a whole. After pg_may_break(), a query that fails because
 * the server is a standby and must go on with its recovery (SQLSTATE 40001, which may end the session too),
 * or because the session is gone, does not end the program: it and all that follow it find nothing.
 * pg_broken() ends that: NULL if all is well, else the words (to be freed). If the session is gone, there is
 * a new one. */
void pg_may_break(struct pg *pg);
char *pg_broken(struct pg *pg);

/* What can be done about such conflicts. */
extern const char pg_standby_advice[];

/* Quoted for SQL, added to `out`. */
void pg_ident(struct pg *pg, const char *name, struct buf *out);
void pg_literal(struct pg *pg, const char *value, struct buf *out);

/* COPY out: begin (the last statement of `sql` is the COPY), then rows until 0. A row is `*row`, its newline
 * included, and is freed with pg_copy_free() before the next call. `what` is kept for the messages of the
 * calls that follow. */
void pg_copy_out(struct pg *pg, const char *what, const char *sql);
/* False, and nothing more, if the server refuses with this SQLSTATE before the COPY has begun. */
bool pg_copy_out_unless(struct pg *pg, const char *what, const char *sql, const char *state);
size_t pg_copy_get(struct pg *pg, char **row);
void pg_copy_free(char *row);

/* COPY in: begin, put bytes, end. */
void pg_copy_in(struct pg *pg, const char *what, const char *sql);
void pg_copy_put(struct pg *pg, const void *bytes, size_t n);
/* True, with how many rows the server counted; false where it refuses them: `words` gets its message (to be
 * freed), none of this COPY's rows is there, and the connection can go on. */
bool pg_copy_end_try(struct pg *pg, uint64_t *rows, char **words);

/* For a child that connects to the same database: `conninfo` without any secret, for its argument, and the
 * environment's edits for child_start(). With `writes` it can do so even where the database is set to read
 * only transactions; not every pooler lets such a child in. A password lies in memory, as a PGPASSFILE that
 * is on no disk, and open until the program ends. */
struct pg_child {
    char *conninfo;
    char **env;
};
struct pg_child pg_child(struct pg *pg, bool writes);
void pg_child_free(struct pg_child *c);

#endif
