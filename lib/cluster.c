#include "cluster.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "msg.h"
#include "pool.h"
#include "session.h"

struct pg *cluster_open(const char *conninfo, const char *maintenance, const char *other)
{
    const char *first = maintenance ? maintenance : strcmp(other, "postgres") != 0 ? "postgres" : "template1";
    char *words, *ignored = NULL;
    struct pg *pg = pg_try_connect(conninfo, first, msg_tool(), &words);

    if (!pg && !maintenance && strcmp(other, "template1") != 0)
        pg = pg_try_connect(conninfo, "template1", msg_tool(), &ignored);
    if (!pg) {
        hint("--maintenance-db names a database to connect to while another one is made");
        die(FAILED, "cannot connect to the database '%s': %s", first, words);
    }
    free(ignored);
    session_begin(pg, msg_tool());
    return pg;
}

/* Runs a query that has one name in it. */
static struct pg_rows *query(struct pg *pg, const char *what, const char *before, const char *name,
                             const char *after)
{
    struct buf sql = {0};

    buf_adds(&sql, before);
    pg_literal(pg, name, &sql);
    buf_adds(&sql, after);
    struct pg_rows *r = pg_query(pg, what, buf_str(&sql));
    buf_free(&sql);
    return r;
}

bool cluster_has(struct pg *pg, const char *name)
{
    struct pg_rows *r =
        query(pg, "look for the database", "SELECT FROM pg_catalog.pg_database WHERE datname = ", name, "");
    bool there = pg_count(r) > 0;

    pg_free(r);
    return there;
}

/* pg_database_size() wants the right to connect, or to read all statistics. */
uint64_t cluster_size(struct pg *pg, const char *name)
{
    struct pg_rows *r =
        query(pg, "measure the database",
              "SELECT CASE WHEN pg_catalog.has_database_privilege(oid, 'CONNECT')"
              " THEN pg_catalog.pg_database_size(oid) END FROM pg_catalog.pg_database WHERE datname = ",
              name, "");
    uint64_t size = pg_number(r, 0, 0);

    pg_free(r);
    return size;
}

/* A query whose first row and column are words, or NULL. */
static char *words_of(struct pg_rows *r)
{
    char *words = *pg_value(r, 0, 0) ? xstrdup(pg_value(r, 0, 0)) : NULL;

    pg_free(r);
    return words;
}

/* An autovacuum worker makes way by itself. */
char *cluster_sessions(struct pg *pg, const char *name)
{
    return words_of(query(
        pg, "look for sessions",
        "SELECT pg_catalog.string_agg(pg_catalog.format('%s of role %s (pid %s)',"
        " coalesce(nullif(application_name, ''), backend_type, 'a session'), coalesce(usename, '?'), pid),"
        " ', ' ORDER BY backend_start) FROM pg_catalog.pg_stat_activity WHERE datname = ",
        name, " AND backend_type IS DISTINCT FROM 'autovacuum worker'"));
}

char *cluster_prepared(struct pg *pg, const char *name)
{
    return words_of(
        query(pg, "look for prepared transactions",
              "SELECT pg_catalog.string_agg(pg_catalog.quote_literal(gid), ', ' ORDER BY prepared)"
              " FROM pg_catalog.pg_prepared_xacts WHERE database = ",
              name, ""));
}

/* Where the provider is libc, the two locales say all. */
static void add_locale(struct pg *pg, const struct fields *f, struct buf *sql)
{
    static const struct {
        const char *field, *word;
    } options[] = {{"encoding", "ENCODING"}, {"collate", "LC_COLLATE"}, {"ctype", "LC_CTYPE"}};
    const char *provider = fields_get(f, "locale-provider"), *icu = fields_get(f, "icu-locale");

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const char *value = fields_get(f, options[i].field);
        if (!value)
            continue;
        buf_addf(sql, " %s ", options[i].word);
        pg_literal(pg, value, sql);
    }
    if (!provider || !icu || pg_version(pg) < 150000)
        return;
    buf_adds(sql, strcmp(provider, "b") == 0 ? " LOCALE_PROVIDER builtin BUILTIN_LOCALE "
                                             : " LOCALE_PROVIDER icu ICU_LOCALE ");
    pg_literal(pg, icu, sql);
}

