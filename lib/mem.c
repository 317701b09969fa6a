#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void no_memory(size_t size)
{
    die(FAILED, "out of memory (wanted %zu bytes)", size);
}

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);

    if (!p)
        no_memory(size);
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);

    if (!p)
        no_memory(count * size);
    return p;
}

void *xrealloc(void *p, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        no_memory(SIZE_MAX);
    size_t bytes = count * size;
    p = realloc(p, bytes > 0 ? bytes : 1);
    if (!p)
        no_memory(bytes);
    return p;
}

char *xstrdup(const char *s)
{
    size_t size = strlen(s) + 1;

    return memcpy(xmalloc(size), s, size);
}

char *xasprintf(const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    return buf_str(&b);
}

uint8_t *buf_room(struct buf *b, size_t more)
{
    if (more > SIZE_MAX / 2 - b->len)
        no_memory(more);
    if (b->len + more > b->cap || !b->data) {
        size_t cap = b->cap + b->cap / 2;
        if (cap < b->len + more)
            cap = b->len + more;
        b->data = xrealloc(b->data, cap, 1);
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    memcpy(buf_room(b, n), bytes, n);
    b->len += n;
}

void buf_addc(struct buf *b, char c)
{
    *buf_room(b, 1) = (uint8_t)c;
    b->len++;
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        bug();
    vsnprintf((char *)buf_room(b, (size_t)n + 1), (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vaddf(b, fmt, ap);
    va_end(ap);
}

char *buf_str(struct buf *b)
{
    *buf_room(b, 1) = '\0';
    return (char *)b->data;
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
