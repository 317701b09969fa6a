/* The compressors. The first byte chooses: bit 0 gz or zst, bit 1 decode (else there and back), bits 2 to 4
 * the level. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "gz.h"
#include "zst.h"

enum { MOST = 1 << 16 };

static void decode(const struct codec *c, const uint8_t *bytes, size_t n)
{
    struct buf out = {0};
    void *state = c->open(0);

    buf_adds(&out, "<"); /* run() adds, and leaves alone what is there */
    const char *wrong = c->run(state, bytes, n, MOST, &out);
    MUST(out.data[0] == '<');
    MUST(out.len <= MOST + 1);
    MUST(out.cap <= MOST + 1000);
    if (!wrong && c->size(bytes, n) != SIZE_MAX)
        MUST(out.len - 1 == c->size(bytes, n));
    c->close(state);
    buf_free(&out);
}

static void there_and_back(const struct codec *to, const struct codec *from, int level, const uint8_t *bytes,
                           size_t n)
{
    struct buf coded = {0}, back = {0};
    void *state = to->open(level);

    MUST(to->run(state, bytes, n, 16 << 20, &coded) == NULL);
    MUST(coded.len <= to->size(bytes, n));
    to->close(state);
    state = from->open(0);
    MUST(from->run(state, coded.data, coded.len, n, &back) == NULL);
    MUST(back.len == n && (n == 0 || memcmp(back.data, bytes, n) == 0));
    from->close(state);
    buf_free(&coded);
    buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 1)
        return 0;
    bool zst = bytes[0] & 1;
    if (bytes[0] & 2)
        decode(zst ? &zst_decompress : &gz_decompress, bytes + 1, n - 1);
    else
        there_and_back(zst ? &zst_compress : &gz_compress, zst ? &zst_decompress : &gz_decompress,
                       (bytes[0] >> 2 & 7) + 1, bytes + 1, n - 1);
    return 0;
}
