/* choice.h - layer 3: what a load takes of a backup: a selection (select.h), applied to its contents. */
#ifndef BK_CHOICE_H
#define BK_CHOICE_H

#include <stdbool.h>

#include "contents.h"
#include "pg.h"
#include "select.h"

struct choice {
    bool *rows;             /* of item n at n - 1: are its rows wanted? */
    bool all;               /* all objects are wanted */
    size_t entries, picked; /* how many objects the archive has, and how many of them are wanted; 0: all */
    int list;               /* a scratch file for pg_restore --use-list; -1: all, or none */
    struct fields needs;    /* the database's ITEM, less what only objects need that are not wanted */
};

/* `archive` holds the definitions, -1: there are none, or they are not wanted. The server of `pg` matches
 * patterns. Complains (msg.h) with status 1 if a pattern matches nothing; says what is left out though it
 * belongs to something wanted. */
void choice_make(struct choice *c, struct pg *pg, const struct selection *s, const struct contents *contents,
                 int archive);
void choice_free(struct choice *c);

#endif
