#include "refill.h"

#include <stdlib.h>

#include "msg.h"

enum { MOST_SHOWN = 10 };

/* SQL: a table t(schema, name) of the wanted ones; false if there are none. */
static bool add_tables(struct pg *pg, const struct contents *c, const bool *rows, struct buf *sql)
{
    size_t n = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        if (c->item[i].type != ITEM_TABLE || !rows[i])
            continue;
        buf_adds(sql, n++ ? ", (" : "(VALUES (");
        pg_literal(pg, item_get(&c->item[i], "schema"), sql);
        buf_adds(sql, ", ");
        pg_literal(pg, item_get(&c->item[i], "name"), sql);
        buf_addc(sql, ')');
    }
    buf_adds(sql, ") t(schema, name)");
    return n > 0;
}

static void add_shown(struct buf *names, int *count, const char *name)
{
    if ((*count)++ < MOST_SHOWN)
        buf_addf(names, "%s%s", names->len ? ", " : "", name);
}

static void check_there(const struct pg_rows *tables)
{
    struct buf names = {0};
    int count = 0;

    for (int i = 0; i < pg_count(tables); i++)
        if (pg_null(tables, i, 1))
            add_shown(&names, &count, pg_value(tables, i, 0));
    if (count > 0) {
        hint("make them first, or choose others with -t");
        complain(FAILED, "there are no tables for these rows: %s%s", buf_str(&names),
                 count > MOST_SHOWN ? ", and more" : "");
    }
    buf_free(&names);
}

static void lock(struct pg *pg, const struct pg_rows *tables)
{
    pg_exec(pg, "set up the transaction", "SET LOCAL lock_timeout = '60s'");
    for (int i = 0; i < pg_count(tables); i++) {
        char *sql = xasprintf("LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE", pg_value(tables, i, 0));
        pg_exec(pg, "lock the tables", sql);
        free(sql);
    }
    pg_exec(pg, "set up the transaction", "SET LOCAL lock_timeout = 0");
}

static void check_empty(struct pg *pg, const struct pg_rows *tables)
{
    struct buf names = {0};
    int count = 0;

    for (int i = 0; i < pg_count(tables); i++) {
        if (pg_null(tables, i, 1))
            continue;
        char *sql = xasprintf("SELECT FROM ONLY %s LIMIT 1", pg_value(tables, i, 0));
        struct pg_rows *r = pg_query(pg, "look into the tables", sql);
        if (pg_count(r) > 0)
            add_shown(&names, &count, pg_value(tables, i, 0));
        pg_free(r);
        free(sql);
    }
    if (count > 0) {
        hint("bk-load adds no rows to others; it loads into tables that are empty");
        complain(GUARDED, "these tables have rows: %s%s", buf_str(&names),
                 count > MOST_SHOWN ? ", and more" : "");
    }
    buf_free(&names);
}

/* Each wanted table's name, and its oid if it is there; NULL: none are wanted. */
static struct pg_rows *find(struct pg *pg, const struct contents *c, const bool *rows)
{
    struct buf sql = {0};

    buf_adds(
        &sql,
        "SELECT v.name, pg_catalog.to_regclass(v.name) FROM (SELECT pg_catalog.format('%I.%I', schema, name)"
        " AS name FROM ");
    bool some = add_tables(pg, c, rows, &sql);
    buf_adds(&sql, ") v ORDER BY 1"); /* the same order for all who lock several */
    struct pg_rows *tables = some ? pg_query(pg, "look for the tables", buf_str(&sql)) : NULL;
    buf_free(&sql);
    return tables;
}

static void check(struct pg *pg, const struct contents *c, const bool *rows, bool locked)
{
    struct pg_rows *tables = find(pg, c, rows);

    if (!tables)
        return;
    check_there(tables);
    if (locked)
        lock(pg, tables);
    check_empty(pg, tables);
    pg_free(tables);
}

void refill_check(struct pg *pg, const struct contents *c, const bool *rows)
{
    check(pg, c, rows, false);
}

void refill_begin(struct pg *pg, const struct contents *c, const bool *rows)
{
    pg_exec(pg, "begin a transaction", "BEGIN");
    check(pg, c, rows, true);
}

void refill_sequences(struct pg *pg, const struct contents *c, const bool *rows)
{
    struct buf sql = {0};

    buf_adds(&sql,
             "DELETE FROM pg_temp.bk_sequence s WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN ");
    bool some = add_tables(pg, c, rows, &sql);
    buf_adds(&sql,
             " ON d.refobjid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', t.schema, t.name))"
             " WHERE d.objid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', s.schema, s.name))"
             " AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i'))");
    pg_exec(pg, "choose the sequences", some ? buf_str(&sql) : "TRUNCATE pg_temp.bk_sequence");
    buf_free(&sql);
}

void refill_commit(struct pg *pg)
{
    pg_exec(pg, "commit", "SET LOCAL synchronous_commit = on; COMMIT");
}
