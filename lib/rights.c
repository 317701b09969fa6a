#include "rights.h"

#include <string.h>

static void add(struct buf *missing, const struct pg_rows *r)
{
    for (int i = 0; i < pg_count(r); i++)
        buf_addf(missing, "%s%s", missing->len ? ", " : "", pg_value(r, i, 0));
}

static bool is_superuser(struct pg *pg)
{
    return strcmp(pg_parameter(pg, "is_superuser"), "on") == 0;
}

/* Of target_find_missing()'s queries these are the other way round: they find what is no trouble. */
/* clang-format off */
#define NO_TROUBLE(trouble) "SELECT WHERE NOT EXISTS (" trouble ") AND v.name"

static const char owners[] = NO_TROUBLE(
    "SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = v.name"
    " AND NOT pg_catalog.pg_has_role(r.oid, CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000"
    "  THEN 'SET' ELSE 'MEMBER' END)");

static const char tablespaces[] = NO_TROUBLE(
    "SELECT FROM pg_catalog.pg_tablespace t WHERE t.spcname = v.name"
    " AND NOT pg_catalog.has_tablespace_privilege(t.oid, 'CREATE')");

/* to_jsonb(), for PostgreSQL 12 does not know trusted ones. Of a database that is still to be made, `which` are
 * those that every new one has (oids below FirstNormalObjectId, as in target.c). */
#define EXTENSIONS(which) NO_TROUBLE( \
    "SELECT FROM pg_catalog.pg_available_extensions a" \
    " JOIN pg_catalog.pg_available_extension_versions e ON e.name = a.name AND e.version = a.default_version" \
    " WHERE a.name = v.name AND e.superuser" \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE x.extname = a.name" which ")" \
    " AND NOT coalesce((pg_catalog.to_jsonb(e) ->> 'trusted')::bool, false)")
/* clang-format on */

static void add_database(struct pg *pg, struct buf *missing)
{
    struct pg_rows *r = pg_query(
        pg, "look at the rights",
        "SELECT pg_catalog.format('the right %s on database ''%s''', p.name, pg_catalog.current_database())"
        " FROM (VALUES ('CREATE'), ('TEMPORARY')) p(name)"
        " WHERE NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), p.name)");

    add(missing, r);
    pg_free(r);
}

void rights_missing(struct pg *pg, const struct fields *database, const struct left_out *out,
                    bool new_database, struct buf *missing)
{
    if (is_superuser(pg))
        return;
    if (!new_database)
        add_database(pg, missing);
    if (!out->owners)
        target_find_missing(pg, database, "needs-owner", "membership in role", false, owners, missing);
    if (!out->tablespaces)
        target_find_missing(pg, database, "needs-tablespace", "the right CREATE on tablespace", false,
                            tablespaces, missing);
    target_find_missing(pg, database, "extension", "a superuser for extension", true,
                        new_database ? EXTENSIONS(" AND x.oid < 16384") : EXTENSIONS(""), missing);
}

void rights_foreign_extensions(struct pg *pg, struct fields *names)
{
    struct pg_rows *r = pg_query(pg, "look at the extensions",
                                 "SELECT pg_catalog.quote_ident(extname) FROM pg_catalog.pg_extension"
                                 " WHERE NOT pg_catalog.pg_has_role(extowner, 'USAGE')");

    for (int i = 0; i < pg_count(r); i++)
        fields_add(names, "extension", pg_value(r, i, 0));
    pg_free(r);
}
