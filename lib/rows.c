#include "rows.h"

#include <string.h>

#include "msg.h"
#include "tuple.h"

static void lock(struct rows *r)
{
    if (r->turn)
        pthread_mutex_lock(r->turn);
}

static void unlock(struct rows *r)
{
    if (r->turn)
        pthread_mutex_unlock(r->turn);
}

/* The next body will be about as long as this one. */
static void put(struct rows *r)
{
    size_t size = r->chunk.body.len;

    r->put(r->ctx, &r->chunk);
    r->chunk.body.len = 0;
    buf_room(&r->chunk.body, size);
    digest_begin(&r->chunk.digest, DIGEST_ROWS);
}

static void flush(struct rows *r)
{
    if (r->chunk.digest.rows == 0)
        return;
    lock(r);
    put(r);
    unlock(r);
}

static void put_long(struct rows *r, const char *row, size_t n)
{
    struct digest whole;

    digest_begin(&whole, DIGEST_ROWS);
    digest_row(&whole, row, n);
    lock(r);
    while (n > 0) {
        size_t piece = n < BODY_BYTES ? n : BODY_BYTES;
        buf_add(&r->chunk.body, row, piece);
        row += piece;
        n -= piece;
        r->chunk.more = n > 0;
        if (!r->chunk.more)
            r->chunk.digest = whole;
        put(r);
    }
    unlock(r);
}

static void add_row(struct rows *r, const char *row, size_t n)
{
    if (r->chunk.digest.bytes + n > BODY_BYTES)
        flush(r);
    if (n > BODY_BYTES && !r->digests_only) {
        put_long(r, row, n);
        return;
    }
    if (!r->digests_only)
        buf_add(&r->chunk.body, row, n);
    digest_row(&r->chunk.digest, row, n);
}

static _Noreturn void die_binary(const char *what)
{
    die(FAILED, "what the server copies in binary %s", what);
}

static bool is_tuple(const char *message, size_t n)
{
    struct tuple t = {0};
    size_t used;

    return tuple_read(&t, (const uint8_t *)message, n, &used) == TUPLE_WHOLE && used == n;
}

static void add_binary(struct rows *r, const char *message, size_t n)
{
    if (r->ended)
        die_binary("does not end with its trailer");
    if (!r->begun) {
        if (n < COPY_HEADER_BYTES || memcmp(message, copy_header, COPY_HEADER_BYTES) != 0)
            die_binary("begins with a header that this bk does not know");
        r->begun = true;
        message += COPY_HEADER_BYTES;
        n -= COPY_HEADER_BYTES;
    }
    r->ended = n == COPY_TRAILER_BYTES && memcmp(message, copy_trailer, n) == 0;
    if (n == 0 || r->ended)
        return;
    if (!is_tuple(message, n))
        die_binary("is not made of rows");
    add_row(r, message, n);
}

void rows_add(struct rows *r, const char *row, size_t n)
{
    if (r->binary)
        add_binary(r, row, n);
    else
        add_row(r, row, n);
}

void rows_end(struct rows *r)
{
    if (r->binary && !r->ended)
        die_binary("ends without its trailer");
    flush(r);
    buf_free(&r->chunk.body);
}
