#include "describe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"

/* Adds a line for each row of a query with one column; NULL and "" are left out. */
static void add_rows(struct pg *pg, struct fields *item, const char *name, const char *sql)
{
    struct pg_rows *r = pg_query(pg, "read the database's properties", sql);

    for (int i = 0; i < pg_count(r); i++)
        if (*pg_value(r, i, 0))
            fields_add(item, name, pg_value(r, i, 0));
    pg_free(r);
}

/* to_jsonb() reaches columns that only some versions have (datlocprovider from 15 on; daticulocale is
 * datlocale from 17 on). */
#define DATABASE(expression)                                                                                 \
    "SELECT " expression " FROM pg_catalog.pg_database d WHERE datname = pg_catalog.current_database()"
#define JSON_COLUMN(name) "pg_catalog.to_jsonb(d) ->> '" name "'"

/* pg_shdepend knows which roles own something (o), have rights to something (a) or are named by a policy (r);
 * but not what belongs to the role that initdb made, oid 10. Extensions, and what belongs to one, are made by
 * whoever loads them. */
#define ROLES_OF(kinds)                                                                                      \
    " FROM pg_catalog.pg_shdepend WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass"            \
    " AND deptype IN (" kinds ") AND (dbid = (" DATABASE("oid") ") OR (dbid = 0 AND objid = (" DATABASE(     \
        "oid") ")"                                                                                           \
               " AND classid = 'pg_catalog.pg_database'::pg_catalog.regclass))"
#define NO_MEMBER(class, oid)                                                                                \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = " class " AND e.objid = " oid     \
                                                                                   " AND e.deptype = 'e')"
#define OWNERS                                                                                               \
    ROLES_OF("'o'")                                                                                          \
    " AND dbid <> 0"                                                                                         \
    " AND classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass" NO_MEMBER("pg_shdepend.classid",        \
                                                                               "pg_shdepend.objid")
#define OR_BOOTSTRAP                                                                                         \
    " UNION SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10 AND EXISTS"                               \
    " (SELECT FROM pg_catalog.pg_class WHERE oid >= 16384 AND relowner = 10"                                 \
    "  AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')" NO_MEMBER(                                        \
        "'pg_catalog.pg_class'::pg_catalog.regclass", "pg_class.oid") ")"

/* A copy of the whole server, as a standby, has the same; a copy of the database alone has not. */
static const struct {
    const char *name, *sql;
} identity[] = {
    {"server-id", "SELECT system_identifier FROM pg_catalog.pg_control_system()"},
    {"oid", DATABASE("oid")},
};

static const struct {
    const char *name, *sql;
} properties[] = {
    {"name", DATABASE("datname")},
    {"server-version", "SELECT pg_catalog.current_setting('server_version')"},
    {"server-version-num", "SELECT pg_catalog.current_setting('server_version_num')"},
    {"server-os", "SELECT pg_catalog.version()"},
    {"encoding", DATABASE("pg_catalog.pg_encoding_to_char(encoding)")},
    {"collate", DATABASE("datcollate")},
    {"ctype", DATABASE("datctype")},
    {"locale-provider", DATABASE(JSON_COLUMN("datlocprovider"))},
    {"icu-locale", DATABASE("coalesce(" JSON_COLUMN("daticulocale") ", " JSON_COLUMN("datlocale") ")")},
    {"owner", DATABASE("pg_catalog.pg_get_userbyid(datdba)")},
    {"acl", DATABASE("pg_catalog.unnest(CASE pg_catalog.cardinality(datacl) WHEN 0 THEN '{none}' ELSE "
                     "datacl::text[] END)")},
    {"comment", DATABASE("pg_catalog.shobj_description(oid, 'pg_database')")},
    {"tablespace",
     "SELECT spcname FROM pg_catalog.pg_tablespace t JOIN pg_catalog.pg_database d ON t.oid = d.dattablespace"
     " WHERE datname = pg_catalog.current_database()"},
    {"connection-limit", DATABASE("datconnlimit")},
    {"is-template", DATABASE("datistemplate")},
    {"setting", "SELECT coalesce(pg_catalog.quote_ident(rolname), '-') || ' ' || pg_catalog.unnest(setconfig)"
                " FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase"
                " LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole"
                " WHERE datname = pg_catalog.current_database() ORDER BY 1"},
    {"needs-role", "SELECT pg_catalog.pg_get_userbyid(refobjid)" ROLES_OF("'r'") " GROUP BY 1 ORDER BY 1"},
    {"needs-owner", "SELECT pg_catalog.pg_get_userbyid(refobjid)" OWNERS OR_BOOTSTRAP " ORDER BY 1"},
    {"needs-grantee", "SELECT pg_catalog.pg_get_userbyid(refobjid)" ROLES_OF("'a'") " GROUP BY 1 ORDER BY 1"},
    {"needs-setting-role",
     "SELECT rolname FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole"
     " WHERE setdatabase = (" DATABASE("oid") ") ORDER BY 1"},
    {"needs-tablespace",
     "SELECT DISTINCT spcname FROM pg_catalog.pg_tablespace t"
     " JOIN pg_catalog.pg_class c ON c.reltablespace = t.oid WHERE c.oid >= 16384 ORDER BY 1"},
    {"extension", "SELECT extname || ' ' || extversion FROM pg_catalog.pg_extension ORDER BY 1"},
};

