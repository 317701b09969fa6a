/* walk.h - reads a stream that lies in memory, by the library's pure functions alone: no descriptor, no
 * die(). */
#ifndef BK_TEST_WALK_H
#define BK_TEST_WALK_H

#include "stream.h"

enum walk_end {
    WALK_WHOLE, /* END was there, all agrees, nothing follows */
    WALK_BAD,   /* `error` says why */
    WALK_CUT,   /* it ends too early */
    WALK_AFTER, /* something follows END */
};

struct walk {
    struct stream stream;
    enum stream_err error;
    size_t at; /* where the frame begins that was read last */
    /* Sees each frame, HEAD and END too, once it is found right. May be NULL. */
    void (*see)(void *ctx, const struct frame *f, const uint8_t *body, size_t at);
    void *ctx;
};

/* `w` is zeroed but for `see` and `ctx`; ended by stream_free(&w->stream). */
enum walk_end walk(struct walk *w, const uint8_t *bytes, size_t n);

/* Is it a whole stream? */
bool walk_is_whole(const uint8_t *bytes, size_t n);

#endif
