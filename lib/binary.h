/* binary.h - layer 3: which tables must be copied in binary, for COPY cannot write their rows as text.
 *
 * No string on the server is longer than 1 GiB, and text doubles bytea: a value of 512 MiB and more, or a row
 * that such values fill, cannot be written as text (pg_dump fails on it). In binary nothing grows.
 */
#ifndef BK_BINARY_H
#define BK_BINARY_H

#include "pg.h"
#include "snapshot.h"

/* Sets `binary` of the snapshot's tables. Where rows may be so long, this reads the table, but not its long
 * values. On the snapshot's connection. */
void binary_choose(struct pg *pg, struct snapshot *s);

#endif
