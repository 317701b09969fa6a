/* target.h - layer 3: the database that a load fills: it must be empty, and says that it is not finished
 * until it is. */
#ifndef BK_TARGET_H
#define BK_TARGET_H

#include <stdbool.h>

#include "fields.h"
#include "pg.h"

/* The checks here complain (msg.h): so they die, but for a dry run. */

/* With status 4 if a load of this database was not finished (then it returns false); or, too, if somebody has
 * made anything in it. */
bool target_check_finished(struct pg *pg);
void target_check_empty(struct pg *pg);
/* How much somebody has made in it. */
uint64_t target_objects(struct pg *pg);

bool target_has_table(struct pg *pg, const char *schema, const char *name);

/* For rows in binary, which in columns of other types may mean something else, without an error. With
 * status 1 if a column of this table is of another type than the item's lines `column` and `column-type` say.
 */
void target_check_types(struct pg *pg, const char *schema, const char *name, const struct fields *item);

/* What is left out of what the backup has. */
struct left_out {
    bool owners, acls, tablespaces;
    bool properties; /* of the database itself */
};

/* Adds to `missing`, a list with commas, the values of the lines `name` of which `query` knows none, each
 * with `kind` in front. The query ends where " = v.name" is added. With `versions` a value counts up to its
 * last space. */
void target_find_missing(struct pg *pg, const struct fields *f, const char *name, const char *kind,
                         bool versions, const char *query, struct buf *missing);

/* With status 1 if roles, tablespaces or extensions that a backup needs are not there, or this role may
 * not make what is in it (rights.h): with all of that, before anything was changed. `database` is that item
 * of the backup. Those roles count as there whose names the query `new_roles` finds (NULL: none), for they
 * will be made. With `new_database` it is not the one that `pg` is connected to, but one that this role will
 * make.
 */
void target_check_needs(struct pg *pg, const struct fields *database, const struct left_out *out,
                        const char *new_roles, bool new_database);

/* Is the server of an older major version than the one that the backup was made on? It may not know what is
 * in it, or mean something else by it: the check complains with status 4. */
bool target_is_older(struct pg *pg, const struct fields *database);
void target_check_version(struct pg *pg, const struct fields *database);

/* Makes the schema bk_incomplete. From here on, if the program dies, a warning says what has become of the
 * database, unless it is `dropped` then. */
void target_mark(struct pg *pg, bool dropped);

/* Does a command that makes something fire event triggers? */
bool target_has_event_triggers(struct pg *pg);

/* Takes it away again, the last change of all. On return all that was committed before is on the server's
 * disk. */
void target_unmark(struct pg *pg);

#endif
