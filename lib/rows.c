#include "rows.h"

#include "msg.h"

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
    if (r->chunk.body.len == 0)
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

void rows_add(struct rows *r, const char *row, size_t n)
{
    if (r->chunk.body.len + n > BODY_BYTES)
        flush(r);
    if (n > BODY_BYTES) {
        put_long(r, row, n);
        return;
    }
    buf_add(&r->chunk.body, row, n);
    digest_row(&r->chunk.digest, row, n);
}

void rows_end(struct rows *r)
{
    flush(r);
    buf_free(&r->chunk.body);
}
