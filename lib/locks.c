#include "locks.h"

#include <inttypes.h>

/* On further objects, of pg_dump's (catalogs and their indexes), of workers' and of other sessions'. */
enum { MORE_LOCKS = 500 };

/* A prepared transaction has no process: pg_locks has NULL for it, and pg_blocking_pids() 0. */
/* clang-format off */
#define SESSION(pid) \
    "coalesce((SELECT pg_catalog.format('process %s (%s)', a.pid, pg_catalog.concat_ws(', '," \
    "  nullif(a.application_name, ''), a.state)) FROM pg_catalog.pg_stat_activity a WHERE a.pid = " pid ")," \
    " 'a prepared transaction')"

static const char query[] =
    "SELECT pg_catalog.format(CASE WHEN l.granted THEN '%I.%I is locked by %s' ELSE"
    "  '%I.%I is wanted by %s, which waits for %s' END, n.nspname, c.relname, " SESSION("l.pid") ","
    "  (SELECT pg_catalog.string_agg(" SESSION("b.pid") ", ' and ')"
    "   FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) b(pid)))"
    " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database"
    " JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE d.datname = pg_catalog.current_database() AND l.locktype = 'relation'"
    "  AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()"
    "  AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_'"
    " ORDER BY NOT l.granted, 1 LIMIT 3";

static const char held[] =
    "SELECT DISTINCT pg_catalog.format('%I.%I is in use by %s', n.nspname, c.relname, " SESSION("l.pid") ")"
    " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database"
    " JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE d.datname = pg_catalog.current_database() AND l.locktype = 'relation' AND l.granted"
    "  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()"
    "  AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.oid >= 16384 AND n.nspname !~ '^pg_'"
    " ORDER BY 1 LIMIT 3";
/* clang-format on */

static char *look(struct pg *pg, const char *sql)
{
    struct pg_rows *r = pg_query(pg, "look at the locks", sql);
    struct buf words = {0};

    for (int i = 0; i < pg_count(r); i++)
        buf_addf(&words, "%s%s", i ? "; " : "", pg_value(r, i, 0));
    pg_free(r);
    return words.len ? buf_str(&words) : NULL;
}

char *locks_in_the_way(struct pg *pg)
{
    return look(pg, query);
}

char *locks_held(struct pg *pg)
{
    return look(pg, held);
}

/* PostgreSQL's documentation, max_locks_per_transaction: so many objects can be locked at a time, but a lock
 * has room for two holders on average (InitLocks() in lock.c); and there is some room beyond that. */
char *locks_room(struct pg *pg, int tables)
{
    struct pg_rows *r =
        pg_query(pg, "look at the server's settings",
                 "SELECT pg_catalog.current_setting('max_locks_per_transaction'),"
                 " pg_catalog.current_setting('max_connections')::int"
                 " + pg_catalog.current_setting('max_prepared_transactions')::int,"
                 " (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class WHERE relkind = 'S')");
    uint64_t each = pg_number(r, 0, 0), sessions = pg_number(r, 0, 1);
    uint64_t wanted = (uint64_t)tables + pg_number(r, 0, 2); /* pg_dump locks sequences too */

    pg_free(r);
    if (sessions == 0 || wanted <= each * sessions)
        return NULL;
    uint64_t enough = (wanted + MORE_LOCKS + sessions - 1) / sessions;
    warning("%" PRIu64
            " tables and sequences must be locked, and the server is sure to have room for %" PRIu64
            " locks only; max_locks_per_transaction = %" PRIu64 " is enough",
            wanted, each * sessions, enough);
    return xasprintf("set max_locks_per_transaction = %" PRIu64 " on the server (now %" PRIu64
                     "), and start it anew",
                     enough, each);
}
