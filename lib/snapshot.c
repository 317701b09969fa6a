#include "snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "locks.h"
#include "msg.h"

enum {
    TRIES = 10,
    LOCK_BATCH = 500,           /* tables in one LOCK statement */
    JOINED_LOCK_TIMEOUT = 1000, /* milliseconds */
};

/* Runs "SELECT columns" on the relations that are wanted (rows: with their rows) and fit `condition`. */
static struct pg_rows *query_relations(struct pg *pg, const struct snapshot *s, bool rows, const char *what,
                                       const char *columns, const char *condition)
{
    char *sql = xasprintf("SELECT %s%s%s%s%s", columns, FROM_USER_RELATIONS, s->relations,
                          rows ? s->rows : "", condition);
    struct pg_rows *r = pg_query(pg, what, sql);

    free(sql);
    return r;
}

#define QUOTED_NAME "pg_catalog.format('%I.%I', n.nspname, c.relname)"

/* The names in `r`, which is freed; to be freed themselves. NULL: none. */
static char *names_of(struct pg_rows *r)
{
    struct buf names = {0};
    int n = pg_count(r);

    for (int i = 0; i < n && i < 10; i++)
        buf_addf(&names, "%s%s", i ? ", " : "", pg_value(r, i, 0));
    if (n > 10)
        buf_addf(&names, " and %d more", n - 10);
    pg_free(r);
    return n > 0 ? buf_str(&names) : NULL;
}

/* Dies with the names of the tables whose rows are wanted and that fit `condition`, if any. */
static void refuse_tables(struct pg *pg, const struct snapshot *s, const char *condition, const char *why,
                          const char *advice)
{
    char *names = names_of(query_relations(pg, s, true, "look at the tables", QUOTED_NAME, condition));

    if (!names)
        return;
    hint("%s", advice);
    die(FAILED, "%s: %s", why, names);
}

static void look_for_standby(struct pg *pg, struct snapshot *s)
{
    struct pg_rows *r = pg_query(pg, "look at the server", "SELECT pg_catalog.pg_is_in_recovery()");
    char *sql = xasprintf("SELECT %s%s%s%s AND c.relkind IN ('r', 'S') ORDER BY 1", QUOTED_NAME,
                          FROM_RELATIONS_LEFT_OUT, s->relations, s->rows);

    s->standby = strcmp(pg_value(r, 0, 0), "t") == 0;
    s->left_out = names_of(pg_query(pg, "look at the tables", sql));
    free(sql);
    pg_free(r);
}

static void check_rights(struct pg *pg, const struct snapshot *s)
{
    refuse_tables(pg, s,
                  " AND c.relkind = 'r' AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') ORDER BY 1",
                  "this role may not read", "grant it pg_read_all_data, or dump as the owner");
    refuse_tables(pg, s, " AND c.relkind = 'r' AND pg_catalog.row_security_active(c.oid) ORDER BY 1",
                  "row security hides rows from this role in",
                  "dump as a role with BYPASSRLS, or as the owner");
}

static void check_database(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look at the database",
                                 "SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'bk_incomplete'");

    if (pg_count(r) > 0) {
        hint("load it anew; or, if you know better, drop the schema bk_incomplete");
        die(GUARDED, "this database is a load by bk-load that was not finished");
    }
    pg_free(r);
}

struct locked {
    uint32_t *oid; /* in rising order */
    int count;
};

/* What this session holds locks on: not what it named, for in between another relation may have taken the
 * name. */
static struct locked read_locks(struct pg *pg)
{
    struct pg_rows *r =
        pg_query(pg, "look at the locks",
                 "SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation'"
                 " AND pid = pg_catalog.pg_backend_pid() AND mode = 'AccessShareLock' AND granted"
                 " AND database = (SELECT oid FROM pg_catalog.pg_database"
                 "  WHERE datname = pg_catalog.current_database()) ORDER BY relation");
    struct locked l = {.oid = xcalloc((size_t)pg_count(r), sizeof(uint32_t)), .count = pg_count(r)};

    for (int i = 0; i < l.count; i++)
        l.oid[i] = (uint32_t)pg_number(r, i, 0);
    pg_free(r);
    return l;
}

static int compare_oids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static bool is_locked(const struct locked *l, uint32_t oid)
{
    return bsearch(&oid, l->oid, (size_t)l->count, sizeof oid, compare_oids) != NULL;
}

/* True for what DDL in between causes (PostgreSQL's documentation, appendix A): the next try sees the new
 * state. */
static bool is_passing(const char *state)
{
    static const char *const passing[] = {
        "42P01", /* undefined_table */
        "3F000", /* invalid_schema_name */
        "42809", /* wrong_object_type */
        "40P01", /* deadlock_detected */
        "40001", /* serialization_failure: a conflict with recovery, on a standby */
        "XX000", /* "could not open relation with OID" */
    };

    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (strcmp(state, passing[i]) == 0)
            return true;
    return false;
}

