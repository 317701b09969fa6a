#include "sweep.h"

#include <stdlib.h>
#include <string.h>

#include "grants.h"
#include "locks.h"
#include "msg.h"

/* 16384: FirstNormalObjectId of PostgreSQL's access/transam.h; what initdb made is below. */
/* clang-format off */
#define CLASS(catalog) "'pg_catalog." catalog "'::pg_catalog.regclass"
#define MEMBER(catalog) \
    "SELECT FROM pg_catalog.pg_depend m WHERE m.deptype = 'e' AND m.classid = " CLASS(catalog) " AND m.objid = o.oid"
#define OWN(catalog) "o.oid >= 16384 AND NOT EXISTS (" MEMBER(catalog) ")"
#define USERS(name) name " !~ '^pg_' AND " name " <> 'information_schema'"

/* What other extensions need stays with them. to_jsonb(), for PostgreSQL 12 does not know trusted ones. */
static const char find_staying[] =
    "CREATE TEMPORARY TABLE bk_staying ON COMMIT DROP AS WITH RECURSIVE staying(oid) AS ("
    "  SELECT e.oid FROM pg_catalog.pg_extension e WHERE e.oid < 16384"
    "   OR NOT pg_catalog.pg_has_role(e.extowner, 'USAGE')"
    "   OR pg_catalog.current_setting('is_superuser') <> 'on' AND NOT EXISTS"
    "    (SELECT FROM pg_catalog.pg_available_extensions a JOIN pg_catalog.pg_available_extension_versions v"
    "      ON v.name = a.name AND v.version = a.default_version WHERE a.name = e.extname"
    "      AND (NOT v.superuser OR (pg_catalog.to_jsonb(v) ->> 'trusted')::bool))"
    " UNION SELECT d.refobjid FROM staying s JOIN pg_catalog.pg_depend d ON d.objid = s.oid"
    "   AND d.classid = " CLASS("pg_extension") " AND d.refclassid = " CLASS("pg_extension")
    ") SELECT oid FROM staying";

/* What stays is, or is a member of, such an extension; n is a schema. */
#define HOLDS_STAYING \
    "EXISTS (SELECT FROM pg_catalog.pg_extension e JOIN pg_temp.bk_staying s ON s.oid = e.oid WHERE e.extnamespace = n.oid)" \
    " OR EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_depend m ON m.classid = d.classid AND m.objid = d.objid" \
    "  JOIN pg_temp.bk_staying s ON s.oid = m.refobjid WHERE m.deptype = 'e' AND m.refclassid = " CLASS("pg_extension") \
    "  AND d.refclassid = " CLASS("pg_namespace") " AND d.refobjid = n.oid)"

static const char *const before[] = {
    /* first, for they would fire from here on */
    "SELECT pg_catalog.format('DROP EVENT TRIGGER IF EXISTS %I CASCADE', o.evtname)"
    " FROM pg_catalog.pg_event_trigger o WHERE " OWN("pg_event_trigger"),

    "SELECT pg_catalog.format('DROP PUBLICATION IF EXISTS %I CASCADE', o.pubname)"
    " FROM pg_catalog.pg_publication o WHERE " OWN("pg_publication"),

    "SELECT pg_catalog.format('DROP SUBSCRIPTION IF EXISTS %I CASCADE', o.subname)"
    " FROM pg_catalog.pg_subscription o JOIN pg_catalog.pg_database d ON d.oid = o.subdbid"
    " WHERE d.datname = pg_catalog.current_database()",

    "SELECT pg_catalog.format('DROP EXTENSION IF EXISTS %I CASCADE', e.extname) FROM pg_catalog.pg_extension e"
    " WHERE NOT EXISTS (SELECT FROM pg_temp.bk_staying s WHERE s.oid = e.oid)",

    "SELECT pg_catalog.format('DROP SCHEMA IF EXISTS %I CASCADE', n.nspname) FROM pg_catalog.pg_namespace n"
    " WHERE " USERS("n.nspname") " AND n.nspname <> 'public' AND pg_catalog.pg_has_role(n.nspowner, 'USAGE')"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.deptype = 'e' AND m.objid = n.oid"
    "  AND m.classid = " CLASS("pg_namespace") ") AND NOT (" HOLDS_STAYING ")",
};

