#include "select.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "pattern.h"
#include "snapshot.h"

static void check_patterns(const char *option, const struct opt_list *list, bool schemas)
{
    for (size_t i = 0; i < list->count; i++) {
        struct pattern p;
        if (!pattern_parse(&p, list->value[i]))
            opt_wrong("%s takes %s or a pattern of psql's, not '%s'", option,
                      schemas ? "NAME" : "NAME, SCHEMA.NAME", list->value[i]);
        if (schemas && p.schema)
            opt_wrong("%s takes the name of a schema, and a dot is no part of it: '%s'", option,
                      list->value[i]);
        pattern_free(&p);
    }
}

void selection_check(const struct selection *s)
{
    if (s->data_only && s->schema_only)
        opt_wrong("--data-only and --schema-only leave nothing");
    if (s->tables.count > 0 && s->schemas.count > 0)
        opt_wrong("say -t or --schema, not both: -t 'SCHEMA.*' is a schema's tables");
    check_patterns("-t", &s->tables, false);
    check_patterns("--schema", &s->schemas, true);
    check_patterns("--exclude-table", &s->without_tables, false);
    check_patterns("--exclude-table-data", &s->without_data, false);
}

bool selection_is_all(const struct selection *s)
{
    return s->tables.count + s->schemas.count + s->without_tables.count == 0;
}

static void describe_list(const char *option, const struct opt_list *list, struct fields *item)
{
    for (size_t i = 0; i < list->count; i++)
        fields_addf(item, "select", "%s %s", option, list->value[i]);
}

void selection_describe(const struct selection *s, struct fields *item)
{
    describe_list("table", &s->tables, item);
    describe_list("schema", &s->schemas, item);
    describe_list("exclude-table", &s->without_tables, item);
    describe_list("exclude-table-data", &s->without_data, item);
    if (s->data_only)
        fields_add(item, "select", "data-only");
    if (s->schema_only)
        fields_add(item, "select", "schema-only");
}

static void add_recorded(struct opt_list *list, const char *value)
{
    list->value = xrealloc(list->value, list->count + 1, sizeof list->value[0]);
    list->value[list->count++] = value;
}

/* Adds what a line `select` says. False if that is nothing that this bk knows. */
static bool take_recorded(struct selection *s, const char *value)
{
    const struct {
        const char *word;
        struct opt_list *list;
    } lists[] = {{"table ", &s->tables},
                 {"schema ", &s->schemas},
                 {"exclude-table ", &s->without_tables},
                 {"exclude-table-data ", &s->without_data}};

    if (strcmp(value, "data-only") == 0)
        return s->data_only = true;
    if (strcmp(value, "schema-only") == 0)
        return s->schema_only = true;
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
        size_t n = strlen(lists[k].word);
        struct pattern p;
        if (strncmp(value, lists[k].word, n) != 0 || !pattern_parse(&p, value + n))
            continue;
        bool good = !p.schema || lists[k].list != &s->schemas;
        pattern_free(&p);
        add_recorded(lists[k].list, value + n);
        return good;
    }
    return false;
}

struct selection selection_recorded(const struct fields *item)
{
    struct selection s = {0};

    for (size_t i = 0; i < item->count; i++)
        if (strcmp(item->line[i].name, "select") == 0 && !take_recorded(&s, item->line[i].value))
            die(BAD_DATA, "the backup is limited to '%s', which this bk does not know: made by a newer bk",
                item->line[i].value);
    return s;
}

/* SQL: (VALUES (number, regular expression of schema, of name), ...) p(i, schema, name). */
static void add_patterns(struct pg *pg, const struct opt_list *list, bool schemas, struct buf *sql)
{
    for (size_t i = 0; i < list->count; i++) {
        struct pattern p;
        if (!pattern_parse(&p, list->value[i]))
            bug(); /* selection_check() */
        buf_addf(sql, "%s(%zu, ", i ? ", " : "(VALUES ", i);
        pg_literal(pg, schemas ? p.name : p.schema ? p.schema : "", sql);
        buf_adds(sql, ", ");
        pg_literal(pg, schemas ? "" : p.name, sql);
        buf_addc(sql, ')');
        pattern_free(&p);
    }
    buf_adds(sql, ") p(i, schema, name)");
}

/* Names are compared as text of the database's collation: else a case would be the C locale's. */
#define FITS(schema, name)                                                                                   \
    schema " OPERATOR(pg_catalog.~) p.schema COLLATE pg_catalog.\"default\" AND " name                       \
           " OPERATOR(pg_catalog.~) p.name COLLATE pg_catalog.\"default\""

static void try_patterns(struct pg *pg, const struct opt_list *list, bool schemas, bool recorded)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct opt_list one = {.value = &list->value[i], .count = 1};
        struct buf sql = {0};
        char state[6], *words;
        buf_adds(&sql, "SELECT '' OPERATOR(pg_catalog.~) schema, '' OPERATOR(pg_catalog.~) name FROM ");
        add_patterns(pg, &one, schemas, &sql);
        if (!pg_try(pg, buf_str(&sql), state, &words)) {
            if (strcmp(state, "2201B") != 0) /* invalid_regular_expression */
                die(FAILED, "cannot match the pattern '%s': %s", one.value[0], words);
            if (!recorded)
                hint("in double quotes every character means itself");
            die(recorded ? BAD_DATA : BAD_CALL, "%s '%s' is not one that the server takes: %s",
                recorded ? "a pattern that the backup is limited to," : "the pattern", one.value[0], words);
        }
        buf_free(&sql);
    }
}

