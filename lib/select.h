/* select.h - layer 3: what of a database is wanted: options that bk-dump and bk-load share, and what they
 * match.
 *
 * A pattern (pattern.h) without a schema matches in every schema. One that matches a partitioned table
 * matches all its partitions, and one that matches a table matches the sequences that belong to its columns.
 * The server matches, so case and characters are those of its own encoding.
 */
#ifndef BK_SELECT_H
#define BK_SELECT_H

#include <stdbool.h>

#include "fields.h"
#include "opt.h"
#include "pg.h"

struct selection {
    struct opt_list tables, schemas; /* only these; empty: all */
    struct opt_list without_tables;  /* but not these */
    struct opt_list without_data;    /* and of these only the definitions */
    bool data_only, schema_only;
};

/* clang-format off */
#define SELECTION_OPTIONS(s) \
    {OPT_LIST, 't', NULL, "PATTERN", "only these tables, with their partitions", &(s).tables, 0, 0}, \
    {OPT_LIST, 0, "schema", "PATTERN", "only what is in these schemas", &(s).schemas, 0, 0}, \
    {OPT_LIST, 0, "exclude-table", "PATTERN", "not these tables", &(s).without_tables, 0, 0}, \
    {OPT_LIST, 0, "exclude-table-data", "PATTERN", "of these tables only the definitions", &(s).without_data, 0, 0}, \
    {OPT_FLAG, 0, "data-only", NULL, "rows, and no definitions", &(s).data_only, 0, 0}, \
    {OPT_FLAG, 0, "schema-only", NULL, "definitions, and no rows", &(s).schema_only, 0, 0}
/* clang-format on */

/* Ends with status 2 if options contradict each other, or a pattern is none. */
void selection_check(const struct selection *s);

/* Dies if the server takes one of the patterns for no regular expression: with status 2, or with 3 if it is
 * `recorded` in a backup. */
void selection_try(struct pg *pg, const struct selection *s, bool recorded);

/* Are all objects wanted, whatever is to become of their rows? */
bool selection_is_all(const struct selection *s);

/* Adds a line `select` for each option. */
void selection_describe(const struct selection *s, struct fields *item);

/* SQL for bk-dump, to be put behind FROM_USER_RELATIONS (snapshot.h): " AND ...", which relations are wanted;
 * and which of these with their rows. Freed by the caller. */
char *selection_relations(struct pg *pg, const struct selection *s);
char *selection_rows(struct pg *pg, const struct selection *s);

/* Complains (msg.h) with status 1 if -t or --schema has a pattern that nothing in the database fits; warns of
 * others. */
void selection_check_used(struct pg *pg, const struct selection *s);

/* The selection that an item has lines `select` of (a zeroed one if it has none). Values stay the item's.
 * Dies with status 3 of a line that this bk does not know: what a newer one has left out would be missed. */
struct selection selection_recorded(const struct fields *item);

/* Names, for bk-load. `hit` of each is set to whether one of the patterns matches it; with `schemas` the
 * patterns are of schemas. What is done of a pattern that matches none: nothing, a warning, or a complaint
 * (msg.h) with status 1. */
struct selection_name {
    const char *schema, *name;
    bool hit;
};
enum unmatched { UNMATCHED_IGNORE, UNMATCHED_WARN, UNMATCHED_COMPLAIN };
void selection_match(struct pg *pg, const struct opt_list *patterns, bool schemas, enum unmatched unmatched,
                     struct selection_name *names, size_t count);

void selection_free(struct selection *s);

#endif
