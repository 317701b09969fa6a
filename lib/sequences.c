#include "sequences.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SEQUENCES_A_QUERY = 200 }; /* each keeps a lock until the end of the transaction */

uint64_t sequences_copy_out(struct pg *pg, const struct snapshot *s, uint64_t after, struct buf *sql)
{
    struct buf query = {0};
    uint64_t last = 0;

    buf_addf(&query,
             "SELECT c.oid, n.nspname, c.relname%s%s%s AND c.relkind = 'S' AND c.oid > %" PRIu64
             " ORDER BY c.oid LIMIT %d",
             FROM_USER_RELATIONS, s->relations, s->rows, after, SEQUENCES_A_QUERY);
    struct pg_rows *r = pg_query(pg, "list the sequences", buf_str(&query));
    for (int i = 0; i < pg_count(r); i++) {
        const char *schema = pg_value(r, i, 1), *name = pg_value(r, i, 2);
        buf_adds(sql, i ? " UNION ALL SELECT " : "COPY (SELECT ");
        pg_literal(pg, schema, sql);
        buf_adds(sql, "::text, ");
        pg_literal(pg, name, sql);
        buf_addf(sql,
                 "::text, last_value, CASE WHEN tableoid = %" PRIu64
                 " THEN is_called ELSE pg_catalog.concat(",
                 pg_number(r, i, 0));
        pg_literal(pg, name, sql);
        buf_adds(sql, "::text, ' is another sequence by now')::bool END FROM ");
        pg_ident(pg, schema, sql);
        buf_addc(sql, '.');
        pg_ident(pg, name, sql);
        last = pg_number(r, i, 0);
    }
    if (last)
        buf_adds(sql, ") TO STDOUT");
    pg_free(r);
    buf_free(&query);
    return last;
}

const char sequences_copy_in[] = "COPY pg_temp.bk_sequence FROM STDIN";

void sequences_begin(struct pg *pg)
{
    pg_exec(
        pg, "prepare for the sequences",
        "CREATE TEMPORARY TABLE bk_sequence (schema text, name text, last_value bigint, is_called boolean)");
}

void sequences_forget_missing(struct pg *pg)
{
    pg_exec(pg, "choose the sequences",
            "DELETE FROM pg_temp.bk_sequence"
            " WHERE pg_catalog.to_regclass(pg_catalog.format('%I.%I', schema, name)) IS NULL");
}

void sequences_set(struct pg *pg)
{
    char *sql =
        xasprintf("WITH next_ones AS (DELETE FROM pg_temp.bk_sequence WHERE ctid = ANY (ARRAY("
                  "  SELECT ctid FROM pg_temp.bk_sequence LIMIT %d)) RETURNING *)"
                  " SELECT pg_catalog.setval(pg_catalog.format('%%I.%%I', schema, name)::pg_catalog.regclass,"
                  " last_value, is_called) FROM next_ones",
                  SEQUENCES_A_QUERY);
    int n;

    do {
        struct pg_rows *r = pg_query(pg, "set the sequences", sql);
        n = pg_count(r);
        pg_free(r);
    } while (n > 0);
    free(sql);
}
