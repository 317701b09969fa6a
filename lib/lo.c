#include "lo.h"

#include <inttypes.h>
#include <string.h>

#include "grants.h"

enum {
    CREATED_AT_ONCE = 1000,
    CHANGED_AT_ONCE = 100, /* each takes a lock */
};

/* clang-format off */
#define COPY_OUT(pages) \
    "COPY (SELECT oid, NULL::int, NULL::bytea, pg_catalog.pg_get_userbyid(lomowner)::text, lomacl::text," \
    "  pg_catalog.obj_description(oid, 'pg_largeobject') FROM pg_catalog.pg_largeobject_metadata" \
    " UNION ALL " pages ") TO STDOUT"
/* clang-format on */

/* bytea in COPY text is hex (pg_copy_settings). The parts of UNION ALL come one after the other, as no plan
 * is parallel. An owner who may not read the catalog reads through the functions for large objects (262144 is
 * INV_READ of libpq/libpq-fs.h); pages of zeros, which may be holes, are left out but for the last one. */
const char *lo_copy_out(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look for large objects",
                                 "SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata),"
                                 " pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'SELECT')");
    bool some = pg_value(r, 0, 0)[0] == 't', readable = pg_value(r, 0, 1)[0] == 't';

    pg_free(r);
    if (!some)
        return NULL;
    return readable
               ? COPY_OUT("SELECT loid, pageno, data, NULL, NULL, NULL FROM pg_catalog.pg_largeobject")
               : COPY_OUT("SELECT oid, n, page, NULL, NULL, NULL FROM (SELECT oid, pg_catalog.lo_lseek64("
                          "  pg_catalog.lo_open(oid, 262144), 0, 2) - 1 AS last"
                          "  FROM pg_catalog.pg_largeobject_metadata ORDER BY oid) o,"
                          " pg_catalog.generate_series(0, (last / 2048)::int) n,"
                          " LATERAL pg_catalog.lo_get(oid, n * 2048::bigint, 2048) page"
                          " WHERE last >= 0 AND (n = last / 2048 OR"
                          "  page <> pg_catalog.decode(pg_catalog.repeat('00', 2048), 'hex'))");
}

const char lo_copy_in[] = "COPY pg_temp.bk_lo FROM STDIN";

void lo_begin(struct pg *pg)
{
    pg_exec(
        pg, "prepare for large objects",
        "CREATE TEMPORARY TABLE bk_lo (oid oid, pageno int, data bytea, owner text, acl text, comment text);"
        "CREATE TEMPORARY TABLE bk_lo_object (oid oid PRIMARY KEY, owner text, acl text, comment text)");
}

/* Runs `sql`, a query that is given its condition, order and limit here, until it returns none. */
static void in_batches(struct pg *pg, const char *what, const char *sql, int limit,
                       void (*each)(struct pg *, struct pg_rows *))
{
    uint64_t after = 0;
    struct buf query = {0};

    for (;;) {
        query.len = 0;
        buf_adds(&query, sql);
        buf_addf(&query, " WHERE oid > %" PRIu64 " ORDER BY oid LIMIT %d", after, limit);
        struct pg_rows *r = pg_query(pg, what, buf_str(&query));
        int n = pg_count(r);
        if (n > 0)
            after = pg_number(r, n - 1, 0);
        if (n > 0 && each)
            each(pg, r);
        pg_free(r);
        if (n == 0)
            break;
    }
    buf_free(&query);
}

void lo_apply(struct pg *pg)
{
    in_batches(
        pg, "make large objects",
        "SELECT oid, pg_catalog.lo_create(oid) FROM (SELECT oid FROM pg_temp.bk_lo WHERE pageno IS NULL) o",
        CREATED_AT_ONCE, NULL);
    pg_exec(pg, "write large objects",
            "INSERT INTO pg_temp.bk_lo_object"
            " SELECT oid, owner, acl, comment FROM pg_temp.bk_lo WHERE pageno IS NULL;"
            "SELECT pg_catalog.lo_put(oid, pageno * 2048::bigint, data)"
            " FROM pg_temp.bk_lo WHERE pageno IS NOT NULL;"
            "TRUNCATE pg_temp.bk_lo");
}

static void run_statements(struct pg *pg, struct pg_rows *r)
{
    struct buf sql = {0};

    for (int i = 0; i < pg_count(r); i++)
        buf_adds(&sql, pg_value(r, i, 1));
    if (sql.len > 0)
        pg_exec(pg, "set owners and rights of large objects", buf_str(&sql));
    buf_free(&sql);
}

/* All statements for one object. One whose acl is null has the rights that every new one has. */
void lo_finish(struct pg *pg, const struct left_out *out)
{
    if (out->acls || out->owners) /* rights are given in the owner's name */
        pg_exec(pg, "leave rights out", "UPDATE pg_temp.bk_lo_object SET acl = NULL");
    if (out->owners)
        pg_exec(pg, "leave owners out", "UPDATE pg_temp.bk_lo_object SET owner = CURRENT_USER");
    in_batches(pg, "read what is known of large objects",
               "SELECT oid, pg_catalog.concat("
               " pg_catalog.format('ALTER LARGE OBJECT %s OWNER TO %I;', oid, owner),"
               " CASE WHEN comment IS NOT NULL THEN pg_catalog.format('COMMENT ON LARGE OBJECT %s IS %L;', "
               "oid, comment) END,"
               " CASE WHEN acl IS NOT NULL THEN " SQL_GRANTS(
                   "pg_catalog.format('LARGE OBJECT %s', oid)", "owner",
                   "acl::pg_catalog.aclitem[]") " END)"
                                                " FROM pg_temp.bk_lo_object",
               CHANGED_AT_ONCE, run_statements);
}
