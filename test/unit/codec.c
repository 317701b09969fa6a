/* Tests of gz.h and zst.h: round trips of all sizes, and what the decoders refuse. */
#include "codec.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "gz.h"
#include "rng.h"
#include "unit.h"
#include "zst.h"

static const struct {
    const char *name;
    const struct codec *to, *from;
    int most_level;
} codecs[] = {{"gz", &gz_compress, &gz_decompress, 9}, {"zst", &zst_compress, &zst_decompress, 19}};
enum { CODECS = 2 };

static const char *run(const struct codec *c, int level, const uint8_t *in, size_t n, size_t most,
                       struct buf *out)
{
    void *state = c->open(level);
    const char *wrong = c->run(state, in, n, most, out);

    c->close(state);
    return wrong;
}

static void compress(int codec, int level, const void *in, size_t n, struct buf *out)
{
    out->len = 0;
    CHECK(run(codecs[codec].to, level, in, n, FRAME_MAX_BODY, out) == NULL);
    CHECK(out->len <= codecs[codec].to->size(in, n));
}

/* What is wrong with it, or NULL; then `out` holds what it was. */
static const char *decompress(int codec, const struct buf *in, size_t n, size_t most, struct buf *out)
{
    uint8_t *exact = xmalloc(n); /* so that the address sanitizer sees a read behind the end */

    if (n > 0)
        memcpy(exact, in->data, n);
    out->len = 0;
    const char *wrong = run(codecs[codec].from, 0, exact, n, most, out);
    CHECK(out->len <= most);
    free(exact);
    return wrong;
}

static void round_trip(int codec, int level, const uint8_t *plain, size_t n)
{
    struct buf coded = {0}, back = {0};

    compress(codec, level, plain, n, &coded);
    size_t size = codecs[codec].from->size(coded.data, coded.len);
    CHECK_U64(size, n); /* foretold, so that memory can be bounded */
    CHECK_STR(decompress(codec, &coded, coded.len, FRAME_MAX_BODY, &back), NULL);
    CHECK_BYTES(back.data, back.len, plain, n);
    if (n > 0)
        CHECK(decompress(codec, &coded, coded.len, n - 1, &back) != NULL); /* one byte more than is allowed */
    buf_free(&coded);
    buf_free(&back);
}

enum kind { TEXT, NOISE, ZEROS };

static uint8_t *make_plain(enum kind kind, size_t n)
{
    uint64_t state = 3;
    uint8_t *p = xcalloc(n + 1, 1);

    if (kind == NOISE)
        rng_bytes(&state, p, n);
    for (size_t i = 0; kind == TEXT && i < n; i++)
        p[i] = "abcdefgh\t\n"[rng_below(&state, 10)];
    return p;
}

static void sizes(void)
{
    static const size_t size[] = {
        0, 1, 2, 3, 10, 255, 256, 257, 4095, 65535, 65536, 131073, (1 << 20) - 1, 1 << 20, (1 << 20) + 1};

    for (int codec = 0; codec < CODECS; codec++) {
        for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
            for (enum kind kind = TEXT; kind <= ZEROS; kind++) {
                unit_about("%s, %zu bytes of kind %d", codecs[codec].name, size[i], (int)kind);
                uint8_t *p = make_plain(kind, size[i]);
                round_trip(codec, 3, p, size[i]);
                free(p);
            }
        }
    }
}

/* The most that a body can be; and that what sources write fits when it does not get smaller. */
static void largest(void)
{
    for (int codec = 0; codec < CODECS; codec++) {
        unit_about("%s", codecs[codec].name);
        uint8_t *p = make_plain(TEXT, FRAME_MAX_BODY + 1);
        struct buf coded = {0}, back = {0};
        round_trip(codec, 1, p, FRAME_MAX_BODY);
        compress(codec, 1, p, FRAME_MAX_BODY + 1, &coded);
        CHECK(decompress(codec, &coded, coded.len, FRAME_MAX_BODY, &back) != NULL);
        free(p);
        p = make_plain(NOISE, FRAME_MAX_SOURCE);
        compress(codec, 1, p, FRAME_MAX_SOURCE, &coded);
        CHECK(coded.len < FRAME_MAX_BODY);
        CHECK(codecs[codec].to->size(p, FRAME_MAX_SOURCE) < FRAME_MAX_BODY);
        free(p);
        buf_free(&coded);
        buf_free(&back);
    }
}

