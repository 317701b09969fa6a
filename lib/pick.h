/* pick.h - layer 3: of an archive's entries those that a selection comes down to.
 *
 * What was asked for brings what it needs, and what that needs. It also brings what belongs to it (indexes,
 * constraints, triggers, rights, comments), unless that needs a table or view that is not among what was
 * asked for: a foreign key comes only with both of its tables. Pure.
 */
#ifndef BK_PICK_H
#define BK_PICK_H

#include "toc.h"

enum pick {
    PICK_NOTHING, /* was not asked for */
    PICK_WANTED,
    PICK_REFUSED, /* must not come, nor what needs it */
    PICK_LACKING, /* out only: belongs to something wanted, and needs a table or view that is not */
};

/* `picks` has an element for each entry: in, what was asked for; out, what comes of it. */
void pick(const struct toc *t, enum pick *picks);

/* Does this entry only belong to others, so that nobody asks for it by its own schema? */
bool pick_belongs(const struct toc_entry *e);

/* Is it a table, a view, a sequence: something that a table's pattern matches? */
bool pick_is_relation(const struct toc_entry *e);

/* Of each entry the one of the partitioned table right above it, or NULL. Freed by the caller, with free().
 */
const struct toc_entry **pick_parents(const struct toc *t);

#endif
