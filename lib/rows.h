/* rows.h - layer 3: cuts the rows of an item into bodies.
 *
 * A body holds whole rows, up to 1 MiB of them. A row that alone is longer is cut into bodies of 1 MiB, each
 * but the last with MORE, and no body of another row may come in between. What the bodies are depends on the
 * rows alone. Where only digests are wanted, nothing of the rows is kept.
 */
#ifndef BK_ROWS_H
#define BK_ROWS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "digest.h"
#include "mem.h"

enum { BODY_BYTES = 1 << 20 };

/* A body on its way to the stream. */
struct chunk {
    uint32_t item, part;
    bool more;
    struct buf body;
    struct digest digest; /* of the rows in it; of a long row, in its last body */
};

struct rows {
    struct chunk chunk; /* set item and part */
    /* Takes a body, with or without its memory. Bodies that belong together come with the turn held all the
     * while, if there is one (several threads put into the same stream). */
    void (*put)(void *ctx, struct chunk *c);
    void *ctx;
    pthread_mutex_t *turn; /* NULL: one thread */
    bool binary;           /* what comes is COPY's binary format */
    bool digests_only;     /* puts chunks that have a digest and no body */
    bool begun, ended;     /* of that: its header, its trailer has come */
};

/* Adds one row, its newline included. In binary: what COPY sends in one message, which is a tuple, with the
 * header before the first; and last the trailer. Only the tuples are rows. Dies of anything else. */
void rows_add(struct rows *r, const char *row, size_t n);

/* Puts what is left, and frees the memory. In binary it dies if the trailer has not come. */
void rows_end(struct rows *r);

#endif
