/* compress.h - layer 3: what all compressing tools are: a map over DATA bodies by one codec, and its undoing.
 */
#ifndef BK_COMPRESS_H
#define BK_COMPRESS_H

#include "codec.h"

struct compressor {
    const char *name;  /* of the tool */
    const char *brief; /* for -h */
    const char *step;  /* the step's first word in HEAD */
    const struct codec *compress, *decompress;
    int level, min_level, max_level;
    const char *example;
};

/* The whole of a tool's main(): options -d, -l, -j; the map; the exit status. */
int compressor_main(const struct compressor *c, int argc, char **argv);

#endif
