/* digest.h - layer a: an item's rows and digest, by xxHash.
 *
 * The digest of rows is the sum modulo 2^128 of the XXH3-128 of each row, so it does not depend on their
 * order: `xxh3-128-sum HEX`. A row is a line of text, its newline included, or a tuple (tuple.h). The digest
 * of bytes is the XXH3-128 of all of them in order: `xxh3-128 HEX`. Either finds what was lost, doubled or
 * changed by accident; against intent it proves nothing.
 */
#ifndef BK_DIGEST_H
#define BK_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tuple.h"

enum digest_kind {
    DIGEST_ROWS,
    DIGEST_TUPLES, /* rows too */
    DIGEST_BYTES,
};

enum { DIGEST_TEXT_MAX = 64 };

/* Set up by digest_begin(), ended by digest_free(). */
struct digest {
    enum digest_kind kind;
    uint64_t low, high; /* the sum */
    uint64_t rows;
    uint64_t bytes;
    void *open;         /* the hash of a row that has begun, or of the bytes so far; NULL: none */
    struct tuple tuple; /* that has begun */
};

void digest_begin(struct digest *d, enum digest_kind kind);

/* Adds a body. Rows: all of it are whole rows, but that the last goes on in the next body if `more`. False if
 * that is not so (then the digest is of no use). */
bool digest_add(struct digest *d, const void *body, size_t n, bool more);

/* Adds one whole row (its newline included), or tuple. */
void digest_row(struct digest *d, const void *row, size_t n);

/* Adds the rows of `part`, of which none is open. */
void digest_merge(struct digest *d, const struct digest *part);

/* The words for DONE into `out`, as "xxh3-128-sum 0123...": returned too. */
char *digest_text(const struct digest *d, char out[DIGEST_TEXT_MAX]);

/* What digest_text() wrote of rows, without their number: for digest_merge(). False for any other text. */
bool digest_parse(const char *text, struct digest *d);

void digest_free(struct digest *d);

#endif
