#include "binary.h"

#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "msg.h"

enum {
    /* A row with more bytes than this in bytea and text goes in binary. As text they are up to twice as many
     * (bytea in hex; text where all is escaped), and a row must stay below 1 GiB, the server's MaxAllocSize:
     * 64 MiB are left for the other columns. */
    ROW_BYTES = 480 << 20,
    /* A table that has less outside its rows (TOAST) has no such row. There, values are compressed, to no
     * less than a 255th (by lz4, which spends a byte on 255; pglz spends 3 on 273): 1.9 MiB are left of
     * ROW_BYTES. Half of that, for what is within the row. */
    TOAST_BYTES = 1 << 20,
};

/* SQL: all that the columns of the tables `c` are made of. `whole`: the column is of this type, or of a
 * domain over it; else it is an array, a composite type or a range that has it inside. (to_jsonb() reaches a
 * column that is there from 14 on.) */
#define TYPES                                                                                                \
    "type(relation, attname, oid, whole) AS ("                                                               \
    "SELECT c.oid, a.attname, a.atttypid, true FROM c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"  \
    " WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"                                     \
    " UNION SELECT o.relation, o.attname, i.oid, o.whole AND t.typtype = 'd'"                                \
    " FROM type o JOIN pg_catalog.pg_type t ON t.oid = o.oid CROSS JOIN LATERAL ("                           \
    "SELECT t.typbasetype UNION ALL SELECT t.typelem"                                                        \
    " UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a"                                            \
    "  WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped"                                \
    " UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r"                                              \
    "  WHERE t.oid::text IN (r.rngtypid::text, pg_catalog.to_jsonb(r) ->> 'rngmultitypid')) i(oid))"

/* SQL: is the type's binary form there, and the same in every database? That of regclass and its like is an
 * oid. Arrays and composite types name the types inside by their oids; a server before 14 refuses them if
 * they are others than its own, so only built-in ones will do. */
#define PORTABLE                                                                                             \
    "t.typsend::pg_catalog.oid <> 0 AND t.typreceive::pg_catalog.oid <> 0"                                   \
    " AND NOT (t.typname ~ '^reg' AND t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace)"               \
    " AND (o.whole OR t.oid < 10000 OR pg_catalog.current_setting('server_version_num')::int >= 140000)"

#define OCTETS "'coalesce(pg_catalog.octet_length(' || pg_catalog.quote_ident(o.attname) || '), 0)::bigint'"

/* Tables that can go in binary, and may have to: their oid, and SQL for the bytes of a row in bytea and text.
 */
static struct pg_rows *read_candidates(struct pg *pg, const struct snapshot *s)
{
    struct buf sql = {0};

    buf_addf(&sql,
             "WITH RECURSIVE c AS (SELECT c.oid%s%s%s AND c.relkind = 'r' AND "
             "pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)) >= %d), " TYPES
             " SELECT o.relation, pg_catalog.string_agg(" OCTETS ", ' + ') FILTER (WHERE o.whole AND t.oid IN"
             "  ('pg_catalog.bytea'::pg_catalog.regtype, 'pg_catalog.text'::pg_catalog.regtype,"
             "  'pg_catalog.varchar'::pg_catalog.regtype, 'pg_catalog.bpchar'::pg_catalog.regtype))"
             " FROM type o JOIN pg_catalog.pg_type t ON t.oid = o.oid GROUP BY o.relation"
             " HAVING pg_catalog.bool_or(o.whole AND t.oid = 'pg_catalog.bytea'::pg_catalog.regtype)"
             " AND pg_catalog.bool_and(" PORTABLE ") ORDER BY o.relation",
             FROM_USER_RELATIONS, s->relations, s->rows, TOAST_BYTES);
    struct pg_rows *r = pg_query(pg, "look for tables with bytea", buf_str(&sql));
    buf_free(&sql);
    return r;
}

/* octet_length() takes the length from the row, and does not fetch a value that lies outside it. */
static bool has_long_row(struct pg *pg, const struct table *t, const char *octets)
{
    struct buf sql = {0};
    char *what = xasprintf("look for long rows in %s.%s", t->schema, t->name);

    buf_addf(&sql, "SELECT EXISTS (SELECT FROM (SELECT * FROM ONLY ");
    describe_table_name(pg, t, &sql);
    buf_addf(&sql, " %s) t WHERE %s > %d)", t->condition ? t->condition : "", octets, ROW_BYTES);
    struct pg_rows *r = pg_query(pg, what, buf_str(&sql));
    bool yes = strcmp(pg_value(r, 0, 0), "t") == 0;
    pg_free(r);
    buf_free(&sql);
    free(what);
    return yes;
}

void binary_choose(struct pg *pg, struct snapshot *s)
{
    struct pg_rows *r = read_candidates(pg, s);

    for (int i = 0; i < pg_count(r); i++) {
        uint32_t oid = (uint32_t)pg_number(r, i, 0);
        for (size_t k = 0; k < s->tables; k++) {
            struct table *t = &s->table[k];
            if (t->oid != oid)
                continue;
            t->binary = snapshot_can_select(pg, t) && has_long_row(pg, t, pg_value(r, i, 1));
            if (t->binary)
                detail("copying %s.%s in binary: it has a row that is too long as text", t->schema, t->name);
        }
    }
    pg_free(r);
}
