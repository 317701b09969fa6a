/* rights.h - layer 3: may this role load the backup? */
#ifndef BK_RIGHTS_H
#define BK_RIGHTS_H

#include "fields.h"
#include "target.h"

/* Adds to `missing`, a list with commas, what a role that is no superuser must be allowed, and is not: to
 * create in the database and in tablespaces, to make somebody else the owner, to make an extension that is
 * not there yet. With `new_database` it makes the database itself, with what every new one has. What there is
 * not at all is left to target_check_needs(). */
void rights_missing(struct pg *pg, const struct fields *database, const struct left_out *out,
                    bool new_database, struct buf *missing);

/* Adds the names, quoted, of extensions that are there and belong to somebody else: this role may use them,
 * but not comment on them. */
void rights_foreign_extensions(struct pg *pg, struct fields *names);

#endif
