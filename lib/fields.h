/* fields.h - layer 1: the one metadata codec: lines of `name: value`.
 *
 *     fields = *( name ":" SP value LF )        name = 1*64( a-z / 0-9 / "-" )
 *
 * In a value, newline, tab and backslash are written \n, \t and \\; every other control character and every
 * byte that is no part of valid UTF-8 (RFC 3629) is \xHH, in lower case. NUL cannot be in a value. So each
 * value has just one encoding, and the decoder refuses any other: what was decoded can be encoded again and
 * is the same, byte for byte.
 *
 * The decoder is pure: it does no I/O and never dies of what it reads.
 */
#ifndef BK_FIELDS_H
#define BK_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

struct field {
    char *name;  /* owned by the fields that it is in */
    char *value; /* decoded */
};

/* A list of lines in order. A zeroed struct is an empty one. Whoever holds it calls fields_free(). */
struct fields {
    struct field *line;
    size_t count;
    size_t cap;
};

enum fields_err {
    FIELDS_OK,
    FIELDS_NO_NEWLINE, /* the last line does not end */
    FIELDS_NAME,       /* a line does not begin with a name, or with one that is too long */
    FIELDS_COLON,      /* no ": " right behind the name */
    FIELDS_VALUE,      /* a value is not encoded in the one way */
};
const char *fields_strerror(enum fields_err e);

/* Adds the lines in `bytes` to `f`. On an error `f` holds the lines before the bad one. */
enum fields_err fields_decode(struct fields *f, const void *bytes, size_t n);

/* Adds the encoding of all lines to `out`. */
void fields_encode(const struct fields *f, struct buf *out);

/* Adds the encoding of one value to `out`: also the way to print bytes of unknown origin safely. */
void fields_encode_value(const char *value, struct buf *out);

/* Add a line at the end, or before line `at`. The name must be a right one (bug() otherwise). Strings are
 * copied. */
void fields_add(struct fields *f, const char *name, const char *value);
void fields_addf(struct fields *f, const char *name, const char *fmt, ...) PRINTF(3, 4);
void fields_insert(struct fields *f, size_t at, const char *name, const char *value);
void fields_remove(struct fields *f, size_t at);

/* The value of the first line of this name; NULL if there is none. It lives as long as the line. */
const char *fields_get(const struct fields *f, const char *name);

/* How many lines have this name. */
size_t fields_count(const struct fields *f, const char *name);

/* Of these names, ended by NULL, the first that has more than one line; NULL if none has. */
const char *fields_twice(const struct fields *f, const char *const names[]);

/* A decimal number without sign or leading zero in the first line of this name. False if it is not there or
 * is none. */
bool fields_get_u64(const struct fields *f, const char *name, uint64_t *value);

void fields_free(struct fields *f);

/* Helpers for other codecs of text: both are true for what they read as a whole. */
bool parse_u64(const char *s, uint64_t *value);             /* decimal, no sign, no leading zero */
bool parse_hex(const char *s, uint8_t *bytes, size_t n);    /* exactly 2n lower-case digits */
void format_hex(const uint8_t *bytes, size_t n, char *out); /* writes 2n digits and a NUL */

#endif
