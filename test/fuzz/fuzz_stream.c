/* The whole grammar: magic, headers, HEAD, ABRT, END. Nobody guesses a CRC, so unless the first byte is odd
 * all CRCs are put right before the stream is read, and END's trailer too. */
#include "fuzz.h"

#include <string.h>

#include "crc.h"
#include "walk.h"

static void put_right_end(uint8_t *body, uint32_t length)
{
    if (length >= END_TRAILER_BYTES) {
        put_u32(body + length - END_TRAILER_BYTES, FRAME_HEADER_BYTES + length);
        memcpy(body + length - 4, "bk!\n", 4);
    }
}

static void put_right(uint8_t *bytes, size_t n)
{
    for (size_t at = MAGIC_BYTES; n - at >= FRAME_HEADER_BYTES;) {
        uint8_t *header = bytes + at;
        uint32_t length = get_u32(header + 24);
        if (n - at - FRAME_HEADER_BYTES < length)
            length = (uint32_t)(n - at - FRAME_HEADER_BYTES);
        put_u32(header + 24, length);
        if (get_u32(header) == FRAME_END)
            put_right_end(header + FRAME_HEADER_BYTES, length);
        put_u32(header + 28, crc32c(header + FRAME_HEADER_BYTES, length));
        put_u32(header + 36, crc32c(header, 36));
        at += FRAME_HEADER_BYTES + length;
    }
}

/* HEAD is kept byte for byte, and a step that is taken and undone leaves no trace. */
static void check_head(const struct head *got, const uint8_t *body, size_t n)
{
    struct head h;
    struct buf again = {0};

    head_copy(&h, got);
    head_encode(&h, &again);
    MUST(again.len == n && memcmp(again.data, body, n) == 0);
    again.len = 0;
    head_record(&h, &again);
    MUST(again.len <= n && memcmp(again.data, body, again.len) == 0);
    bool all_record = again.len == n; /* no line of the seal, behind which a step would not belong */
    again.len = 0;
    if (all_record) {
        head_push_step(&h, "gzip level=6");
        MUST(step_is(head_last_step(&h), "gzip"));
        head_pop_step(&h);
    }
    head_encode(&h, &again);
    MUST(again.len == n && memcmp(again.data, body, n) == 0);
    buf_free(&again);
    head_free(&h);
}

struct count {
    uint64_t numbered, items, dones, size;
    bool ended;
};

static void see(void *ctx, const struct frame *f, const uint8_t *body, size_t at)
{
    struct count *c = ctx;

    (void)body;
    MUST(!c->ended);
    MUST(at >= MAGIC_BYTES);
    MUST(f->seq == c->numbered);
    MUST(f->length <= FRAME_MAX_BODY);
    c->numbered += frame_numbered(f->type);
    c->items += f->type == FRAME_ITEM;
    c->dones += f->type == FRAME_DONE;
    c->ended = f->type == FRAME_END;
    if (f->type != FRAME_HEAD && f->type != FRAME_END)
        c->size += FRAME_HEADER_BYTES + (uint64_t)f->length;
}

static void check(const uint8_t *bytes, size_t n)
{
    struct count c = {0};
    struct walk w = {.see = see, .ctx = &c};
    enum walk_end end = walk(&w, bytes, n);
    uint64_t said;

    if (c.numbered > 0)
        check_head(&w.stream.head, bytes + MAGIC_BYTES + FRAME_HEADER_BYTES,
                   get_u32(bytes + MAGIC_BYTES + 24));
    MUST(w.stream.ended == c.ended);
    if (end == WALK_WHOLE) {
        MUST(c.ended && c.dones <= c.items);
        MUST(fields_get_u64(&w.stream.end, "frames", &said) && said == c.numbered);
        MUST(fields_get_u64(&w.stream.end, "items", &said) && said == c.items);
        MUST(fields_get_u64(&w.stream.end, "size", &said) && said == c.size);
    }
    if (end == WALK_BAD)
        MUST(*stream_strerror(w.error));
    stream_free(&w.stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 1)
        return 0;
    bool as_it_is = bytes[0] & 1;
    uint8_t *copy = xmalloc(n - 1);
    memcpy(copy, bytes + 1, n - 1);
    if (!as_it_is && n - 1 > MAGIC_BYTES)
        put_right(copy, n - 1);
    check(copy, n - 1);
    free(copy);
    return 0;
}