/* Phrases of many lengths, that come again far behind: a better search finds more of them. */
static uint8_t *make_repeats(size_t n)
{
    uint64_t state = 4;
    uint8_t *p = make_plain(TEXT, n);

    for (size_t at = 2000; at + 200 < n; at += rng_below(&state, 100) + 60)
        memcpy(p + at, p + rng_below(&state, at - 200), rng_below(&state, 60) + 4);
    return p;
}

static void levels(void)
{
    uint8_t *text = make_repeats(50000), *noise = make_plain(NOISE, 100000);

    for (int codec = 0; codec < CODECS; codec++) {
        struct buf fast = {0}, small = {0};
        for (int level = 1; level <= codecs[codec].most_level; level++) {
            unit_about("%s, level %d", codecs[codec].name, level);
            round_trip(codec, level, text, 50000);
            round_trip(codec, level, noise, 100000);
        }
        compress(codec, 1, text, 50000, &fast);
        compress(codec, codecs[codec].most_level, text, 50000, &small);
        CHECK(small.len < fast.len); /* the level arrives */
        buf_free(&fast);
        buf_free(&small);
    }
    free(text);
    free(noise);
}

static const char words[] = "a few words, a few words, and one that is not among the few: xylophone\n";

static void truncated(void)
{
    for (int codec = 0; codec < CODECS; codec++) {
        struct buf coded = {0}, back = {0};
        compress(codec, 6, words, sizeof words - 1, &coded);
        for (size_t n = 0; n < coded.len; n++) {
            unit_about("%s at %zu", codecs[codec].name, n);
            CHECK(decompress(codec, &coded, n, FRAME_MAX_BODY, &back) != NULL);
        }
        CHECK(decompress(codec, &coded, coded.len, FRAME_MAX_BODY, &back) == NULL);
        buf_free(&coded);
        buf_free(&back);
    }
}

/* A body is one member, one frame: nothing behind it, be it another, an empty one, or one byte. */
static void something_behind(void)
{
    for (int codec = 0; codec < CODECS; codec++) {
        struct buf first = {0}, second = {0}, both = {0}, back = {0};
        compress(codec, 6, words, sizeof words - 1, &first);
        for (size_t n = 0; n < sizeof words; n += sizeof words - 1) {
            unit_about("%s, then %zu bytes", codecs[codec].name, n);
            compress(codec, 6, words, n, &second);
            both.len = 0;
            buf_add(&both, first.data, first.len);
            buf_add(&both, second.data, second.len);
            CHECK(decompress(codec, &both, both.len, FRAME_MAX_BODY, &back) != NULL);
        }
        for (int byte = 0; byte < 256; byte++) {
            unit_about("%s, then byte %02x", codecs[codec].name, (unsigned)byte);
            both.len = first.len;
            buf_addc(&both, (char)byte);
            CHECK(decompress(codec, &both, both.len, FRAME_MAX_BODY, &back) != NULL);
        }
        buf_free(&first);
        buf_free(&second);
        buf_free(&both);
        buf_free(&back);
    }
}

/* A few bytes that say they are 4 GiB: refused before memory is taken. */
static void huge_claims(void)
{
    static const uint8_t zst_4g[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0,    0,    0,    1,    0,    0};
    static const uint8_t zst_8e[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0x7f, 1,    0,    0};
    struct buf coded = {0}, back = {0};

    compress(0, 6, words, sizeof words - 1, &coded);
    put_u32(coded.data + coded.len - 4, UINT32_MAX);
    CHECK(decompress(0, &coded, coded.len, FRAME_MAX_BODY, &back) != NULL);
    CHECK_U64(back.cap, 0);
    for (int wrong = -1; wrong <= 1; wrong += 2) { /* and a length that is not what comes out */
        put_u32(coded.data + coded.len - 4, (uint32_t)((int)sizeof words - 1 + wrong));
        CHECK(decompress(0, &coded, coded.len, FRAME_MAX_BODY, &back) != NULL);
    }
    buf_free(&back);
    coded.len = 0;
    buf_add(&coded, zst_4g, sizeof zst_4g);
    CHECK(decompress(1, &coded, coded.len, FRAME_MAX_BODY, &back) != NULL);
    coded.len = 0;
    buf_add(&coded, zst_8e, sizeof zst_8e);
    CHECK(decompress(1, &coded, coded.len, FRAME_MAX_BODY, &back) != NULL);
    CHECK_U64(back.cap, 0);
    buf_free(&coded);
    buf_free(&back);
}

