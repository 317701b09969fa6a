/* cluster.h - layer 3: whole databases of a server, by a connection to another one of it.
 *
 * Of PostgreSQL's documentation: CREATE DATABASE, ALTER DATABASE, DROP DATABASE. Names are as they stand in
 * pg_database, not quoted.
 */
#ifndef BK_CLUSTER_H
#define BK_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "fields.h"
#include "pg.h"

/* Connects to the database `maintenance` of the server that `conninfo` leads to; NULL: to postgres, or else
 * to template1, whichever is not `other`. */
struct pg *cluster_open(const char *conninfo, const char *maintenance, const char *other);

bool cluster_has(struct pg *pg, const char *name);

/* Bytes that it takes on disk; 0 if this role may not know. */
uint64_t cluster_size(struct pg *pg, const char *name);

/* Words for what is connected to it, as "psql of role app (pid 12), ..."; NULL: nothing. To be freed. */
char *cluster_sessions(struct pg *pg, const char *name);

/* The same for its prepared transactions, which nobody but who made them can end. */
char *cluster_prepared(struct pg *pg, const char *name);

/* Makes a database from template0, with the encoding and locale in the ITEM of a backup. */
void cluster_create(struct pg *pg, const char *name, const struct fields *database);

/* Drops it if it is there, and ends its sessions. False, with words (to be freed), if that fails. */
bool cluster_drop(struct pg *pg, const char *name, char **words);

/* Ends its sessions. */
void cluster_disconnect(struct pg *pg, const char *name);

struct rename {
    const char *from, *to;
};

/* Renames, in this order and in one transaction, so that others see all of it or nothing; who connects to the
 * first of them waits meanwhile. A database with sessions that do not end within five seconds cannot be
 * renamed: with `disconnect` those of the first one are ended. False, with words (to be freed), if that
 * fails: then nothing has changed. */
bool cluster_rename(struct pg *pg, const struct rename *r, size_t count, bool disconnect, char **words);

#endif