/* pg_identify_object() gives names that DROP takes. DROP ROUTINE takes an aggregate's, too, as they are. */
#define DROP(catalog) \
    "SELECT pg_catalog.format('DROP %s IF EXISTS %s CASCADE', CASE i.type WHEN 'statistics object' THEN 'statistics'" \
    "  WHEN 'foreign-data wrapper' THEN 'foreign data wrapper' ELSE CASE WHEN o.tableoid = " CLASS("pg_proc") \
    "  THEN 'routine' ELSE i.type END END, i.identity)" \
    " FROM pg_catalog." catalog " o, pg_catalog.pg_identify_object(o.tableoid, o.oid, 0) i WHERE " OWN(catalog)
#define DROP_IN(catalog, schema) \
    DROP(catalog) " AND EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = o." schema " AND " USERS("n.nspname") ")"

/* Each is asked anew, for CASCADE takes others along; classes of operators before the access methods that their
 * names say; sequences behind the tables that they may belong to. */
static const char *const loose[] = {
    DROP_IN("pg_class", "relnamespace") " AND o.relkind IN ('r', 'p', 'v', 'm', 'f')",
    DROP_IN("pg_class", "relnamespace") " AND o.relkind = 'S'",
    DROP_IN("pg_proc", "pronamespace"),
    DROP_IN("pg_type", "typnamespace") " AND o.typtype <> 'm' AND NOT EXISTS"
        " (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = o.oid)"
        " AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = o.typrelid AND c.relkind <> 'c')",
    DROP_IN("pg_operator", "oprnamespace"),
    DROP_IN("pg_opclass", "opcnamespace"),
    DROP_IN("pg_opfamily", "opfnamespace"),
    DROP_IN("pg_collation", "collnamespace"),
    DROP_IN("pg_conversion", "connamespace"),
    DROP_IN("pg_ts_config", "cfgnamespace"),
    DROP_IN("pg_ts_dict", "dictnamespace"),
    DROP_IN("pg_ts_template", "tmplnamespace"),
    DROP_IN("pg_ts_parser", "prsnamespace"),
    DROP_IN("pg_statistic_ext", "stxnamespace"),
    DROP("pg_cast"),
    "SELECT pg_catalog.format('DROP TRANSFORM IF EXISTS FOR %s LANGUAGE %I CASCADE', o.trftype::pg_catalog.regtype, l.lanname)"
    " FROM pg_catalog.pg_transform o JOIN pg_catalog.pg_language l ON l.oid = o.trflang WHERE " OWN("pg_transform"),
    "SELECT pg_catalog.format('DROP USER MAPPING IF EXISTS FOR %s SERVER %I',"
    "  CASE umuser WHEN 0 THEN 'PUBLIC' ELSE umuser::pg_catalog.regrole::text END, srvname) FROM pg_catalog.pg_user_mappings",
    DROP("pg_foreign_server"),
    DROP("pg_foreign_data_wrapper"),
    DROP("pg_language"),
    DROP("pg_am"),
    "SELECT pg_catalog.format('SELECT pg_catalog.lo_unlink(%s)', oid) FROM pg_catalog.pg_largeobject_metadata",

    /* default rights: those in a schema are what is added; others go when they are what they would be without */
    "SELECT pg_catalog.concat('ALTER DEFAULT PRIVILEGES FOR ROLE ', role, ' IN SCHEMA ' || schema, ' REVOKE ALL ON ', kind,"
    "   ' FROM ', grantees, ' CASCADE', CASE WHEN schema IS NULL THEN pg_catalog.concat("
    "    ';ALTER DEFAULT PRIVILEGES FOR ROLE ', role, ' GRANT ALL ON ', kind, ' TO ', role,"
    "    CASE WHEN kind IN ('FUNCTIONS', 'TYPES') THEN pg_catalog.concat("
    "     ';ALTER DEFAULT PRIVILEGES FOR ROLE ', role, ' GRANT ALL ON ', kind, ' TO PUBLIC') END) END)"
    " FROM (SELECT defaclrole::pg_catalog.regrole AS role, nullif(defaclnamespace, 0)::pg_catalog.regnamespace AS schema,"
    "   CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'"
    "    WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS kind,"
    "   (SELECT pg_catalog.string_agg(DISTINCT CASE g WHEN 0 THEN 'PUBLIC' ELSE g::pg_catalog.regrole::text END, ', ')"
    "    FROM (SELECT grantee FROM pg_catalog.aclexplode(nullif(defaclacl, '{}'))"
    "     UNION SELECT defaclrole WHERE defaclnamespace = 0 UNION SELECT 0 WHERE defaclnamespace = 0) a(g)) AS grantees"
    "  FROM pg_catalog.pg_default_acl) d WHERE grantees IS NOT NULL",
};