/* template0, for another may have contents of its own, and takes no other encoding. */
void cluster_create(struct pg *pg, const char *name, const struct fields *database)
{
    struct buf sql = {0};
    char *what = xasprintf("create the database '%s'", name);

    buf_adds(&sql, "CREATE DATABASE ");
    pg_ident(pg, name, &sql);
    buf_adds(&sql, " TEMPLATE template0");
    add_locale(pg, database, &sql);
    hint("with createdb you can make one with a locale that this server has, and load into that");
    pg_exec(pg, what, buf_str(&sql));
    hint_forget();
    free(what);
    buf_free(&sql);
}

/* Before PostgreSQL 13 there was no FORCE; then sessions are in the way. */
bool cluster_drop(struct pg *pg, const char *name, char **words)
{
    struct buf sql = {0};
    char state[6];

    buf_adds(&sql, "DROP DATABASE IF EXISTS ");
    pg_ident(pg, name, &sql);
    if (pg_version(pg) >= 130000)
        buf_adds(&sql, " WITH (FORCE)");
    bool ok = pg_try(pg, buf_str(&sql), state, words);
    buf_free(&sql);
    return ok;
}

/* A statement that ends its sessions; by its oid, for its name may become another one's. */
static char *disconnection(struct pg *pg, const char *name)
{
    struct pg_rows *r = query(pg, "look for the database",
                              "SELECT oid FROM pg_catalog.pg_database WHERE datname = ", name, "");
    char *sql = xasprintf("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
                          " WHERE datid = %" PRIu64,
                          pg_number(r, 0, 0));

    pg_free(r);
    return sql;
}

void cluster_disconnect(struct pg *pg, const char *name)
{
    char *sql = disconnection(pg, name);

    pg_exec(pg, "end the sessions", sql);
    free(sql);
}

/* Ends the sessions of a database for as long as it is being renamed. */
struct chase {
    struct pg *pg; /* a connection of its own */
    char *sql;
    char *words; /* why that failed; NULL: it did not */
    atomic_bool over;
    pthread_t thread;
};

static void *chase(void *arg)
{
    static const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    struct chase *c = arg;
    char state[6];

    while (!atomic_load(&c->over) && pg_try(c->pg, c->sql, state, &c->words))
        nanosleep(&pause, NULL);
    return NULL;
}

static void chase_begin(struct chase *c, struct pg *pg, const char *name)
{
    *c = (struct chase){.pg = pg_again(pg, msg_tool()), .sql = disconnection(pg, name)};
    c->thread = thread_start(chase, c);
}

/* Adds to `words` why sessions could not be ended, if so. */
static void chase_end(struct chase *c, char **words)
{
    atomic_store(&c->over, true);
    pthread_join(c->thread, NULL);
    if (*words && c->words) {
        char *both = xasprintf("%s (and sessions could not be ended: %s)", *words, c->words);
        free(*words);
        *words = both;
    }
    pg_close(c->pg);
    free(c->sql);
    free(c->words);
}

/* Renaming takes a lock that new connections wait for, and only then looks for sessions; if there are some,
 * it waits for them up to 5 seconds (CountOtherDBBackends() in PostgreSQL's procarray.c). Those that are
 * ended meanwhile do not come back. So nobody need be shut out beforehand, by a change that could be left
 * behind. */
bool cluster_rename(struct pg *pg, const struct rename *r, size_t count, bool disconnect, char **words)
{
    struct buf sql = {0};
    struct chase c;
    char state[6], *ignored = NULL;

    *words = NULL;
    buf_adds(&sql, "BEGIN; SET LOCAL lock_timeout = '5s'; SET LOCAL synchronous_commit = on");
    for (size_t i = 0; i < count; i++) {
        buf_adds(&sql, "; ALTER DATABASE ");
        pg_ident(pg, r[i].from, &sql);
        buf_adds(&sql, " RENAME TO ");
        pg_ident(pg, r[i].to, &sql);
    }
    buf_adds(&sql, "; COMMIT");
    if (disconnect)
        chase_begin(&c, pg, r[0].from);
    bool ok = pg_try(pg, buf_str(&sql), state, words);
    if (disconnect)
        chase_end(&c, words);
    if (!ok)
        pg_try(pg, "ROLLBACK", state, &ignored);
    free(ignored);
    buf_free(&sql);
    return ok;
}
