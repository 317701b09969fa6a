/* codec.h - layer 1: what a compressor does to one body: the shape that gz.h and zstd.h have in common. */
#ifndef BK_CODEC_H
#define BK_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "mem.h"

struct codec {
    /* The state of one worker. */
    void *(*open)(int level);
    /* Adds the coded `n` bytes to `out`; for decoders at most `most` bytes. NULL, or what is wrong with the
     * input. */
    const char *(*run)(void *state, const uint8_t *in, size_t n, size_t most, struct buf *out);
    void (*close)(void *state);
    /* How many bytes run() may make of it: a bound, or (decoders) what the input itself says, which is not to
     * be trusted; SIZE_MAX if it does not say. */
    size_t (*size)(const uint8_t *in, size_t n);
};

#endif
