/* session.h - layer 3: connects to a server in such a way that sessions are kept.
 *
 * A pooler may stand between us and the server. In session mode it gives each of our connections a server
 * session of its own, and all is well. In transaction or statement mode any statement may come to any
 * session: settings, locks, temporary tables and an exported snapshot are not where they were made, and what
 * we set is left to other clients. That is found out before anything has been set.
 */
#ifndef BK_SESSION_H
#define BK_SESSION_H

#include "pg.h"

/* Connects and sets up, as pg.h says. Dies with status 4 behind a pooler that does not keep sessions, and
 * with 1 behind one that has no second session for us, or has it at another server. */
struct pg *session_open(const char *conninfo, const char *app);

/* The same for a connection that there is, and that has not been used. */
void session_begin(struct pg *pg, const char *app);

#endif
