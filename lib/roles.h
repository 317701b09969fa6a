/* roles.h - layer 3: the roles and tablespaces of a server, as items of rows, and how roles are made again.
 *
 * A role is a row of its name, seven attributes, connection limit, end of validity, password, comment,
 * settings, the roles that it is a member of, and those of them that it may give on. A tablespace is a row of
 * name, owner, location, rights, options and comment; it is shown, and never made: its folder is another
 * machine's.
 */
#ifndef BK_ROLES_H
#define BK_ROLES_H

#include <stdbool.h>

#include "pg.h"

/* The COPY that reads them. Passwords (as the server keeps them: hashed) are for superusers only; they are
 * null if not asked for. */
const char *roles_copy_out(bool passwords);
extern const char tablespaces_copy_out[];

/* The COPY that loads roles into a temporary table, which roles_begin() makes. */
extern const char roles_copy_in[];
void roles_begin(struct pg *pg);
extern const char roles_names[]; /* a query that finds the names in it */

/* Makes those that are not there yet, within the caller's transaction, and leaves the others alone. With
 * `tell`, says which, and which of them have no password. */
void roles_create(struct pg *pg, bool tell);

#endif
