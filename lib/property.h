/* property.h - layer 3: what a database is beside its contents, from the ITEM of a backup onto the target:
 * owner, rights, comment, connection limit, settings, and settings of roles in it. */
#ifndef BK_PROPERTY_H
#define BK_PROPERTY_H

#include "fields.h"
#include "pg.h"
#include "target.h"

/* Sets them, in the caller's transaction, but for what is left out. Dies with the server's words, or with
 * status 3 of a setting that is none. */
void property_apply(struct pg *pg, const struct fields *database, const struct left_out *out);

/* Takes from the database, in the same way, what a new one of its owner does not have. */
void property_reset(struct pg *pg, const struct left_out *out);

#endif
