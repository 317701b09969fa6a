/* pattern.h - layer 1: psql's patterns for names, as regular expressions for the server.
 *
 * PostgreSQL's documentation, psql, "Patterns": `*` stands for any characters, `?` for one, a dot parts
 * schema and name; letters are folded to lower case; what stands in double quotes means itself ("" is a
 * quote); `$` is no special character, and all others of regular expressions are.
 */
#ifndef BK_PATTERN_H
#define BK_PATTERN_H

#include <stdbool.h>

struct pattern {
    char *schema; /* "^(...)$"; NULL where the pattern has no dot */
    char *name;
};

/* False for a pattern that is none: more than one dot, a quote that does not end, nothing at all. What `p`
 * holds is freed with pattern_free(), if true. Pure. */
bool pattern_parse(struct pattern *p, const char *text);
void pattern_free(struct pattern *p);

#endif
