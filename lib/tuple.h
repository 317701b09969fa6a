/* tuple.h - layer 1: rows as COPY writes them in its binary format. Pure.
 *
 * COPY writes a header, tuples, and a trailer; in a stream stand the tuples only. A tuple is the number of
 * its fields in 2 bytes, and for each field its length in 4 bytes and that many bytes; the length -1 is null,
 * with no bytes. Numbers are signed, the highest byte first. (PostgreSQL's documentation, COPY, "Binary
 * Format".)
 */
#ifndef BK_TUPLE_H
#define BK_TUPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COPY_HEADER_BYTES = 19, COPY_TRAILER_BYTES = 2 };

extern const uint8_t copy_header[COPY_HEADER_BYTES]; /* no flags, no extension */
extern const uint8_t copy_trailer[COPY_TRAILER_BYTES];

enum tuple_state {
    TUPLE_OPEN,  /* it goes on behind these bytes */
    TUPLE_WHOLE, /* it has ended */
    TUPLE_BAD,   /* no tuple begins or goes on so */
};

/* How far a tuple has been read. A zeroed struct is before the first; after TUPLE_WHOLE it is so again. */
struct tuple {
    uint8_t number[4]; /* the bytes of a number that have come */
    uint8_t have;
    bool counted;    /* the number of fields has come */
    uint32_t fields; /* whose lengths have not come yet */
    uint32_t value;  /* bytes of a field that have not come yet */
};

/* Reads on, to the end of the tuple or of the `n` bytes, of which there is at least one. `used` gets how many
 * bytes were the tuple's: all of them unless it is whole. After TUPLE_BAD neither is of use. */
enum tuple_state tuple_read(struct tuple *t, const uint8_t *bytes, size_t n, size_t *used);

#endif
