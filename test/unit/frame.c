/* Tests of frame.h and crc.h: each byte of a header by hand, and CRC-32C against its published values. */
#include <string.h>

#include "crc.h"
#include "frame.h"
#include "mem.h"
#include "rng.h"
#include "unit.h"

/* A DATA frame with MORE, seq 0x0102030405060708, item 0x0a0b0c0d, part 0x11121314, body "123456789". The
 * last four bytes were computed by a program that shares no code with this one. */
static const uint8_t by_hand[FRAME_HEADER_BYTES] = {
    'D',  'A',  'T',  'A',                          /* 0 type */
    1,    0,    0,    0,                            /* 4 flags */
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* 8 seq */
    0x0d, 0x0c, 0x0b, 0x0a,                         /* 16 item */
    0x14, 0x13, 0x12, 0x11,                         /* 20 part */
    9,    0,    0,    0,                            /* 24 length */
    0x83, 0x92, 0x06, 0xe3,                         /* 28 CRC-32C of the body */
    0,    0,    0,    0,                            /* 32 reserved */
    0xe5, 0x41, 0x1c, 0xc7,                         /* 36 CRC-32C of all before */
};

static const struct frame in_words = {
    .type = FRAME_DATA,
    .flags = FRAME_MORE,
    .seq = 0x0102030405060708,
    .item = 0x0a0b0c0d,
    .part = 0x11121314,
    .length = 9,
    .crc = 0xe3069283,
};

static void encode(void)
{
    uint8_t header[FRAME_HEADER_BYTES];

    frame_encode(&in_words, "123456789", header);
    CHECK_BYTES(header, sizeof header, by_hand, sizeof by_hand);
}

static void decode(void)
{
    struct frame f;

    CHECK_U64(frame_decode(by_hand, &f), FRAME_OK);
    CHECK_U64(f.type, in_words.type);
    CHECK_U64(f.flags, in_words.flags);
    CHECK_U64(f.seq, in_words.seq);
    CHECK_U64(f.item, in_words.item);
    CHECK_U64(f.part, in_words.part);
    CHECK_U64(f.length, in_words.length);
    CHECK_U64(f.crc, in_words.crc);
}

/* The header by hand with one field changed, and its CRC put right. */
static enum frame_err with(size_t at, uint32_t value)
{
    uint8_t header[FRAME_HEADER_BYTES];
    struct frame f;

    memcpy(header, by_hand, sizeof header);
    put_u32(header + at, value);
    put_u32(header + 36, crc32c(header, 36));
    return frame_decode(header, &f);
}

static void refused(void)
{
    static const uint8_t no_type[][4] = {{' ', 'A', 'T', 'A'}, {'1', 'A', 'T', 'A'},  {'D', '1', 'T', 'A'},
                                         {'D', 'A', 0, 'A'},   {'D', 'A', 'T', 0xc4}, {'D', '\n', 'T', 'A'},
                                         {'D', '[', 'T', 'A'}, {'`', 'A', 'T', 'A'},  {'@', 'A', 'T', 'A'}};
    static const uint8_t a_type[][4] = {{'a', ' ', ' ', ' '}, {'Z', 'z', 'A', 'a'}};

    for (size_t i = 0; i < sizeof no_type / sizeof no_type[0]; i++)
        CHECK_U64(with(0, get_u32(no_type[i])), FRAME_BAD_TYPE);
    for (size_t i = 0; i < sizeof a_type / sizeof a_type[0]; i++)
        CHECK_U64(with(0, get_u32(a_type[i])), FRAME_OK);
    for (int bit = 0; bit < 32; bit++) {
        unit_about("bit %d", bit);
        CHECK_U64(with(4, (uint32_t)1 << bit), bit == 0 ? FRAME_OK : FRAME_BAD_FLAGS);
        CHECK_U64(with(32, (uint32_t)1 << bit), FRAME_BAD_RESERVED);
    }
    CHECK_U64(with(24, 16 << 20), FRAME_OK);
    CHECK_U64(with(24, (16 << 20) + 1), FRAME_TOO_LONG);
    CHECK_U64(with(24, UINT32_MAX), FRAME_TOO_LONG);
}

static void header_bits(void)
{
    for (size_t bit = 0; bit < FRAME_HEADER_BYTES * 8; bit++) {
        uint8_t header[FRAME_HEADER_BYTES];
        struct frame f;
        unit_about("bit %zu", bit);
        memcpy(header, by_hand, sizeof header);
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK_U64(frame_decode(header, &f), FRAME_BAD_CRC);
    }
}

static void names(void)
{
    char name[5];

    CHECK_STR(frame_type_name(FRAME_END, name), "END ");
    CHECK_STR(frame_type_name(FRAME_SUMS, name), "sums");
    CHECK(frame_numbered(FRAME_HEAD) && frame_numbered(FRAME_TYPE('Z', 'z', 'z', 'z')));
    CHECK(!frame_numbered(FRAME_SUMS) && !frame_numbered(FRAME_TYPE('a', 'A', 'A', 'A')));
}

/* RFC 3720, appendix B.4, and the check value of the CRC catalogues. */
static void crc_published(void)
{
    uint8_t up[32], down[32], zeros[32] = {0}, ones[32];

    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) {
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    uint32_t (*const crc[])(const void *, size_t) = {crc32c, crc32c_portable};
    for (int i = 0; i < 2; i++) {
        CHECK_U64(crc[i]("123456789", 9), 0xe3069283);
        CHECK_U64(crc[i](zeros, 32), 0x8a9136aa);
        CHECK_U64(crc[i](ones, 32), 0x62a8ab43);
        CHECK_U64(crc[i](up, 32), 0x46dd794e);
        CHECK_U64(crc[i](down, 32), 0x113fdb5c);
        CHECK_U64(crc[i]("", 0), 0);
    }
}

static void crc_both_ways(void)
{
    static uint8_t bytes[5000];
    uint64_t state = 1;

    rng_bytes(&state, bytes, sizeof bytes);
    for (size_t n = 0; n < 70; n++)
        for (size_t at = 0; at < 9; at++)
            CHECK_U64(crc32c(bytes + at, n), crc32c_portable(bytes + at, n));
    for (int i = 0; i < 2000; i++) {
        size_t at = rng_below(&state, 64), n = rng_below(&state, sizeof bytes - at);
        unit_about("%zu bytes at %zu", n, at);
        CHECK_U64(crc32c(bytes + at, n), crc32c_portable(bytes + at, n));
    }
}

int main(void)
{
    RUN(encode);
    RUN(decode);
    RUN(refused);
    RUN(header_bits);
    RUN(names);
    RUN(crc_published);
    RUN(crc_both_ways);
    return unit_end();
}
