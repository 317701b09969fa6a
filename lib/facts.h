/* facts.h - layer 3: what two streams say of their data, compared: ITEM and DONE, not rows.
 *
 * Of each table, of the sequences and so on ("things") there are facts, as its columns, and the number and
 * digest of its rows. What two copies of one database rightly have of their own is no fact: the database's
 * name, oids, times, parts, frames, the order of items. Nor are definitions: two archives of the same ones
 * differ. What is no data, but may explain something, is a note.
 */
#ifndef BK_FACTS_H
#define BK_FACTS_H

#include "contents.h"

enum finding_level {
    NOTE,
    INCOMPARABLE, /* it cannot be told whether they are the same */
    DIFFERENCE,
};

/* What one has, and what the other; strings are the contents', or live as long as the call. */
struct finding {
    enum finding_level level;
    const char *type, *schema, *name; /* of the item; the last two are "" but for tables */
    const char *what, *which; /* in it: "column" and its name, "rows" and ""; "" and "": the item itself */
    const char *a, *b;        /* NULL: that one has it not */
};

struct facts;

/* The facts of a stream whose ITEMs and DONEs are there. Dies with status 3 where a table is there twice,
 * nothing is said of the database, or a digest is of a kind that this bk does not know. The contents must
 * outlive it, and are changed. */
struct facts *facts_open(struct contents *c);
void facts_free(struct facts *f);

/* Tells of all that the two do not have in common: first of the database, then item by item. */
void facts_compare(const struct facts *a, const struct facts *b,
                   void (*tell)(void *ctx, const struct finding *f), void *ctx);

#endif
