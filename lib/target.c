#include "target.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rights.h"

/* What somebody made in this database: not what every new one has (oids below 16384, the FirstNormalObjectId
 * of PostgreSQL's access/transam.h), nor what belongs to an extension. */
/* clang-format off */
#define OWN_OBJECTS(catalog, which) \
    "SELECT FROM pg_catalog." catalog " o WHERE o.oid >= 16384 AND " which \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = o.oid AND d.deptype = 'e'" \
    "  AND d.classid = 'pg_catalog." catalog "'::pg_catalog.regclass)"

#define IN_USER_SCHEMA(schema) schema "::pg_catalog.regnamespace::text !~ '^\"?pg_'"

static const char looks[] =
    "SELECT pg_catalog.count(*) FROM ("
    OWN_OBJECTS("pg_class", IN_USER_SCHEMA("relnamespace") " AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')")
    " UNION ALL "
    OWN_OBJECTS("pg_proc", IN_USER_SCHEMA("pronamespace"))
    " UNION ALL "
    OWN_OBJECTS("pg_type", IN_USER_SCHEMA("typnamespace") " AND typtype IN ('e', 'd', 'r')")
    " UNION ALL "
    OWN_OBJECTS("pg_namespace", "nspname !~ '^pg_' AND nspname <> 'public'")
    " UNION ALL SELECT FROM pg_catalog.pg_largeobject_metadata) own";
/* clang-format on */

bool target_check_finished(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look at the target",
                                 "SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'bk_incomplete'");

    bool finished = pg_count(r) == 0;
    if (!finished) {
        hint("drop the database and create it anew: dropdb, createdb -T template0");
        complain(GUARDED, "the database '%s' is a load that was not finished (schema bk_incomplete)",
                 pg_database(pg));
    }
    pg_free(r);
    return finished;
}

uint64_t target_objects(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look at the target", looks);
    uint64_t n = pg_number(r, 0, 0);

    pg_free(r);
    return n;
}

void target_check_empty(struct pg *pg)
{
    if (!target_check_finished(pg))
        return;
    uint64_t n = target_objects(pg);
    if (n > 0) {
        hint("load into a new database: createdb -T template0 NAME");
        complain(GUARDED, "the database '%s' is not empty: it has %" PRIu64 " objects of its own",
                 pg_database(pg), n);
    }
}

bool target_has_table(struct pg *pg, const char *schema, const char *name)
{
    struct buf sql = {0};

    buf_adds(&sql, "SELECT pg_catalog.to_regclass(pg_catalog.format('%I.%I', ");
    pg_literal(pg, schema, &sql);
    buf_adds(&sql, "::text, ");
    pg_literal(pg, name, &sql);
    buf_adds(&sql, "::text))");
    struct pg_rows *r = pg_query(pg, "look for a table", buf_str(&sql));
    bool there = !pg_null(r, 0, 0);
    pg_free(r);
    buf_free(&sql);
    return there;
}

/* A column or a table that is not there is left for COPY to complain of. to_regtype() passes over the length
 * and precision of a type: they are checked as rows come in. */
void target_check_types(struct pg *pg, const char *schema, const char *name, const struct fields *item)
{
    struct buf sql = {0};
    size_t columns = 0;

    buf_adds(&sql, "SELECT v.name, v.type, pg_catalog.format_type(a.atttypid, NULL) FROM (VALUES ");
    for (size_t i = 0; i + 1 < item->count; i++) {
        if (strcmp(item->line[i].name, "column") != 0)
            continue;
        buf_adds(&sql, columns++ ? ", (" : "(");
        pg_literal(pg, item->line[i].value, &sql);
        buf_adds(&sql, "::text, ");
        pg_literal(pg, item->line[i + 1].value, &sql);
        buf_adds(&sql, "::text)");
    }
    buf_adds(&sql, ") v(name, type) JOIN pg_catalog.pg_attribute a ON a.attname = v.name"
                   " AND a.attnum > 0 AND a.attrelid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', ");
    pg_literal(pg, schema, &sql);
    buf_adds(&sql, "::text, ");
    pg_literal(pg, name, &sql);
    buf_adds(&sql, "::text)) WHERE a.atttypid IS DISTINCT FROM pg_catalog.to_regtype(v.type)::oid LIMIT 1");
    struct pg_rows *r = columns ? pg_query(pg, "look at the columns of a table", buf_str(&sql)) : NULL;
    if (r && pg_count(r) > 0)
        complain(FAILED,
                 "cannot load %s.%s: its column %s is of type %s, but in the backup, in binary, of type %s",
                 schema, name, pg_value(r, 0, 0), pg_value(r, 0, 2), pg_value(r, 0, 1));
    if (r)
        pg_free(r);
    buf_free(&sql);
}

