/* connections.h - layer 3: are there as many connections to be had as a tool will want? */
#ifndef BK_CONNECTIONS_H
#define BK_CONNECTIONS_H

#include "pg.h"

/* Complains (msg.h) with status 1 if, now and for two seconds, a tool with -j `jobs` cannot have as many
 * connections beside this one: what is left of the server's, of the role's and of the database's. Behind a
 * pooler it cannot be known. */
void connections_check(struct pg *pg, int jobs);

#endif
