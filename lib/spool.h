/* spool.h - layer 1: pieces of data that have to wait, in a temporary file of no name (io.h). */
#ifndef BK_SPOOL_H
#define BK_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

/* A zeroed struct is an empty one, and takes no file. Freed with spool_free(). */
struct spool {
    int file; /* plus 1; 0: none */
    uint64_t pieces;
};

/* Adds a piece with a number that is the caller's. Dies if the file cannot be written. One thread at a time.
 */
void spool_put(struct spool *s, uint32_t tag, const void *bytes, uint32_t n);

/* Goes back to the first piece, for spool_next(). */
void spool_rewind(struct spool *s);

/* Reads the next piece in place of what is in `bytes`. False after the last. */
bool spool_next(struct spool *s, uint32_t *tag, struct buf *bytes);

void spool_free(struct spool *s);

#endif