void describe_identity(struct pg *pg, struct fields *item)
{
    struct pg_rows *r =
        pg_query(pg, "look at the server",
                 "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')");
    bool known = strcmp(pg_value(r, 0, 0), "t") == 0;

    pg_free(r);
    for (size_t i = known ? 0 : 1; i < sizeof identity / sizeof identity[0]; i++)
        add_rows(pg, item, identity[i].name, identity[i].sql);
}

void describe_database(struct pg *pg, struct fields *item)
{
    fields_add(item, "type", "database");
    fields_add(item, "server-host", pg_host(pg));
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        add_rows(pg, item, properties[i].name, properties[i].sql);
    for (const char *const *s = pg_copy_settings; *s; s++)
        fields_add(item, "copy-setting", *s);
    fields_addf(item, "copy-setting", "client_encoding=%s", fields_get(item, "encoding"));
    describe_identity(pg, item);
}

static int compare_oid(const void *oid, const void *table)
{
    uint32_t a = *(const uint32_t *)oid, b = (*(struct table *const *)table)->oid;

    return (a > b) - (a < b);
}

static int compare_tables(const void *a, const void *b)
{
    return compare_oid(&(*(struct table *const *)a)->oid, b);
}

/* A query with one %s: the wanted tables, as c(oid). Its rows begin with an oid of these. */
static struct pg_rows *query_tables(struct pg *pg, const struct snapshot *s, const char *query)
{
    char *tables =
        xasprintf("(SELECT c.oid%s%s%s AND c.relkind = 'r') c", FROM_USER_RELATIONS, s->relations, s->rows);
    struct buf sql = {0};
    const char *place = strstr(query, "%s");

    buf_add(&sql, query, (size_t)(place - query));
    buf_adds(&sql, tables);
    buf_adds(&sql, place + 2);
    struct pg_rows *r = pg_query(pg, "read the tables' columns", buf_str(&sql));
    buf_free(&sql);
    free(tables);
    return r;
}

/* The table of a row. NULL: it is new, as unlogged ones are when a standby has just been promoted. */
static struct table *table_of(struct table *const *by_oid, size_t n, const struct pg_rows *r, int row)
{
    uint32_t oid = (uint32_t)pg_number(r, row, 0);
    struct table *const *t = bsearch(&oid, by_oid, n, sizeof by_oid[0], compare_oid);

    return t ? *t : NULL;
}

