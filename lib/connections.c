#include "connections.h"

#include <stdbool.h>
#include <time.h>

enum { TRIES = 20 };

/* Whose limit, how many there may be of which how many are kept for others, how many there are. A superuser
 * is held to the server's only. Other roles' sessions are seen by all, but for what kind of process they are.
 */
/* clang-format off */
static const char query[] =
    "WITH me AS (SELECT r.* FROM pg_catalog.pg_roles r WHERE r.rolname = SESSION_USER),"
    " used AS (SELECT a.usesysid, a.datname FROM pg_catalog.pg_stat_activity a WHERE a.usesysid IS NOT NULL AND a.datid IS NOT NULL"
    "  AND coalesce(a.backend_type, 'client backend') = 'client backend'),"
    " kept AS (SELECT CASE WHEN me.rolsuper THEN 0"
    "   ELSE pg_catalog.current_setting('superuser_reserved_connections')::int"
    "    + CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles u WHERE u.rolname = 'pg_use_reserved_connections'"
    "       AND pg_catalog.pg_has_role(me.oid, u.oid, 'USAGE')) THEN 0"
    "      ELSE coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0) END END AS n FROM me)"
    " SELECT 'the server (max_connections)', pg_catalog.current_setting('max_connections')::int AS most,"
    "  (SELECT n FROM kept) AS kept, (SELECT pg_catalog.count(*) FROM used) AS used"
    " UNION ALL SELECT pg_catalog.format('the role %I', me.rolname), me.rolconnlimit, 0,"
    "  (SELECT pg_catalog.count(*) FROM used WHERE used.usesysid = me.oid)"
    "  FROM me WHERE me.rolconnlimit >= 0 AND NOT me.rolsuper"
    " UNION ALL SELECT pg_catalog.format('the database %I', d.datname), d.datconnlimit, 0,"
    "  (SELECT pg_catalog.count(*) FROM used WHERE used.datname = d.datname)"
    "  FROM me, pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()"
    "  AND d.datconnlimit >= 0 AND NOT me.rolsuper";
/* clang-format on */

static bool is_pooled(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "ask for the server's process", "SELECT pg_catalog.pg_backend_pid()");
    bool yes = pg_number(r, 0, 0) != pg_client_pid(pg);

    pg_free(r);
    return yes;
}

/* False if a limit leaves fewer than `jobs`, and this is not the last try: in that one it complains. */
static bool is_enough(const struct pg_rows *r, int row, int jobs, bool last)
{
    int most = (int)pg_number(r, row, 1), kept = (int)pg_number(r, row, 2), used = (int)pg_number(r, row, 3);
    int left = most - kept - used > 0 ? most - kept - used : 0;

    if (left >= jobs)
        return true;
    if (!last)
        return false;
    if (left > 0)
        hint("try it with -j %d, or when others have gone; or raise the limit", left);
    else
        hint("try it when others have gone, or raise the limit");
    complain(
        FAILED,
        "-j %d needs %d more connections, and %s has %d left: it allows for %d, %d are kept for others, %d "
        "are in use",
        jobs, jobs, pg_value(r, row, 0), left, most, kept, used);
    return true;
}

/* A client that has gone, as the program before us in a script, may have left a session that is just ending.
 */
void connections_check(struct pg *pg, int jobs)
{
    bool enough = is_pooled(pg);

    for (int i = 1; !enough; i++) {
        struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
        struct pg_rows *r = pg_query(pg, "count the connections", query);
        enough = true;
        for (int k = 0; k < pg_count(r) && enough; k++)
            enough = is_enough(r, k, jobs, i == TRIES);
        pg_free(r);
        if (!enough)
            nanosleep(&pause, NULL);
    }
}
