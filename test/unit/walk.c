#include "walk.h"

enum walk_end walk(struct walk *w, const uint8_t *bytes, size_t n)
{
    struct frame f;

    if (n < MAGIC_BYTES)
        return WALK_CUT;
    w->error = stream_magic(bytes, MAGIC_BYTES);
    for (w->at = MAGIC_BYTES; !w->error && !w->stream.ended;) {
        if (n - w->at < FRAME_HEADER_BYTES)
            return WALK_CUT;
        w->error = stream_header(&w->stream, bytes + w->at, &f);
        if (w->error)
            break;
        if (n - w->at - FRAME_HEADER_BYTES < f.length)
            return WALK_CUT;
        const uint8_t *body = bytes + w->at + FRAME_HEADER_BYTES;
        w->error = stream_body(&w->stream, &f, body);
        if (w->error)
            break;
        if (w->see)
            w->see(w->ctx, &f, body, w->at);
        w->at += FRAME_HEADER_BYTES + f.length;
    }
    if (w->error)
        return WALK_BAD;
    return w->at < n ? WALK_AFTER : WALK_WHOLE;
}

bool walk_is_whole(const uint8_t *bytes, size_t n)
{
    struct walk w = {0};
    enum walk_end end = walk(&w, bytes, n);

    stream_free(&w.stream);
    return end == WALK_WHOLE;
}
