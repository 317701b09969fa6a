#include "newdb.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "cluster.h"
#include "describe.h"
#include "msg.h"
#include "progress.h"
#include "session.h"
#include "signals.h"

enum {
    NAME_BYTES = 63,     /* NAMEDATALEN less its end (PostgreSQL's documentation, "Identifiers") */
    SESSIONS_WAIT = 600, /* tenths of a second, for sessions of the other database to end */
    SERVER_WAIT = 200,   /* tenths of a second, for a server that is starting again */
};

static const struct timespec tenth = {.tv_nsec = 100 * 1000 * 1000};

struct newdb {
    const struct newdb_options *o;
    struct pg *pg;
    char *name;
    char *fresh; /* what it is called until it is complete */
};

/* `name` with `suffix`, cut where the server would cut it, but so that the suffix stays; between characters
 * of UTF-8. */
static char *with_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), most = NAME_BYTES - strlen(suffix);

    if (n > most)
        for (n = most; n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80;)
            n--;
    return xasprintf("%.*s%s", (int)n, name, suffix);
}

static struct newdb *open_server(const struct newdb_options *o)
{
    struct newdb *n = xcalloc(1, sizeof *n);

    n->o = o;
    n->name = pg_conninfo_database(o->conninfo);
    if (!n->name) {
        hint("as -d app, or -d 'host=db.example dbname=app'");
        die(BAD_CALL, "-d does not name the database");
    }
    if (o->maintenance && strcmp(o->maintenance, n->name) == 0)
        die(BAD_CALL, "--maintenance-db must be another database than '%s'", n->name);
    n->pg = cluster_open(o->conninfo, o->maintenance, n->name);
    n->fresh = with_suffix(n->name, "_bk_incomplete");
    return n;
}

static void newdb_free(struct newdb *n)
{
    if (n->pg)
        pg_close(n->pg);
    free(n->name);
    free(n->fresh);
    free(n);
}

/* Whoever owns a database that is renamed must be allowed to make some, too. */
static void check_rights(struct newdb *n)
{
    static const char advice[] = "--single-transaction needs no other database";
    struct buf sql = {0};

    buf_adds(&sql,
             "SELECT rolsuper OR rolcreatedb, rolsuper OR coalesce((SELECT pg_catalog.pg_has_role(datdba, "
             "'USAGE') FROM pg_catalog.pg_database WHERE datname = ");
    pg_literal(n->pg, n->name, &sql);
    buf_adds(&sql, "), true), rolname FROM pg_catalog.pg_roles WHERE rolname = current_user");
    struct pg_rows *r = pg_query(n->pg, "look at the role", buf_str(&sql));
    buf_free(&sql);
    if (strcmp(pg_value(r, 0, 0), "t") != 0) {
        hint("%s", advice);
        complain(FAILED, "the role '%s' may not create databases", pg_value(r, 0, 2));
    }
    if (strcmp(pg_value(r, 0, 1), "t") != 0) {
        hint("%s", advice);
        complain(FAILED, "the role '%s' may not rename '%s', which it does not own", pg_value(r, 0, 2),
                 n->name);
    }
    pg_free(r);
}

static void check_name(const struct newdb *n)
{
    bool there = cluster_has(n->pg, n->name);

    if (there && !n->o->replace) {
        hint("--replace takes its place, and keeps it");
        complain(GUARDED, "there is a database '%s' already", n->name);
    }
    if (!there && n->o->replace) {
        hint("--create makes one");
        complain(GUARDED, "there is no database '%s' to replace", n->name);
    }
}

/* Prepared transactions would be lost to those who made them. */
static void check_sessions(const struct newdb *n, const char *name)
{
    char *sessions = cluster_sessions(n->pg, name), *prepared = cluster_prepared(n->pg, name);

    if (prepared) {
        hint("COMMIT PREPARED or ROLLBACK PREPARED, in that database");
        complain(GUARDED, "the database '%s' has prepared transactions: %s", name, prepared);
    }
    if (sessions && !n->o->disconnect) {
        hint("--disconnect ends them when all is ready");
        complain(GUARDED, "the database '%s' is in use: %s", name, sessions);
    } else if (sessions) {
        info("these sessions of '%s' will be ended: %s", name, sessions);
    }
    free(prepared);
    free(sessions);
}

/* What a load that was killed has left: dropped only if somebody says so. False: there is nothing to drop. */
static bool check_rest(struct newdb *n)
{
    char *sessions, size[16];

    if (!cluster_has(n->pg, n->fresh))
        return false;
    sessions = cluster_sessions(n->pg, n->fresh);
    if (sessions) {
        hint("if that is no load, end it; else wait for it");
        complain(GUARDED, "another load into '%s' is under way: '%s' is in use: %s", n->name, n->fresh,
                 sessions);
        free(sessions);
        return false;
    }
    format_size(cluster_size(n->pg, n->fresh), size);
    warning("'%s' (%s) was left by a load that was killed", n->fresh, size);
    if (!n->o->yes)
        ask_possible("--yes drops it; or do it by hand: dropdb");
    return true;
}