/* A bomb: 16 MiB of zeros in few bytes, where 1 MiB is allowed. Memory stays near what is allowed. */
static void bombs(void)
{
    uint8_t *p = make_plain(ZEROS, FRAME_MAX_BODY);

    for (int codec = 0; codec < CODECS; codec++) {
        struct buf coded = {0}, back = {0};
        unit_about("%s", codecs[codec].name);
        compress(codec, 6, p, FRAME_MAX_BODY, &coded);
        CHECK(coded.len < 100000);
        if (codec == 0) /* gzip's own claim is at the end: a lie is found out */
            put_u32(coded.data + coded.len - 4, 10);
        CHECK(decompress(codec, &coded, coded.len, 1 << 20, &back) != NULL);
        CHECK(back.cap <= (1 << 20) + 64);
        buf_free(&coded);
        buf_free(&back);
    }
    free(p);
}

static void not_coded(void)
{
    /* A raw deflate stream, zlib's format, a skippable zstd frame, a frame of zstd 0.7, and the other
     * codec's. */
    static const uint8_t raw[] = {0x4b, 0x04, 0x00},
                         zlib[] = {0x78, 0x9c, 0x4b, 0x04, 0x00, 0x00, 0x62, 0x00, 0x62},
                         skip[] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'},
                         old[] = {0x27, 0xb5, 0x2f, 0xfd, 0x24, 0x01, 0x40, 0x00, 0x00, 'a'};
    static const struct {
        const uint8_t *bytes;
        size_t n;
    } t[] = {{raw, sizeof raw}, {zlib, sizeof zlib}, {skip, sizeof skip}, {old, sizeof old}};
    struct buf coded = {0}, back = {0};

    for (int codec = 0; codec < CODECS; codec++) {
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
            unit_about("%s, %zu", codecs[codec].name, i);
            coded.len = 0;
            buf_add(&coded, t[i].bytes, t[i].n);
            CHECK(decompress(codec, &coded, coded.len, FRAME_MAX_BODY, &back) != NULL);
        }
        compress(!codec, 1, words, sizeof words - 1, &coded);
        CHECK(decompress(codec, &coded, coded.len, FRAME_MAX_BODY, &back) != NULL);
    }
    buf_free(&coded);
    buf_free(&back);
}

/* A worker's state goes on after a bad body, and adds to what is in `out`. */
/* zstd --long makes windows above what the format allows; a descriptor (RFC 8878, 3.1.1.1.2) says how large.
 */
static void windows(void)
{
    static const struct {
        uint8_t descriptor;
        bool right;
    } t[] = {
        {14 << 3, true}, {14 << 3 | 1, false}, {17 << 3, false}, {13 << 3 | 7, true}, {31 << 3 | 7, false}};

    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0, t[i].descriptor, 1 << 3 | 1, 0, 0, 'x'};
        struct buf out = {0};
        void *state = zst_decompress.open(0);
        unit_about("descriptor %02x", t[i].descriptor);
        const char *wrong = zst_decompress.run(state, frame, sizeof frame, 1 << 24, &out);
        CHECK((wrong == NULL) == t[i].right);
        CHECK_U64(out.len, t[i].right ? 1 : 0);
        zst_decompress.close(state);
        buf_free(&out);
    }
}

static void state_goes_on(void)
{
    for (int codec = 0; codec < CODECS; codec++) {
        struct buf coded = {0}, out = {0};
        unit_about("%s", codecs[codec].name);
        compress(codec, 6, words, sizeof words - 1, &coded);
        void *state = codecs[codec].from->open(0);
        buf_adds(&out, "<");
        CHECK(codecs[codec].from->run(state, coded.data, coded.len / 2, FRAME_MAX_BODY, &out) != NULL);
        out.len = 1;
        CHECK(codecs[codec].from->run(state, coded.data, coded.len, FRAME_MAX_BODY, &out) == NULL);
        CHECK(out.len == sizeof words && out.data[0] == '<' &&
              memcmp(out.data + 1, words, sizeof words - 1) == 0);
        codecs[codec].from->close(state);
        buf_free(&coded);
        buf_free(&out);
    }
}

int main(void)
{
    RUN(sizes);
    RUN(largest);
    RUN(levels);
    RUN(truncated);
    RUN(something_behind);
    RUN(huge_claims);
    RUN(bombs);
    RUN(not_coded);
    RUN(windows);
    RUN(state_goes_on);
    return unit_end();
}
