/* proof.h - layer 3: is a file a backup of this very database, whole and fresh? Asked before what it has
 * copied is dropped. */
#ifndef BK_PROOF_H
#define BK_PROOF_H

#include "pg.h"

/* Reads all of the file, as every reader does. Dies with status 4, and the reason, if it is no backup, or of
 * a part of a database, or of another database, or older than a day, or cannot be looked into; with 3 if it
 * is bad or ends too early; with 1 if it cannot be read. */
void proof_check(struct pg *pg, const char *path);

#endif