static void read_columns(struct pg *pg, const struct snapshot *s, struct table *const *by_oid)
{
    struct pg_rows *r =
        query_tables(pg, s,
                     "SELECT c.oid, t.attname, pg_catalog.format_type(t.atttypid, t.atttypmod)"
                     " FROM pg_catalog.pg_attribute t JOIN %s ON t.attrelid = c.oid"
                     " WHERE t.attnum > 0 AND NOT t.attisdropped AND t.attgenerated = ''"
                     " ORDER BY c.oid, t.attname COLLATE pg_catalog.\"C\"");

    for (int i = 0; i < pg_count(r); i++) {
        struct table *t = table_of(by_oid, s->tables, r, i);
        if (!t)
            continue;
        fields_add(&t->columns, "column", pg_value(r, i, 1));
        fields_add(&t->columns, "column-type", pg_value(r, i, 2));
    }
    pg_free(r);
}

static void read_ancestors(struct pg *pg, const struct snapshot *s, struct table *const *by_oid)
{
    struct pg_rows *r =
        query_tables(pg, s,
                     "SELECT c.oid, n.nspname, up.relname"
                     " FROM %s, pg_catalog.pg_partition_ancestors(c.oid) WITH ORDINALITY a(relid, place)"
                     " JOIN pg_catalog.pg_class up ON up.oid = a.relid"
                     " JOIN pg_catalog.pg_namespace n ON n.oid = up.relnamespace"
                     " WHERE a.relid <> c.oid ORDER BY c.oid, a.place");

    for (int i = 0; i < pg_count(r); i++) {
        struct table *t = table_of(by_oid, s->tables, r, i);
        if (!t)
            continue;
        fields_add(&t->ancestors, "ancestor-schema", pg_value(r, i, 1));
        fields_add(&t->ancestors, "ancestor-name", pg_value(r, i, 2));
    }
    pg_free(r);
}

void describe_read_columns(struct pg *pg, struct snapshot *s)
{
    struct table **by_oid = xcalloc(s->tables, sizeof by_oid[0]);

    for (size_t i = 0; i < s->tables; i++)
        by_oid[i] = &s->table[i];
    qsort(by_oid, s->tables, sizeof by_oid[0], compare_tables);
    read_columns(pg, s, by_oid);
    read_ancestors(pg, s, by_oid);
    free(by_oid);
}

static void add_pairs(struct fields *item, const struct fields *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        fields_add(item, pairs->line[i].name, pairs->line[i].value);
}

void describe_table(const struct table *t, uint32_t parts, struct fields *item)
{
    fields_add(item, "type", "table");
    fields_add(item, "schema", t->schema);
    fields_add(item, "name", t->name);
    fields_addf(item, "oid", "%" PRIu32, t->oid);
    fields_add(item, "persistence", t->unlogged ? "unlogged" : "permanent");
    if (t->extension)
        fields_add(item, "extension", t->extension);
    if (t->condition)
        fields_add(item, "condition", t->condition);
    add_pairs(item, &t->ancestors);
    if (t->by_root)
        fields_add(item, "load-into", "root");
    if (t->binary)
        fields_add(item, "format", "binary");
    fields_addf(item, "parts", "%" PRIu32, parts);
    add_pairs(item, &t->columns);
}

void describe_table_name(struct pg *pg, const struct table *t, struct buf *sql)
{
    pg_ident(pg, t->schema, sql);
    buf_addc(sql, '.');
    pg_ident(pg, t->name, sql);
}

/* The words come out as what cannot be an integer. */
void describe_name_check(struct pg *pg, const struct table *t, struct buf *sql)
{
    struct buf name = {0};

    describe_table_name(pg, t, &name);
    buf_adds(sql, "SELECT CASE WHEN pg_catalog.to_regclass(");
    pg_literal(pg, buf_str(&name), sql);
    buf_addf(sql, ") = '%" PRIu32 "'::pg_catalog.regclass THEN 0 ELSE pg_catalog.concat(", t->oid);
    pg_literal(pg, buf_str(&name), sql);
    buf_adds(sql, "::text, ' is another table by now: its schema was renamed; run it again')::int END");
    buf_free(&name);
}

void describe_columns(struct pg *pg, const struct table *t, const char *before, const char *after,
                      struct buf *sql)
{
    for (size_t i = 0; i < t->columns.count; i += 2) {
        buf_adds(sql, i ? ", " : before);
        pg_ident(pg, t->columns.line[i].value, sql);
    }
    if (t->columns.count > 0)
        buf_adds(sql, after);
}