/* As createdb makes it from template0: since PostgreSQL 15 it belongs to the database's owner, and others may not create
 * in it. Somebody else's stays as it is. */
static const char make_public[] =
    "SELECT pg_catalog.concat('CREATE SCHEMA public', CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 150000"
    "  THEN ' AUTHORIZATION pg_database_owner' END)"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public')";
static const char renew_public[] =
    "SELECT pg_catalog.concat(CASE WHEN v.since_15 AND owner <> 'pg_database_owner' THEN"
    "   'ALTER SCHEMA public OWNER TO pg_database_owner;' END,"
    "  pg_catalog.format('REVOKE ALL ON SCHEMA public FROM PUBLIC, %s CASCADE;', coalesce("
    "   (SELECT pg_catalog.string_agg(DISTINCT grantee::pg_catalog.regrole::text, ', ')"
    "    FROM pg_catalog.aclexplode(n.nspacl) WHERE grantee NOT IN (0, n.nspowner)), w.owner)),"
    "  pg_catalog.format('REVOKE ALL ON SCHEMA public FROM %1$s; GRANT ALL ON SCHEMA public TO %1$s;', w.owner),"
    "  'GRANT USAGE', CASE WHEN NOT v.since_15 THEN ', CREATE' END, ' ON SCHEMA public TO PUBLIC;',"
    "  'COMMENT ON SCHEMA public IS ''standard public schema''')"
    " FROM pg_catalog.pg_namespace n,"
    "  LATERAL (SELECT pg_catalog.current_setting('server_version_num')::int >= 150000) v(since_15),"
    "  LATERAL (SELECT CASE WHEN since_15 THEN 'pg_database_owner' ELSE n.nspowner::pg_catalog.regrole::text END) w(owner)"
    " WHERE n.nspname = 'public' AND pg_catalog.pg_has_role(n.nspowner, 'USAGE')";

/* Rights to what initdb made, where this role may change them: as initdb gave them (pg_init_privs), or else the default.
 * What is revoked from a table is revoked from its columns too, so these come behind. */
#define SORTED(acl) "(SELECT pg_catalog.array_agg(a::text ORDER BY a::text) FROM pg_catalog.unnest(" acl ") a)"
#define FIRST(catalog, subid) \
    "(SELECT initprivs FROM pg_catalog.pg_init_privs WHERE privtype = 'i' AND classoid = " CLASS(catalog) \
    "  AND objoid = o.oid AND objsubid = " subid ")"
#define RENEW(catalog, word, name, owner, acl, type) \
    "SELECT pg_catalog.concat(" \
    "  (SELECT pg_catalog.string_agg(pg_catalog.format('REVOKE ALL ON %s FROM %s CASCADE;', x.name, g::pg_catalog.regrole), '')" \
    "   FROM (SELECT DISTINCT grantee FROM pg_catalog.aclexplode(x.present) WHERE grantee NOT IN (0, x.owner)) a(g))," \
    SQL_GRANTS("x.name", "pg_catalog.pg_get_userbyid(x.owner)", "x.first") ")" \
    " FROM (SELECT pg_catalog.concat('" word " ', " name ") AS name, o." owner " AS owner," \
    "   coalesce(o." acl ", pg_catalog.acldefault(" type ", o." owner ")) AS present," \
    "   coalesce(" FIRST(catalog, "0") ", pg_catalog.acldefault(" type ", o." owner ")) AS first" \
    "  FROM pg_catalog." catalog " o WHERE o.oid < 16384 AND o." acl " IS NOT NULL) x" \
    " WHERE " SORTED("x.present") " <> " SORTED("x.first") " AND pg_catalog.pg_has_role(x.owner, 'USAGE')"

