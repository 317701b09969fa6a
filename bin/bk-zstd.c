/* bk-zstd - compresses each body of a stream by itself with Zstandard, and undoes that. */
#include "compress.h"
#include "zst.h"

int main(int argc, char **argv)
{
    static const struct compressor zstd = {
        .name = "bk-zstd",
        .brief = "compress a stream with Zstandard, or undo that",
        .step = "zstd",
        .compress = &zst_compress,
        .decompress = &zst_decompress,
        .level = 3,
        .min_level = 1,
        .max_level = 19,
        .example = "bk-dump -d app | bk-zstd | bk-put app.bk",
    };

    return compressor_main(&zstd, argc, argv);
}