void selection_try(struct pg *pg, const struct selection *s, bool recorded)
{
    try_patterns(pg, &s->tables, false, recorded);
    try_patterns(pg, &s->schemas, true, recorded);
    try_patterns(pg, &s->without_tables, false, recorded);
    try_patterns(pg, &s->without_data, false, recorded);
}

/* SQL: does a pattern match c, or a partitioned table that c is a partition of, or the table that c is a
 * sequence of?
 */
static void add_matched(struct pg *pg, const struct opt_list *list, bool schemas, struct buf *sql)
{
    buf_adds(sql, "EXISTS (SELECT FROM ");
    add_patterns(pg, list, schemas, sql);
    buf_adds(sql, ", (SELECT c.oid UNION SELECT o.refobjid FROM pg_catalog.pg_depend o WHERE c.relkind = 'S'"
                  "   AND o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.objid = c.oid AND "
                  "o.deptype IN ('a', 'i')"
                  "   AND o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass) own(oid),"
                  " LATERAL (SELECT own.oid UNION SELECT up.relid FROM "
                  "pg_catalog.pg_partition_ancestors(own.oid) up) r(oid)"
                  " JOIN pg_catalog.pg_class rc ON rc.oid = r.oid"
                  " JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace"
                  " WHERE " FITS("rn.nspname", "rc.relname") ")");
}

char *selection_relations(struct pg *pg, const struct selection *s)
{
    struct buf sql = {0};

    if (s->tables.count > 0 || s->schemas.count > 0) {
        buf_adds(&sql, " AND ");
        add_matched(pg, s->tables.count ? &s->tables : &s->schemas, s->tables.count == 0, &sql);
    }
    if (s->without_tables.count > 0) {
        buf_adds(&sql, " AND NOT ");
        add_matched(pg, &s->without_tables, false, &sql);
    }
    return buf_str(&sql);
}

char *selection_rows(struct pg *pg, const struct selection *s)
{
    struct buf sql = {0};

    if (s->schema_only)
        buf_adds(&sql, " AND false");
    if (s->without_data.count > 0) {
        buf_adds(&sql, " AND (c.relkind = 'S' OR NOT ");
        add_matched(pg, &s->without_data, false, &sql);
        buf_addc(&sql, ')');
    }
    return buf_str(&sql);
}

static void check_used(struct pg *pg, const struct opt_list *patterns, bool schemas, enum unmatched unmatched,
                       const char *query)
{
    if (patterns->count == 0)
        return;
    struct pg_rows *r = pg_query(pg, "list what there is", query);
    size_t n = (size_t)pg_count(r);
    struct selection_name *names = xcalloc(n, sizeof names[0]);
    for (size_t i = 0; i < n; i++)
        names[i] = (struct selection_name){pg_value(r, (int)i, 0), pg_value(r, (int)i, 1), false};
    selection_match(pg, patterns, schemas, unmatched, names, n);
    free(names);
    pg_free(r);
}

#define RELATIONS FROM_USER_RELATIONS " AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"

void selection_check_used(struct pg *pg, const struct selection *s)
{
    static const char relations[] = "SELECT n.nspname, c.relname" RELATIONS;

    check_used(pg, &s->tables, false, UNMATCHED_COMPLAIN, relations);
    check_used(pg, &s->schemas, true, UNMATCHED_COMPLAIN, "SELECT nspname, '' FROM pg_catalog.pg_namespace");
    check_used(pg, &s->without_tables, false, UNMATCHED_WARN, relations);
    check_used(pg, &s->without_data, false, UNMATCHED_WARN, relations);
}

/* Which pattern matches which name. */
static struct pg_rows *match(struct pg *pg, const struct opt_list *patterns, bool schemas,
                             const struct selection_name *names, size_t count)
{
    struct buf sql = {0};

    buf_adds(&sql, "SELECT p.i, v.i FROM ");
    add_patterns(pg, patterns, schemas, &sql);
    for (size_t i = 0; i < count; i++) {
        buf_addf(&sql, "%s(%zu, ", i ? ", " : ", (VALUES ", i);
        pg_literal(pg, names[i].schema, &sql);
        buf_adds(&sql, ", ");
        pg_literal(pg, names[i].name, &sql);
        buf_addc(&sql, ')');
    }
    buf_adds(&sql, ") v(i, schema, name) WHERE " FITS("v.schema", "v.name"));
    struct pg_rows *r = pg_query(pg, "match the patterns", buf_str(&sql));
    buf_free(&sql);
    return r;
}

void selection_match(struct pg *pg, const struct opt_list *patterns, bool schemas, enum unmatched unmatched,
                     struct selection_name *names, size_t count)
{
    bool *used = xcalloc(patterns->count, sizeof used[0]);

    if (patterns->count > 0 && count > 0) {
        struct pg_rows *r = match(pg, patterns, schemas, names, count);
        for (int i = 0; i < pg_count(r); i++) {
            used[pg_number(r, i, 0)] = true;
            names[pg_number(r, i, 1)].hit = true;
        }
        pg_free(r);
    }
    for (size_t i = 0; i < patterns->count; i++) {
        if (used[i] || unmatched == UNMATCHED_IGNORE)
            continue;
        if (unmatched == UNMATCHED_COMPLAIN)
            complain(FAILED, "the pattern '%s' matches no %s", patterns->value[i],
                     schemas ? "schema" : "table");
        else
            warning("the pattern '%s' matches nothing", patterns->value[i]);
    }
    free(used);
}

void selection_free(struct selection *s)
{
    free(s->tables.value);
    free(s->schemas.value);
    free(s->without_tables.value);
    free(s->without_data.value);
    *s = (struct selection){0};
}