/* Returns as check_rest() does. */
static bool check(struct newdb *n)
{
    check_name(n);
    check_rights(n);
    if (n->o->replace) {
        check_sessions(n, n->name);
        if (!n->o->yes)
            ask_possible("--yes says that the database may be replaced");
    }
    return check_rest(n);
}

static void drop_rest(struct newdb *n)
{
    char *words;

    if (!n->o->yes)
        ask("drop the database '%s'?", n->fresh);
    if (!cluster_drop(n->pg, n->fresh, &words))
        die(FAILED, "cannot drop the database '%s': %s", n->fresh, words);
}

struct newdb *newdb_begin(const struct newdb_options *o)
{
    struct newdb *n = open_server(o);

    if (check(n))
        drop_rest(n);
    return n;
}

struct pg *newdb_look(const struct newdb_options *o, struct buf *plan)
{
    struct newdb *n = open_server(o);
    struct pg *pg = n->pg;
    char size[16] = "size unknown";
    uint64_t bytes = cluster_size(pg, n->name);

    if (bytes > 0)
        format_size(bytes, size);
    buf_addf(plan, "a new database '%s', called '%s' until it is complete", n->name, n->fresh);
    if (o->replace) {
        char *kept = with_suffix(n->name, "_before_YYYYMMDD_HHMMSS");
        buf_addf(plan, "\nin the place of '%s' (%s), which is kept as '%s'", n->name, size, kept);
        free(kept);
    }
    if (check(n))
        buf_addf(plan, "\n'%s', which a load that was killed has left, is dropped first%s", n->fresh,
                 o->yes ? "" : ", if you say so");
    n->pg = NULL;
    newdb_free(n);
    return pg;
}

struct pg *newdb_server(const struct newdb *n)
{
    return n->pg;
}

bool newdb_replaces(const struct newdb *n)
{
    return n->o->replace;
}

static struct pg *connect_to(const struct newdb *n, const char *name)
{
    char *words;
    struct pg *pg = pg_connect_other(n->pg, name, msg_tool(), &words);

    if (!pg)
        die(FAILED, "cannot connect to the database '%s': %s", name, words);
    session_begin(pg, msg_tool());
    return pg;
}

bool newdb_properties(const struct newdb *n, struct fields *item)
{
    if (!n->o->replace)
        return false;
    struct pg *pg = connect_to(n, n->name);
    describe_database(pg, item);
    pg_close(pg);
    return true;
}

/* By a connection of its own, for any thread may be dying, in the middle of anything; the server may just be
 * starting again. */
static void drop_fresh(void *arg, enum status status, const char *why)
{
    const struct newdb *n = arg;
    char *words = NULL;
    struct pg *pg = pg_connect_again(n->pg, msg_tool(), &words);

    (void)status, (void)why;
    for (int i = 0; !pg && i < SERVER_WAIT; i++) {
        free(words);
        nanosleep(&tenth, NULL);
        pg = pg_connect_again(n->pg, msg_tool(), &words);
    }
    if (!pg || !cluster_drop(pg, n->fresh, &words))
        warning("the database '%s' could not be dropped: %s; the next load finds it", n->fresh, words);
}

static void confirm(const struct newdb *n, const struct fields *database)
{
    const char *source = fields_get(database, "name");
    uint64_t bytes = cluster_size(n->pg, n->name);
    char size[16] = "size unknown";

    if (bytes > 0)
        format_size(bytes, size);
    info(
        "'%s' (%s) stays as it is until the new one is complete, and is kept then: there must be room on the "
        "server's disk for both",
        n->name, size);
    if (!n->o->yes)
        ask("replace the database '%s' (%s) by this backup of '%s'?", n->name, size, source ? source : "?");
}

struct pg *newdb_create(struct newdb *n, const struct fields *database)
{
    if (n->o->replace)
        confirm(n, database);
    signals_hold(); /* the server would go on with it, and nobody would know of the database */
    undo_on_die(drop_fresh, n);
    cluster_create(n->pg, n->fresh, database);
    signals_release();
    return connect_to(n, n->fresh);
}

/* A name that nobody has, which says when it was given. Freed by the caller. */
static char *dated_name(struct newdb *n, const char *word)
{
    char *name = NULL;

    for (int i = 0; !name || cluster_has(n->pg, name); i++) {
        char *sql = xasprintf("SELECT pg_catalog.to_char((pg_catalog.now() + '%d s') AT TIME ZONE 'UTC',"
                              " '_\"%s\"_YYYYMMDD_HH24MISS')",
                              i, word);
        struct pg_rows *r = pg_query(n->pg, "ask for the time", sql);
        free(name);
        name = with_suffix(n->name, pg_value(r, 0, 0));
        pg_free(r);
        free(sql);
    }
    return name;
}

