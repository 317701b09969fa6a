/* json.h - layer 1: JSON out (RFC 8259), for reports. One value a line: json_end_line() ends it.
 *
 * Commas and quotes are kept by the writer. Values are written as fields.h encodes them (a byte e9 that is no
 * UTF-8 becomes the four characters \xe9, a backslash two), for JSON has no bytes.
 */
#ifndef BK_JSON_H
#define BK_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

/* A zeroed struct is ready. The text grows in `out`, which the caller frees. */
struct json {
    struct buf out;
    bool comma; /* a value stands before */
};

/* `name` is NULL within an array and for the outermost value. */
void json_object(struct json *j, const char *name);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *name);
void json_array_end(struct json *j);
void json_string(struct json *j, const char *name, const char *value);
void json_u64(struct json *j, const char *name, uint64_t value);
void json_bool(struct json *j, const char *name, bool value);
void json_end_line(struct json *j);

#endif
