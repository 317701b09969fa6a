/* pgtool.h - layer 3: finds and runs PostgreSQL's own pg_dump and pg_restore, which do the DDL.
 *
 * pg_dump must not be older than the server, nor pg_restore older than the pg_dump that made the archive; of
 * those that are there the oldest that will do is taken, for a newer one may write what an older server does
 * not know.
 */
#ifndef BK_PGTOOL_H
#define BK_PGTOOL_H

#include "child.h"

struct pgtool {
    char *path;
    char version[32]; /* "15.18" */
};

/* Looks in the folders of Debian's and the PGDG's packages, then in PATH. If there is none of major version
 * `min_major` or newer, complains (msg.h) with status 1, and gives no path; `why` says what wants it ("the
 * server is 15.18"). */
struct pgtool pgtool_find(const char *name, int min_major, const char *why);
void pgtool_free(struct pgtool *t);

/* The major version in "15.18 (Debian 15.18-0+deb12u1)": 15; 0 if there is none. */
int pgtool_major(const char *version);

/* The path of an inherited descriptor for a child: "/dev/fd/N" into `path` of 32. Returns `path`. */
char *fd_path(int fd, char path[32]);

#endif