void target_find_missing(struct pg *pg, const struct fields *f, const char *name, const char *kind,
                         bool versions, const char *query, struct buf *missing)
{
    struct buf sql = {0};
    size_t n = 0;

    buf_adds(&sql, "SELECT v.name FROM (VALUES ");
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->line[i].name, name) != 0)
            continue;
        char *value = xstrdup(f->line[i].value), *space = strrchr(value, ' ');
        if (versions && space)
            *space = '\0';
        buf_adds(&sql, n++ ? "), (" : "(");
        pg_literal(pg, value, &sql);
        free(value);
    }
    buf_addf(&sql, ")) v(name) WHERE NOT EXISTS (%s = v.name)", query);
    if (n > 0) {
        struct pg_rows *r = pg_query(pg, "look at the target", buf_str(&sql));
        for (int i = 0; i < pg_count(r); i++)
            buf_addf(missing, "%s%s '%s'", missing->len ? ", " : "", kind, pg_value(r, i, 0));
        pg_free(r);
    }
    buf_free(&sql);
}

void target_check_needs(struct pg *pg, const struct fields *database, const struct left_out *out,
                        const char *new_roles, bool new_database)
{
    struct buf missing = {0};
    char *role =
        xasprintf("SELECT FROM (SELECT rolname::text FROM pg_catalog.pg_roles%s%s) r(rolname) WHERE rolname",
                  new_roles ? " UNION " : "", new_roles ? new_roles : "");

    target_find_missing(pg, database, "extension", "extension", true,
                        "SELECT FROM pg_catalog.pg_available_extensions WHERE name", &missing);
    target_find_missing(pg, database, "needs-role", "role of a policy", false, role, &missing);
    if (!out->properties)
        target_find_missing(pg, database, "needs-setting-role", "role with settings", false, role, &missing);
    if (!out->owners && !out->properties)
        target_find_missing(pg, database, "owner", "owner of the database", false, role, &missing);
    if (!out->owners)
        target_find_missing(pg, database, "needs-owner", "owner", false, role, &missing);
    if (!out->acls)
        target_find_missing(pg, database, "needs-grantee", "role with rights", false, role, &missing);
    if (!out->tablespaces)
        target_find_missing(pg, database, "needs-tablespace", "tablespace", false,
                            "SELECT FROM pg_catalog.pg_tablespace WHERE spcname", &missing);
    rights_missing(pg, database, out, new_database, &missing);
    if (missing.len > 0) {
        hint("make roles (--create-roles, if the backup has them), or leave out what needs them: --no-owner, "
             "--no-acl, --no-properties, --no-tablespaces; install extensions; or load as another role");
        complain(FAILED, "the target's server lacks what the backup needs: %s", buf_str(&missing));
    }
    free(role);
    buf_free(&missing);
}

static uint64_t major_of(const struct fields *database)
{
    uint64_t made_on = 0;

    fields_get_u64(database, "server-version-num", &made_on);
    return made_on / 10000;
}

bool target_is_older(struct pg *pg, const struct fields *database)
{
    return (uint64_t)pg_version(pg) / 10000 < major_of(database);
}

void target_check_version(struct pg *pg, const struct fields *database)
{
    if (!target_is_older(pg, database))
        return;
    hint("load it into PostgreSQL %" PRIu64 " or newer; --allow-older-server tries it all the same",
         major_of(database));
    complain(GUARDED, "the backup is of PostgreSQL %s, and the target's server is %s",
             fields_get(database, "server-version"), pg_parameter(pg, "server_version"));
}

static void say_incomplete(void *arg, enum status status, const char *why)
{
    (void)status, (void)why;
    warning("the database '%s' is not finished (schema bk_incomplete): drop it, and create it anew",
            pg_database(arg));
}

void target_mark(struct pg *pg, bool dropped)
{
    pg_exec(pg, "mark the database as not finished",
            "CREATE SCHEMA bk_incomplete; "
            "COMMENT ON SCHEMA bk_incomplete IS 'bk-load has not finished with this database'");
    if (!dropped)
        undo_on_die(say_incomplete, pg);
}

bool target_has_event_triggers(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look for event triggers",
                                 "SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' LIMIT 1");
    bool are_there = pg_count(r) > 0;

    pg_free(r);
    return are_there;
}

/* Event triggers of the database, which are there by now, may refuse it: they do not fire for a replica.
 * Whoever may make event triggers may say that; for others there is none that could fire. A commit that waits
 * for the disk takes all before along. */
void target_unmark(struct pg *pg)
{
    char state[6], *words = NULL;

    pg_exec(pg, "wait for the disk from here on", "SET synchronous_commit = on");
    if (!pg_try(pg, "BEGIN; SET LOCAL session_replication_role = replica; DROP SCHEMA bk_incomplete; COMMIT",
                state, &words))
        pg_exec(pg, "mark the database as finished", "ROLLBACK; DROP SCHEMA bk_incomplete");
    free(words);
    undo_forget(say_incomplete, pg);
}
