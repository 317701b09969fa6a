/* bk-gz - compresses each body of a stream by itself with gzip, and undoes that. */
#include "compress.h"
#include "gz.h"

int main(int argc, char **argv)
{
    static const struct compressor gz = {
        .name = "bk-gz",
        .brief = "compress a stream with gzip, or undo that",
        .step = "gzip",
        .compress = &gz_compress,
        .decompress = &gz_decompress,
        .level = 6,
        .min_level = 1,
        .max_level = 9,
        .example = "bk-dump -d app | bk-gz | bk-put app.bk",
    };

    return compressor_main(&gz, argc, argv);
}
