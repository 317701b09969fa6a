#include "property.h"

#include <stdlib.h>
#include <string.h>

#include "grants.h"
#include "msg.h"

/* A value as a literal; NULL for what is not there, or is left out. */
static void add_value(struct pg *pg, const char *value, bool left_out, struct buf *sql)
{
    if (value && !left_out)
        pg_literal(pg, value, sql);
    else
        buf_adds(sql, "NULL");
}

/* The acl lines as an array; "none" stands for the empty one, which is not the same as no line. */
static void add_acl(struct pg *pg, const struct fields *f, bool left_out, struct buf *sql)
{
    size_t n = 0;

    for (size_t i = 0; i < f->count && !left_out; i++) {
        if (strcmp(f->line[i].name, "acl") != 0)
            continue;
        buf_adds(sql, n++ ? ", " : "ARRAY[");
        if (strcmp(f->line[i].value, "none") != 0)
            pg_literal(pg, f->line[i].value, sql);
    }
    buf_adds(sql, n ? "]" : "NULL");
}

/* The role in a line "ROLE NAME=VALUE": an identifier, in double quotes where it must be. Returns what
 * follows it. */
static const char *take_role(const char *line, struct buf *role)
{
    if (*line != '"') {
        size_t n = strcspn(line, " ");
        buf_add(role, line, n);
        return line + n;
    }
    for (line++; *line; line++) {
        if (*line == '"' && line[1] != '"')
            return line + 1;
        line += *line == '"';
        buf_addc(role, *line);
    }
    return line;
}

/* "ROLE NAME=VALUE"; the role is "-" for all. */
static void add_setting(struct pg *pg, const char *line, struct buf *sql)
{
    struct buf role = {0};
    const char *setting = take_role(line, &role), *equals = strchr(setting, '=');

    if (*setting != ' ' || !equals || equals == setting + 1)
        die(BAD_DATA, "a setting of the database in the backup is none: '%s'", line);
    buf_addc(sql, '(');
    add_value(pg, buf_str(&role), strncmp(line, "- ", 2) == 0, sql);
    buf_adds(sql, ", ");
    pg_literal(pg, setting + 1, sql);
    buf_addc(sql, ')');
    buf_free(&role);
}

static void add_settings(struct pg *pg, const struct fields *f, struct buf *sql)
{
    buf_adds(sql, "(VALUES (NULL::text, NULL::text)");
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->line[i].name, "setting") != 0)
            continue;
        buf_adds(sql, ", ");
        add_setting(pg, f->line[i].value, sql);
    }
    buf_adds(sql, ") s(role, setting)");
}

/* clang-format off */
/* Of p(name, owner, comment, connections, acl), and settings s. */
static const char statements[] =
    "SELECT pg_catalog.concat("
    " CASE WHEN owner IS NOT NULL THEN pg_catalog.format('ALTER DATABASE %I OWNER TO %I;', name, owner) END,"
    " CASE WHEN acl IS NOT NULL THEN "
      SQL_GRANTS("pg_catalog.format('DATABASE %I', name)", "owner", "acl::pg_catalog.aclitem[]") " END,"
    " CASE WHEN comment IS NOT NULL THEN pg_catalog.format('COMMENT ON DATABASE %I IS %L;', name, comment) END,"
    " CASE WHEN connections <> '-1' THEN"
    "  pg_catalog.format('ALTER DATABASE %I CONNECTION LIMIT %s;', name, connections::int) END,"
    " (SELECT pg_catalog.string_agg("
       SQL_SETTING("CASE WHEN role IS NULL THEN pg_catalog.format('ALTER DATABASE %I', name)"
                   " ELSE pg_catalog.format('ALTER ROLE %I IN DATABASE %I', role, name) END", "setting") ", '')"
    "  FROM ";
/* clang-format on */

void property_apply(struct pg *pg, const struct fields *database, const struct left_out *out)
{
    struct buf sql = {0};

    if (out->properties)
        return;
    buf_adds(&sql, statements);
    add_settings(pg, database, &sql);
    buf_adds(&sql, " WHERE setting IS NOT NULL)) FROM (SELECT pg_catalog.current_database() AS name, ");
    add_value(pg, fields_get(database, "owner"), out->owners, &sql);
    buf_adds(&sql, "::text AS owner, ");
    add_value(pg, fields_get(database, "comment"), false, &sql);
    buf_adds(&sql, "::text AS comment, ");
    add_value(pg, fields_get(database, "connection-limit"), false, &sql);
    buf_adds(&sql, "::text AS connections, ");
    add_acl(pg, database, out->acls || out->owners, &sql);
    buf_adds(&sql, "::text[] AS acl) p");
    struct pg_rows *r = pg_query(pg, "read the database's properties", buf_str(&sql));
    if (pg_count(r) > 0 && *pg_value(r, 0, 0))
        pg_exec(pg, "set the database's properties", pg_value(r, 0, 0));
    pg_free(r);
    buf_free(&sql);
}

/* The settings of roles are listed one by one. Who has rights from the owner loses them, and so does whoever
 * has them from there. */
/* clang-format off */
static const char take_away[] =
    "SELECT pg_catalog.concat("
    " pg_catalog.format('COMMENT ON DATABASE %1$I IS NULL; ALTER DATABASE %1$I CONNECTION LIMIT -1; ALTER DATABASE %1$I RESET ALL;', datname),"
    " (SELECT pg_catalog.string_agg(pg_catalog.format('ALTER ROLE %I IN DATABASE %I RESET ALL;', r.rolname, datname), '')"
    "  FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = d.oid),"
    " CASE WHEN datacl IS NOT NULL AND NOT rights_left_out THEN pg_catalog.format("
    "   'REVOKE ALL ON DATABASE %1$I FROM PUBLIC, %2$s CASCADE; GRANT ALL ON DATABASE %1$I TO %3$I;"
    "    GRANT CONNECT, TEMPORARY ON DATABASE %1$I TO PUBLIC', datname,"
    "   (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(rolname), ', ') FROM pg_catalog.pg_roles"
    "    WHERE oid = datdba OR oid IN (SELECT grantee FROM pg_catalog.aclexplode(datacl))),"
    "   pg_catalog.pg_get_userbyid(datdba)) END)"
    " FROM pg_catalog.pg_database d, (SELECT ";
/* clang-format on */

void property_reset(struct pg *pg, const struct left_out *out)
{
    struct buf sql = {0};

    if (out->properties)
        return;
    buf_adds(&sql, take_away);
    buf_adds(&sql, out->acls || out->owners ? "true" : "false");
    buf_adds(&sql, ") v(rights_left_out) WHERE datname = pg_catalog.current_database()");
    struct pg_rows *r = pg_query(pg, "read the database's properties", buf_str(&sql));
    pg_exec(pg, "take the database's properties away", pg_value(r, 0, 0));
    pg_free(r);
    buf_free(&sql);
}
