#include "locks.h"

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
/* clang-format on */

char *locks_in_the_way(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look at the locks", query);
    struct buf words = {0};

    for (int i = 0; i < pg_count(r); i++)
        buf_addf(&words, "%s%s", i ? "; " : "", pg_value(r, i, 0));
    pg_free(r);
    return words.len ? buf_str(&words) : NULL;
}