static const char *const renew[] = {
    RENEW("pg_class", "TABLE", "o.oid::pg_catalog.regclass", "relowner", "relacl", "'r'"),
    RENEW("pg_proc", "ROUTINE", "o.oid::pg_catalog.regprocedure", "proowner", "proacl", "'f'"),
    RENEW("pg_language", "LANGUAGE", "pg_catalog.quote_ident(o.lanname)", "lanowner", "lanacl", "'l'"),
    RENEW("pg_type", "TYPE", "o.oid::pg_catalog.regtype", "typowner", "typacl", "'T'"),
    RENEW("pg_namespace", "SCHEMA", "o.oid::pg_catalog.regnamespace", "nspowner", "nspacl", "'n'") " AND x.name <> 'SCHEMA public'",

    "SELECT pg_catalog.concat("
    "  (SELECT pg_catalog.string_agg(pg_catalog.format('REVOKE ALL (%I) ON TABLE %s FROM %s CASCADE;', x.attname, x.name,"
    "     CASE g WHEN 0 THEN 'PUBLIC' ELSE g::pg_catalog.regrole::text END), '')"
    "   FROM (SELECT DISTINCT grantee FROM pg_catalog.aclexplode(x.present)) a(g)),"
    "  (SELECT pg_catalog.string_agg(pg_catalog.format('GRANT %s (%I) ON TABLE %s TO %s;', privilege_type, x.attname, x.name,"
    "     CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::pg_catalog.regrole::text END), '')"
    "   FROM pg_catalog.aclexplode(x.first)))"
    " FROM (SELECT t.attname, o.oid::pg_catalog.regclass AS name, o.relowner AS owner, nullif(t.attacl, '{}') AS present, "
       FIRST("pg_class", "t.attnum") " AS first"
    "  FROM pg_catalog.pg_class o JOIN pg_catalog.pg_attribute t ON t.attrelid = o.oid WHERE o.oid < 16384) x"
    " WHERE " SORTED("x.present") " IS DISTINCT FROM " SORTED("x.first") " AND pg_catalog.pg_has_role(x.owner, 'USAGE')",
};

/* The rows of configuration tables of extensions that stay: those that a dump would have. */
static const char empty_configuration[] =
    "SELECT pg_catalog.format('DELETE FROM ONLY %s %s', c.oid::pg_catalog.regclass, e.condition)"
    " FROM (SELECT pg_catalog.unnest(extconfig), pg_catalog.unnest(extcondition) FROM pg_catalog.pg_extension"
    "  WHERE oid IN (SELECT oid FROM pg_temp.bk_staying)) e(oid, condition)"
    " JOIN pg_catalog.pg_class c ON c.oid = e.oid WHERE c.relkind = 'r' ORDER BY c.oid DESC";
/* clang-format on */

void sweep_check(struct pg *pg)
{
    struct pg_rows *r =
        pg_query(pg, "look for subscriptions",
                 "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(subname), ', ' ORDER BY subname)"
                 " FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid"
                 " WHERE d.datname = pg_catalog.current_database() AND subslotname IS NOT NULL");

    if (!pg_null(r, 0, 0)) {
        hint("ALTER SUBSCRIPTION ... DISABLE, then SET (slot_name = NONE), and drop the slot on the "
             "publisher's side");
        complain(GUARDED,
                 "the database '%s' has subscriptions with a slot, which no transaction can drop: %s",
                 pg_database(pg), pg_value(r, 0, 0));
    }
    pg_free(r);
}

