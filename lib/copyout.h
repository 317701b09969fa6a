/* copyout.h - layer 3: the rows of a snapshot's tables into a stream, by several connections.
 *
 * The leader's connection has the snapshot and copies tables like the others: it holds the locks already.
 * Each takes the next part of a table, cuts its rows into bodies of about 1 MiB, and puts them into a queue,
 * from which the calling thread writes. What a part's frames are depends on the table alone, not on how many
 * connections there are. Without threads (one connection) the same functions write straight to the stream.
 * Into a stream of digests go no rows: each connection's thread makes the digests of what it reads.
 */
#ifndef BK_COPYOUT_H
#define BK_COPYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "pg.h"
#include "snapshot.h"
#include "source.h"

enum {
    COPYOUT_PART_PAGES = 1024
}; /* of a heap, in one COPY: whatever the server, so that frames are the same */

struct copyout;

/* All three must outlive it. */
struct copyout *copyout_open(struct pg *leader, const struct snapshot *s, struct source *source);

/* In how many parts a table is read. */
uint32_t copyout_parts(const struct table *t);

/* Copies all tables, whose items follow each other from `first_item`, by `jobs` connections. `first(ctx)`
 * writes what must be before the rows in the calling thread, while others begin to read; what they have waits
 * in the queue. It returns whether it read definitions: then these are looked at once more
 * (snapshot_check_definitions()). */
void copyout_tables(struct copyout *o, uint32_t first_item, int jobs, bool (*first)(void *ctx), void *ctx);

/* Writes the rows of another COPY by the leader's connection. `what` completes "cannot ...". */
void copyout_query(struct copyout *o, uint32_t item, const char *what, const char *sql);

void copyout_close(struct copyout *o);

#endif
