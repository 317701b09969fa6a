#include "zst.h"

#include <stdbool.h>
#include <zstd.h>

#include "msg.h"

enum { WINDOW_LOG_MAX = 24 }; /* 16 MiB, as long as a body may be */

static _Noreturn void no_zstd(void)
{
    die(FAILED, "libzstd cannot start");
}

static void set(ZSTD_CCtx *c, ZSTD_cParameter parameter, int value)
{
    if (ZSTD_isError(ZSTD_CCtx_setParameter(c, parameter, value)))
        no_zstd();
}

/* No checksum of its own: the frame has a CRC of the compressed body, and the item a digest of the plain one.
 */
static void *compress_open(int level)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();

    if (!c)
        no_zstd();
    set(c, ZSTD_c_compressionLevel, level);
    set(c, ZSTD_c_contentSizeFlag, 1);
    return c;
}

static size_t compress_size(const uint8_t *in, size_t n)
{
    (void)in;
    return ZSTD_compressBound(n);
}

static const char *compress_run(void *state, const uint8_t *in, size_t n, size_t most, struct buf *out)
{
    size_t room = ZSTD_compressBound(n);
    uint8_t *to = buf_room(out, room);

    (void)most;
    size_t made = ZSTD_compress2(state, to, room, in, n);
    if (ZSTD_isError(made))
        die(FAILED, "cannot compress: %s", ZSTD_getErrorName(made));
    out->len += made;
    return NULL;
}

static void compress_close(void *state)
{
    ZSTD_freeCCtx(state);
}

static void *decompress_open(int level)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();

    (void)level;
    if (!d)
        no_zstd();
    return d;
}

static size_t decompress_size(const uint8_t *in, size_t n)
{
    unsigned long long size = ZSTD_getFrameContentSize(in, n);

    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > SIZE_MAX)
        return SIZE_MAX;
    return (size_t)size;
}

/* RFC 8878, section 3.1.1.1: a frame in one segment has its content as window; else a byte with exponent and
 * mantissa follows the descriptor. (The library checks windows only where it keeps one itself.) */
static bool window_fits(const uint8_t *in, size_t n)
{
    const uint8_t one_segment = 1 << 5;

    if (n < 6 || in[4] & one_segment)
        return true;
    uint64_t base = (uint64_t)1 << (10 + (in[5] >> 3));
    return base + base / 8 * (in[5] & 7) <= (uint64_t)1 << WINDOW_LOG_MAX;
}

static const char *decompress_run(void *state, const uint8_t *in, size_t n, size_t most, struct buf *out)
{
    size_t length = ZSTD_findFrameCompressedSize(in, n);
    if (n < 4 || get_u32(in) != ZSTD_MAGICNUMBER || ZSTD_isError(length))
        return "it is not a whole zstd frame";
    if (length != n)
        return "something follows the zstd frame";
    if (!window_fits(in, n))
        return "the zstd frame wants a window of more than 16 MiB";
    size_t room = decompress_size(in, n);
    if (room == SIZE_MAX)
        room = most;
    if (room > most)
        return "it would be longer than a body may be";
    size_t made = ZSTD_decompressDCtx(state, buf_room(out, room), room, in, n);
    if (ZSTD_isError(made))
        return "the zstd frame is damaged, or longer than a body may be";
    out->len += made;
    return NULL;
}

static void decompress_close(void *state)
{
    ZSTD_freeDCtx(state);
}

const struct codec zst_compress = {compress_open, compress_run, compress_close, compress_size};
const struct codec zst_decompress = {decompress_open, decompress_run, decompress_close, decompress_size};