/* Who is in the way can only be asked by a transaction that goes on. */
static _Noreturn void die_locked(struct pg *pg, int lock_wait)
{
    pg_exec(pg, "go back", "ROLLBACK TO bk_sweep");
    char *who = locks_held(pg);

    hint("nothing has changed; try again when they have gone");
    die(FAILED, "cannot drop what is in '%s': others use it (we waited for %d s): %s", pg_database(pg),
        lock_wait, who ? who : "they have just gone");
}

static void drop(struct pg *pg, int lock_wait, const char *sql)
{
    char state[6], *words = NULL;

    if (pg_try(pg, sql, state, &words))
        return;
    if (strcmp(state, "55P03") == 0) /* lock_not_available */
        die_locked(pg, lock_wait);
    pg_advise(state);
    die(FAILED, "cannot drop what is in '%s': %s", pg_database(pg), words);
}

/* Runs the statements that a query writes. */
static void drop_found(struct pg *pg, int lock_wait, const char *query)
{
    struct pg_rows *r = pg_query(pg, "look at what is there", query);
    struct buf sql = {0};

    for (int i = 0; i < pg_count(r); i++)
        buf_addf(&sql, "%s;\n", pg_value(r, i, 0));
    if (sql.len > 0)
        drop(pg, lock_wait, buf_str(&sql));
    pg_free(r);
    buf_free(&sql);
}

/* One after the other, as long as some of them can be: they may refer to each other. */
static void empty_tables(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look for configuration tables", empty_configuration);
    int n = pg_count(r), left = n;
    bool *done = xcalloc((size_t)n + 1, sizeof done[0]);
    char state[6], *words = NULL;

    for (int last = n + 1; left > 0 && left < last;) {
        last = left;
        for (int i = 0; i < n; i++) {
            if (done[i])
                continue;
            free(words);
            words = NULL;
            pg_exec(pg, "set a savepoint", "SAVEPOINT bk_table");
            done[i] = pg_try(pg, pg_value(r, i, 0), state, &words);
            pg_exec(pg, "end a savepoint",
                    done[i] ? "RELEASE bk_table" : "ROLLBACK TO bk_table; RELEASE bk_table");
            left -= done[i];
        }
    }
    if (left > 0)
        die(FAILED, "cannot empty the configuration tables of an extension that stays: %s", words);
    free(words);
    free(done);
    pg_free(r);
}

/* CASCADE may have taken one along. */
static void check_staying(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look at the extensions",
                                 "SELECT FROM pg_temp.bk_staying s WHERE NOT EXISTS"
                                 " (SELECT FROM pg_catalog.pg_extension e WHERE e.oid = s.oid)");

    if (pg_count(r) > 0)
        die(FAILED, "an extension that this role may not make again needs what would be dropped");
    pg_free(r);
}

static void find_kept(struct pg *pg, struct fields *kept)
{
    struct pg_rows *r = pg_query(
        pg, "look at the schemas",
        "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname <> 'public' AND " USERS("nspname"));

    for (int i = 0; i < pg_count(r); i++)
        fields_add(kept, "schema", pg_value(r, i, 0));
    pg_free(r);
}

void sweep(struct pg *pg, int lock_wait, struct fields *kept)
{
    char *set = xasprintf(
        "SET LOCAL lock_timeout = '%ds'; SET LOCAL client_min_messages = warning; SAVEPOINT bk_sweep",
        lock_wait);

    pg_exec(pg, "set up the transaction", set);
    free(set);
    pg_exec(pg, "look at the extensions", find_staying);
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        drop_found(pg, lock_wait, before[i]);
    for (size_t i = 0; i < sizeof loose / sizeof loose[0]; i++)
        drop_found(pg, lock_wait, loose[i]);
    drop_found(pg, lock_wait, make_public);
    drop_found(pg, lock_wait, renew_public);
    for (size_t i = 0; i < sizeof renew / sizeof renew[0]; i++)
        drop_found(pg, lock_wait, renew[i]);
    check_staying(pg);
    empty_tables(pg);
    find_kept(pg, kept);
    pg_exec(pg, "set up the transaction",
            "RELEASE bk_sweep; SET LOCAL lock_timeout = 0; SET LOCAL client_min_messages = notice");
}
