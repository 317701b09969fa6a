#include "gz.h"

#include <stdlib.h>
#include <zlib.h>

#include "msg.h"

enum { GZIP_FORMAT = 16 + MAX_WBITS }; /* zlib.h: 16 more than the window's bits makes it gzip */

static _Noreturn void no_zlib(int error)
{
    die(FAILED, "zlib cannot start (error %d)", error);
}

static void *compress_open(int level)
{
    z_stream *z = xcalloc(1, sizeof *z);
    int error = deflateInit2(z, level, Z_DEFLATED, GZIP_FORMAT, 9, Z_DEFAULT_STRATEGY);

    if (error != Z_OK)
        no_zlib(error);
    return z;
}

static size_t compress_size(const uint8_t *in, size_t n)
{
    (void)in;
    return compressBound(n) +
           18; /* a gzip member has 12 bytes more than zlib's own format; some room beside */
}

static const char *compress_run(void *state, const uint8_t *in, size_t n, size_t most, struct buf *out)
{
    z_stream *z = state;
    size_t room = compress_size(in, n);

    (void)most;
    deflateReset(z);
    z->next_in = (Bytef *)in;
    z->avail_in = (uInt)n;
    z->next_out = buf_room(out, room);
    z->avail_out = (uInt)room;
    if (deflate(z, Z_FINISH) != Z_STREAM_END)
        bug();
    out->len += room - z->avail_out;
    return NULL;
}

static void compress_close(void *state)
{
    deflateEnd(state);
    free(state);
}

static void *decompress_open(int level)
{
    z_stream *z = xcalloc(1, sizeof *z);
    int error = inflateInit2(z, GZIP_FORMAT);

    (void)level;
    if (error != Z_OK)
        no_zlib(error);
    return z;
}

/* RFC 1952: the last four bytes of a member are its length, modulo 2^32. */
static size_t decompress_size(const uint8_t *in, size_t n)
{
    return n >= 18 ? get_u32(in + n - 4) : 0;
}

static const char *decompress_run(void *state, const uint8_t *in, size_t n, size_t most, struct buf *out)
{
    z_stream *z = state;
    size_t room = decompress_size(in, n);

    if (room > most)
        return "it would be longer than a body may be";
    inflateReset(z);
    z->next_in = (Bytef *)in;
    z->avail_in = (uInt)n;
    z->next_out = buf_room(out, room + 1); /* one more, to see that there is not more */
    z->avail_out = (uInt)room + 1;
    int result = inflate(z, Z_FINISH);
    if (result == Z_MEM_ERROR)
        no_zlib(result);
    if (result != Z_STREAM_END || z->avail_out != 1)
        return "it is not a whole gzip member";
    if (z->avail_in > 0)
        return "something follows the gzip member";
    out->len += room;
    return NULL;
}

static void decompress_close(void *state)
{
    inflateEnd(state);
    free(state);
}

const struct codec gz_compress = {compress_open, compress_run, compress_close, compress_size};
const struct codec gz_decompress = {decompress_open, decompress_run, decompress_close, decompress_size};
