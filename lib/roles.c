#include "roles.h"

#include "grants.h"
#include "msg.h"

/* clang-format off */
/* Roles that PostgreSQL itself defines begin with pg_. */
#define COPY_ROLES(password, from) \
    "COPY (SELECT rolname::text, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication," \
    " rolbypassrls, rolconnlimit, rolvaliduntil, " password "," \
    " pg_catalog.shobj_description(r.oid, 'pg_authid')," \
    " (SELECT setconfig FROM pg_catalog.pg_db_role_setting WHERE setdatabase = 0 AND setrole = r.oid)," \
    " (SELECT pg_catalog.array_agg(DISTINCT pg_catalog.pg_get_userbyid(roleid)::text)" \
    "  FROM pg_catalog.pg_auth_members WHERE member = r.oid)," \
    " (SELECT pg_catalog.array_agg(DISTINCT pg_catalog.pg_get_userbyid(roleid)::text)" \
    "  FROM pg_catalog.pg_auth_members WHERE member = r.oid AND admin_option)" \
    " FROM pg_catalog." from " r WHERE rolname !~ '^pg_' ORDER BY oid) TO STDOUT"
/* clang-format on */

const char *roles_copy_out(bool passwords)
{
    return passwords ? COPY_ROLES("rolpassword", "pg_authid") : COPY_ROLES("NULL", "pg_roles");
}

const char tablespaces_copy_out[] =
    "COPY (SELECT spcname::text, pg_catalog.pg_get_userbyid(spcowner)::text,"
    " pg_catalog.pg_tablespace_location(oid), spcacl::text, spcoptions::text,"
    " pg_catalog.shobj_description(oid, 'pg_tablespace')"
    " FROM pg_catalog.pg_tablespace WHERE spcname !~ '^pg_' ORDER BY oid) TO STDOUT";

const char roles_copy_in[] = "COPY pg_temp.bk_role FROM STDIN";
const char roles_names[] = "SELECT name FROM pg_temp.bk_role";

void roles_begin(struct pg *pg)
{
    pg_exec(
        pg, "prepare for the roles",
        "CREATE TEMPORARY TABLE bk_role (name text, superuser bool, inherit bool, createrole bool, createdb "
        "bool,"
        " login bool, replication bool, bypassrls bool, connections int, valid timestamptz, password text,"
        " comment text, settings text[], member text[], admin text[])");
}

/* clang-format off */
#define NO(attribute, word) "CASE WHEN " attribute " THEN '" word "' ELSE 'NO" word "' END"

/* First all roles, then what needs others of them. */
static const char statements[] =
    "WITH missing AS (SELECT * FROM pg_temp.bk_role r"
    "  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = r.name))"
    " SELECT pg_catalog.format('CREATE ROLE %I WITH %s;', name, pg_catalog.concat_ws(' ', "
    NO("superuser", "SUPERUSER") ", " NO("inherit", "INHERIT") ", " NO("createrole", "CREATEROLE") ", "
    NO("createdb", "CREATEDB") ", " NO("login", "LOGIN") ", " NO("replication", "REPLICATION") ", "
    NO("bypassrls", "BYPASSRLS") ", 'CONNECTION LIMIT ' || connections,"
    "  'VALID UNTIL ' || pg_catalog.quote_literal(valid), 'PASSWORD ' || pg_catalog.quote_literal(password)))"
    " FROM missing"
    " UNION ALL SELECT pg_catalog.concat("
    "  'COMMENT ON ROLE ' || pg_catalog.quote_ident(name) || ' IS ' || pg_catalog.quote_literal(comment) || ';',"
    "  (SELECT pg_catalog.string_agg("
       SQL_SETTING("pg_catalog.format('ALTER ROLE %I', name)", "setting") ", '')"
    "   FROM pg_catalog.unnest(settings) setting),"
    "  (SELECT pg_catalog.string_agg(pg_catalog.format('GRANT %I TO %I%s;', g, name,"
    "    CASE WHEN g = ANY (admin) THEN ' WITH ADMIN OPTION' END), '') FROM pg_catalog.unnest(member) g))"
    " FROM missing";
/* clang-format on */

static void tell_made(const struct pg_rows *made)
{
    struct buf names = {0};
    int n = pg_count(made), without = 0;

    for (int i = 0; i < n; i++) {
        buf_addf(&names, "%s%s", i ? ", " : "", pg_value(made, i, 0));
        without += pg_value(made, i, 1)[0] == 't';
    }
    if (n > 0)
        info("made the roles: %s", buf_str(&names));
    if (without > 0)
        info("roles that log in and have no password yet: %d; psql's \\password gives them one", without);
    buf_free(&names);
}

void roles_create(struct pg *pg, bool tell)
{
    struct pg_rows *made =
        pg_query(pg, "look for the roles",
                 "SELECT name, login AND password IS NULL FROM pg_temp.bk_role r WHERE NOT EXISTS"
                 " (SELECT FROM pg_catalog.pg_roles WHERE rolname = r.name) ORDER BY name");
    struct pg_rows *r = pg_query(pg, "look for the roles", statements);

    for (int i = 0; i < pg_count(r); i++)
        if (*pg_value(r, i, 0))
            pg_exec(pg, "make the roles", pg_value(r, i, 0));
    if (tell)
        tell_made(made);
    pg_free(r);
    pg_free(made);
}