/* Who connected meanwhile may go by himself. NULL, or who did not. */
static char *wait_for_sessions(const struct newdb *n)
{
    char *sessions = NULL;

    for (int i = 0; i < SESSIONS_WAIT && !n->o->disconnect; i++) {
        free(sessions);
        sessions = cluster_sessions(n->pg, n->name);
        if (!sessions)
            return NULL;
        if (i == 0)
            info("waiting for sessions of '%s' to end: %s", n->name, sessions);
        nanosleep(&tenth, NULL);
    }
    return sessions;
}

/* NAME becomes `old`, and `next` becomes NAME. NULL, or words. */
static char *swap(struct newdb *n, const char *old, const char *next)
{
    const struct rename both[] = {{n->name, old}, {next, n->name}};
    char *words = wait_for_sessions(n);

    if (words) {
        char *who = xasprintf("it is in use: %s", words);
        free(words);
        return who;
    }
    cluster_disconnect(n->pg, next);
    cluster_rename(n->pg, both, 2, n->o->disconnect, &words);
    return words;
}

/* All is there but the name, and a night's work is not thrown away for that. */
static _Noreturn void keep_aside(struct newdb *n, const char *why)
{
    char *aside = dated_name(n, "restored"), *words = NULL;
    const struct rename one = {n->fresh, aside};

    undo_forget(drop_fresh, n);
    cluster_disconnect(n->pg, n->fresh);
    if (!cluster_rename(n->pg, &one, 1, false, &words))
        warning("it could not be renamed: %s", words);
    hint("the new one is complete; to put it there by hand, rename '%s' away, and then '%s' (ALTER DATABASE)",
         n->name, words ? n->fresh : aside);
    die(GUARDED, "the database '%s' could not be given to the new one: %s; the new one is kept as '%s'",
        n->name, why, words ? n->fresh : aside);
}

static void tell(const struct newdb *n, const char *kept)
{
    info("'%s' is the restored database now; the one before is kept as '%s'", n->name, kept);
    info("to swap them back: bk-load --swap-back -d %s; to drop it: dropdb %s", n->name, kept);
}

static void finish_replacement(struct newdb *n)
{
    char *old = dated_name(n, "before"), *words = swap(n, old, n->fresh);

    if (words)
        keep_aside(n, words);
    tell(n, old);
    free(old);
}

static void finish_creation(struct newdb *n)
{
    const struct rename one = {n->fresh, n->name};
    char *words;

    cluster_disconnect(n->pg, n->fresh);
    if (!cluster_rename(n->pg, &one, 1, false, &words))
        keep_aside(n, words);
    info("the database '%s' is there", n->name);
}

/* Our first connection may have been idle for hours, and be gone. A signal finds either all done or nothing;
 * and once the new database has its name, there is no other that would be dropped. */
void newdb_finish(struct newdb *n, struct pg *pg)
{
    pg_close(pg);
    signals_hold();
    struct pg *idle = n->pg;
    n->pg = pg_again(idle, msg_tool());
    if (n->o->replace)
        finish_replacement(n);
    else
        finish_creation(n);
    undo_forget(drop_fresh, n);
    pg_close(idle);
    newdb_free(n);
    signals_release();
}

/* NULL: there is none. To be freed. */
static char *newest_before(struct newdb *n)
{
    char *pattern = with_suffix(n->name, "_before_########_######");
    struct buf sql = {0};

    pattern[strlen(pattern) - strlen("########_######")] = '\0';
    buf_adds(&sql, "SELECT datname FROM pg_catalog.pg_database d, (SELECT ");
    pg_literal(n->pg, pattern, &sql);
    buf_adds(
        &sql,
        "::text AS text) start WHERE pg_catalog.left(datname, pg_catalog.length(start.text)) = start.text"
        " AND pg_catalog.substr(datname, pg_catalog.length(start.text) + 1) ~ '^[0-9]{8}_[0-9]{6}$'"
        " ORDER BY 1 DESC LIMIT 1");
    struct pg_rows *r = pg_query(n->pg, "look for the database before", buf_str(&sql));
    char *name = pg_count(r) > 0 ? xstrdup(pg_value(r, 0, 0)) : NULL;
    pg_free(r);
    buf_free(&sql);
    free(pattern);
    return name;
}

void newdb_swap_back(const struct newdb_options *o)
{
    struct newdb *n = open_server(o);
    char *before = newest_before(n);

    if (!before)
        die(GUARDED, "there is no database '%s_before_...' to swap back", n->name);
    if (!cluster_has(n->pg, n->name)) {
        hint("rename '%s' by hand (ALTER DATABASE)", before);
        die(GUARDED, "there is no database '%s' to swap with", n->name);
    }
    check_rights(n);
    check_sessions(n, n->name);
    check_sessions(n, before);
    if (!o->yes) {
        ask_possible("--yes says that the databases may be swapped");
        ask("give the name '%s' to '%s', and keep the present one?", n->name, before);
    }
    signals_hold();
    char *old = dated_name(n, "before"), *words = swap(n, old, before);
    if (words)
        die(GUARDED, "the databases could not be swapped: %s", words);
    info("'%s' is now what was '%s'; the one before is kept as '%s'", n->name, before, old);
    signals_release();
    free(old);
    free(before);
    newdb_free(n);
}
