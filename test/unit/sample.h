/* sample.h - streams for the tests: made by the library's pure functions, the same bytes for the same words.
 */
#ifndef BK_TEST_SAMPLE_H
#define BK_TEST_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

struct sample {
    uint64_t seed;
    int tables;         /* beside database, schema and sequences */
    int rows;           /* of each table */
    int row_bytes;      /* of each row, about; at least 16 */
    int body_bytes;     /* of a DATA body, at most: a row that alone is longer goes over several with MORE */
    const char *format; /* NULL: "1" */
    const char *kind;   /* NULL: backup */
    const char *label;  /* NULL: sample; "": none */
    const char *step;   /* what `change` does to bodies, as in HEAD; NULL: nothing */
    /* Adds to `out` what a DATA body becomes. */
    void (*change)(void *ctx, const uint8_t *body, size_t n, struct buf *out);
    void *change_ctx;
    bool noise;  /* rows that cannot be compressed much */
    bool binary; /* the rows of the first table are tuples */
    bool sums;   /* with the index */
    bool lower;  /* lower-case frames that no bk knows: "xtra", one in each place where one can be */
    bool upper;  /* an upper-case frame that no bk knows: "Xtra" */
    const char *abort_why; /* ABRT by bk-dump in place of the last table's last rows and all that follows */
};

/* Adds the stream to `out`. */
void sample_make(const struct sample *s, struct buf *out);

/* The bytes of row `row` (from 0) of table `table` (from 0), as text and as a tuple: added to `out`. */
void sample_row(const struct sample *s, int table, int row, struct buf *out);
void sample_tuple(const struct sample *s, int table, int row, struct buf *out);

/* Fills in `s` for the golden stream of this name (test/data/NAME.bk). False: there is none. */
bool sample_golden(const char *name, struct sample *s);

/* For `change`: compress, with a struct codec and a level 1. */
void sample_compress(void *codec, const uint8_t *body, size_t n, struct buf *out);

#endif
