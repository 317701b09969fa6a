/* mem.h - layer 0: memory that is there or ends the program, a buffer that grows, and little-endian integers.
 *
 * A buffer's `data` may move with every call that takes `struct buf *`; the first `len` bytes are its
 * contents. A zeroed struct is an empty buffer. Whoever holds the struct owns the memory and calls
 * buf_free().
 */
#ifndef BK_MEM_H
#define BK_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"

/* Like malloc, calloc, realloc and strdup, but die when there is no memory. Freed with free(). */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t count, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);

struct buf {
    uint8_t *data;
    size_t len; /* bytes in use */
    size_t cap; /* bytes there */
};

/* Makes room for `more` bytes behind the contents and returns where they go; `len` stays. */
uint8_t *buf_room(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) PRINTF(2, 0);
/* Ends the contents with a NUL that `len` does not count, and returns them as a string. */
char *buf_str(struct buf *b);
void buf_free(struct buf *b);

static inline void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline void put_u64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

#endif