/* How long one may yet wait for locks, in all. */
struct patience {
    char *no_room; /* see locks_room() */
    int seconds;   /* as it was in the beginning */
    int64_t left;  /* ms */
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static _Noreturn void give_up(struct pg *pg, const struct patience *patience, const char *words)
{
    pg_exec(pg, "give up", "ROLLBACK");
    char *who = locks_in_the_way(pg);
    hint("wait for that, or have bk-dump wait longer: --lock-wait");
    die(FAILED, "cannot lock all tables within %d s: %s", patience->seconds, who ? who : words);
}

/* Runs a LOCK statement. lock_timeout would be for each of its tables, statement_timeout is for all. NULL, or
 * words why it could not be done this time. */
static char *lock_some(struct pg *pg, const char *sql, struct patience *patience)
{
    char state[6], timeout[60], *words = NULL;
    int64_t begun = now_ms();

    snprintf(timeout, sizeof timeout, "SET LOCAL statement_timeout = %" PRId64,
             patience->left > 0 ? patience->left : 1);
    pg_exec(pg, "set a timeout", timeout);
    bool locked = pg_try(pg, sql, state, &words);
    patience->left -= now_ms() - begun;
    if (!locked && strcmp(state, "57014") == 0) /* query_canceled */
        give_up(pg, patience, words);
    if (!locked && !is_passing(state)) {
        if (strcmp(state, "53200") == 0 && patience->no_room) /* out_of_memory */
            hint("%s", patience->no_room);
        die(FAILED, "cannot lock the tables: %s", words);
    }
    return words;
}

/* Locks the tables in `r` (quoted name). NULL, or words why it could not be done this time. */
static char *lock_tables(struct pg *pg, const struct pg_rows *r, struct patience *patience)
{
    struct buf sql = {0};
    char *words = NULL;

    for (int i = 0, n = pg_count(r); i < n && !words;) {
        sql.len = 0;
        buf_adds(&sql, "LOCK TABLE ");
        for (int end = i + LOCK_BATCH, first = 1; i < n && i < end; i++, first = 0)
            buf_addf(&sql, "%sONLY %s", first ? "" : ", ", pg_value(r, i, 0));
        buf_adds(&sql, " IN ACCESS SHARE MODE");
        words = lock_some(pg, buf_str(&sql), patience);
    }
    buf_free(&sql);
    return words;
}

/* SQL: the root of c's partitions, if a partitioned table above c is split by the hash of an enum. */
/* clang-format off */
#define ROOT_IF_ENUM_HASH \
    "(SELECT pg_catalog.pg_partition_root(c.oid)::oid WHERE c.relispartition AND EXISTS (SELECT" \
    "  FROM pg_catalog.pg_partition_ancestors(c.oid) up JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = up.relid" \
    "  JOIN pg_catalog.pg_opclass o ON o.oid = ANY (p.partclass) WHERE p.partstrat = 'h' AND o.opcname = 'enum_ops'))"
/* clang-format on */

static char *text_or_null(const struct pg_rows *r, int row, int column)
{
    return pg_null(r, row, column) ? NULL : xstrdup(pg_value(r, row, column));
}

static void read_tables(struct pg *pg, struct snapshot *s, const struct locked *l)
{
    struct pg_rows *r =
        query_relations(pg, s, true, "list the tables",
                        "c.oid, n.nspname, c.relname, c.relpersistence, e.extname,"
                        " (SELECT nullif(u.condition, '') FROM ROWS FROM (pg_catalog.unnest(e.extconfig),"
                        "   pg_catalog.unnest(e.extcondition)) u(oid, condition) WHERE u.oid = c.oid),"
                        " CASE WHEN a.amname = 'heap' THEN pg_catalog.pg_relation_size(c.oid)"
                        "   / pg_catalog.current_setting('block_size')::bigint ELSE 0 END,"
                        " coalesce(pg_catalog.pg_table_size(c.oid), 0)," ROOT_IF_ENUM_HASH,
                        " AND c.relkind = 'r' ORDER BY e.oid IS NULL, c.oid");

    s->tables = (size_t)pg_count(r);
    s->table = xcalloc(s->tables, sizeof s->table[0]);
    for (int i = 0; i < pg_count(r); i++) {
        s->table[i] = (struct table){
            .oid = (uint32_t)pg_number(r, i, 0),
            .schema = xstrdup(pg_value(r, i, 1)),
            .name = xstrdup(pg_value(r, i, 2)),
            .unlogged = strcmp(pg_value(r, i, 3), "u") == 0,
            .extension = text_or_null(r, i, 4),
            .condition = text_or_null(r, i, 5),
            .by_root =
                !pg_null(r, i, 8) && is_locked(l, (uint32_t)pg_number(r, i, 8)), /* is the root wanted? */
            .pages =
                pg_version(pg) >= 140000 ? pg_number(r, i, 6) : 0, /* before, a range reads the whole table */
        };
        s->bytes += pg_number(r, i, 7);
    }
    pg_free(r);
}

/* Does the table `from` refer to `to` by a foreign key? */
static bool refers_to(const struct pg_rows *keys, const struct table *from, const struct table *to)
{
    for (int k = 0; k < pg_count(keys); k++)
        if (pg_number(keys, k, 0) == from->oid && pg_number(keys, k, 1) == to->oid)
            return true;
    return false;
}

/* Configuration tables have their foreign keys when they are loaded, so what is referred to must come first:
 * takes each time the first table that refers to none of those that are left. Where they refer to each other
 * in a ring, there is no order. */
static void order_configuration(struct pg *pg, struct snapshot *s)
{
    struct pg_rows *keys = pg_query(
        pg, "read the extensions' foreign keys",
        "SELECT conrelid, confrelid FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid IN"
        " (SELECT pg_catalog.unnest(extconfig) FROM pg_catalog.pg_extension)");
    size_t n = 0;

    while (n < s->tables && s->table[n].extension)
        n++;
    for (size_t done = 0; done < n; done++) {
        for (size_t i = done; i < n; i++) {
            bool is_free = true;
            for (size_t k = done; k < n && is_free; k++)
                is_free = k == i || !refers_to(keys, &s->table[i], &s->table[k]);
            if (!is_free)
                continue;
            struct table first = s->table[i];
            memmove(&s->table[done + 1], &s->table[done], (i - done) * sizeof first);
            s->table[done] = first;
            break;
        }
    }
    pg_free(keys);
}

/* The snapshot is there: is it one that can be used? The left side is what the snapshot says, the right side
 * what is now. */
static char *check_tables(struct pg *pg, const struct snapshot *s, const struct locked *l)
{
    struct pg_rows *r = query_relations(pg, s, true, "check the tables", QUOTED_NAME,
                                        " AND c.relkind = 'r' AND c.relfilenode <> 0 AND c.relfilenode"
                                        " IS DISTINCT FROM pg_catalog.pg_relation_filenode(c.oid) LIMIT 1");
    char *words =
        pg_count(r) > 0 ? xasprintf("%s was truncated, rewritten or dropped", pg_value(r, 0, 0)) : NULL;

    pg_free(r);
    for (size_t i = 0; i < s->tables && !words; i++)
        if (!is_locked(l, s->table[i].oid))
            words = xasprintf("the table %s.%s came, or was given another name", s->table[i].schema,
                              s->table[i].name);
    return words;
}

static void export_snapshot(struct pg *pg, struct snapshot *s)
{
    struct pg_rows *r =
        pg_query(pg, "export a snapshot",
                 "SELECT pg_catalog.pg_export_snapshot(), pg_catalog.to_char("
                 "pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");

    s->id = xstrdup(pg_value(r, 0, 0));
    snprintf(s->created, sizeof s->created, "%s", pg_value(r, 0, 1));
    pg_free(r);
}

/* One try. NULL, or words why it must be made again. */
static char *try_snapshot(struct pg *pg, struct snapshot *s, struct patience *patience)
{
    struct pg_rows *r = query_relations(pg, s, false, "list the tables", QUOTED_NAME,
                                        " AND c.relkind IN ('r', 'p') ORDER BY c.oid");

    if (!patience->no_room)
        patience->no_room = locks_room(pg, pg_count(r));
    /* neither statement takes a snapshot; nor does LOCK */
    pg_exec(pg, "begin a transaction", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    char *words = lock_tables(pg, r, patience);
    pg_free(r);
    if (!words) {
        pg_exec(pg, "set up the transaction", "SET LOCAL statement_timeout = 0");
        export_snapshot(pg, s);
        struct locked l = read_locks(pg);
        read_tables(pg, s, &l);
        order_configuration(pg, s);
        words = check_tables(pg, s, &l);
        free(l.oid);
    }
    return words;
}

/* The same, with all that may be begun again. `advice` is for the words. */
static char *try_all(struct pg *pg, struct snapshot *s, void (*read)(struct pg *, struct snapshot *),
                     struct patience *patience, const char **advice)
{
    *advice = "tables change while the backup begins; run it again when that is over";
    pg_may_break(pg);
    check_rights(pg, s);
    char *words = try_snapshot(pg, s, patience);
    if (!words) {
        look_for_standby(pg, s);
        read(pg, s);
    }
    char *broken = pg_broken(pg);
    if (!broken)
        return words;
    *advice = pg_standby_advice;
    free(words);
    return broken;
}

void snapshot_take(struct pg *pg, struct snapshot *s, void (*read)(struct pg *pg, struct snapshot *s),
                   int lock_wait)
{
    struct patience patience = {.seconds = lock_wait, .left = (int64_t)lock_wait * 1000};
    const char *advice;
    char *words;

    check_database(pg);
    for (int i = 1; (words = try_all(pg, s, read, &patience, &advice)); i++) {
        struct timespec pause = {.tv_nsec = 50 * 1000 * 1000 * i};
        if (i == TRIES) {
            hint("%s", advice);
            die(FAILED, "no consistent view of the database after %d tries: %s", TRIES, words);
        }
        detail("beginning again: %s", words);
        free(words);
        snapshot_free(s);
        pg_exec(pg, "begin again", "ROLLBACK");
        nanosleep(&pause, NULL);
    }
    s->no_room = patience.no_room;
    if (s->left_out)
        warning("a standby has no rows of unlogged tables, and no values of such sequences: left out are %s",
                s->left_out);
}

bool snapshot_can_select(struct pg *pg, const struct table *t)
{
    struct buf sql = {0};
    char state[6], *words = NULL;

    buf_adds(&sql, "SAVEPOINT plan; EXPLAIN SELECT FROM ONLY ");
    pg_ident(pg, t->schema, &sql);
    buf_addc(&sql, '.');
    pg_ident(pg, t->name, &sql);
    buf_adds(&sql, " WHERE ctid >= '(0,0)'; RELEASE plan");
    bool can = pg_try(pg, buf_str(&sql), state, &words);
    if (!can) {
        pg_exec(pg, "go on", "ROLLBACK TO plan; RELEASE plan");
        detail("%s.%s can only be read as a whole: %s", t->schema, t->name, words);
    }
    free(words);
    buf_free(&sql);
    return can;
}

void snapshot_check_plans(struct pg *pg, struct snapshot *s, uint64_t large)
{
    for (struct table *t = s->table; t < s->table + s->tables; t++)
        if (t->pages > large && !t->condition && !snapshot_can_select(pg, t))
            t->pages = 0;
}

void snapshot_join(struct pg *pg, const char *id)
{
    struct buf sql = {0};

    buf_addf(&sql,
             "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = %d; "
             "SET TRANSACTION SNAPSHOT ",
             JOINED_LOCK_TIMEOUT);
    pg_literal(pg, id, &sql);
    pg_exec(pg, "share the snapshot", buf_str(&sql));
    buf_free(&sql);
}

/* clang-format off */
/* The left side is what the snapshot says, the right side what is now. Objects below 16384 (FirstNormalObjectId) are
 * initdb's, and nobody's to alter. */
static const char altered[] =
    "SELECT what FROM ("
    " SELECT 'relation', " QUOTED_NAME ", pg_catalog.to_regclass(" QUOTED_NAME ") = c.oid::pg_catalog.regclass"
    "  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't'"
    "   AND n.nspname !~ '^pg_'"
    " UNION ALL SELECT 'type', f.name, o.oid::pg_catalog.regtype::text = f.name"
    "  FROM pg_catalog.pg_type o JOIN pg_catalog.pg_namespace n ON n.oid = o.typnamespace,"
    "  LATERAL (SELECT pg_catalog.format('%I.%I', n.nspname, o.typname)) f(name)"
    "  WHERE o.oid >= 16384 AND o.typtype IN ('e', 'd', 'r') AND n.nspname !~ '^pg_'"
    " UNION ALL SELECT 'function', f.name, pg_catalog.starts_with(o.oid::pg_catalog.regprocedure::text, f.name || '(')"
    "  FROM pg_catalog.pg_proc o JOIN pg_catalog.pg_namespace n ON n.oid = o.pronamespace,"
    "  LATERAL (SELECT pg_catalog.format('%I.%I', n.nspname, o.proname)) f(name)"
    "  WHERE o.oid >= 16384 AND n.nspname !~ '^pg_'"
    ") o(kind, what, same) WHERE same IS NOT TRUE LIMIT 1";
/* clang-format on */

void snapshot_check_definitions(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look at the definitions again", altered);

    if (pg_count(r) > 0) {
        hint("run it again when that is over");
        die(FAILED, "%s was dropped or given another name while pg_dump read the definitions",
            pg_value(r, 0, 0));
    }
    pg_free(r);
}

void snapshot_free(struct snapshot *s)
{
    for (size_t i = 0; i < s->tables; i++) {
        free(s->table[i].schema);
        free(s->table[i].name);
        free(s->table[i].extension);
        free(s->table[i].condition);
        fields_free(&s->table[i].columns);
        fields_free(&s->table[i].ancestors);
    }
    free(s->table);
    free(s->left_out);
    free(s->no_room);
    free(s->id);
    *s = (struct snapshot){.relations = s->relations, .rows = s->rows};
}
