/* Tests of tuple.h: where a tuple ends, wherever its bytes are cut; and what is none. */
#include "tuple.h"

#include <string.h>

#include "unit.h"

/* A tuple: its bytes, as a string whose last 00 does not count. */
#define TUPLE(bytes)                                                                                         \
    {                                                                                                        \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                          \
    }
static const struct {
    const uint8_t *bytes;
    size_t n;
} tuples[] = {
    TUPLE("\0\0"),                                       /* no field */
    TUPLE("\0\1\xff\xff\xff\xff"),                       /* null */
    TUPLE("\0\1\0\0\0\0"),                               /* an empty value */
    TUPLE("\0\1\0\0\0\1\xff"),                           /* a value that looks like a trailer's half */
    TUPLE("\0\2\0\0\0\4\0\0\0\1\0\0\0\5alice"),          /* 1, alice */
    TUPLE("\0\3\0\0\0\2\xff\xff\xff\xff\xff\xff\0\0\0"), /* a value like a trailer, null; cut: see below */
};
enum { TUPLES = sizeof tuples / sizeof tuples[0] - 1 }; /* all but the last, which goes on */

static void whole(void)
{
    for (size_t i = 0; i < TUPLES; i++) {
        struct tuple t = {0}, fresh = {0};
        size_t used = 0;
        unit_about("tuple %zu", i);
        CHECK(tuple_read(&t, tuples[i].bytes, tuples[i].n, &used) == TUPLE_WHOLE);
        CHECK_U64(used, tuples[i].n);
        CHECK(memcmp(&t, &fresh, sizeof t) == 0);
    }
}

static void goes_on(void)
{
    for (size_t i = 0; i <= TUPLES; i++) {
        size_t all = tuples[i].n - (i < TUPLES);
        for (size_t n = 1; n <= all; n++) {
            struct tuple t = {0};
            size_t used = 0;
            unit_about("tuple %zu, %zu bytes", i, n);
            CHECK(tuple_read(&t, tuples[i].bytes, n, &used) == TUPLE_OPEN);
            CHECK_U64(used, n);
        }
    }
}

/* Byte by byte, and in two pieces with something behind. */
static void in_pieces(void)
{
    for (size_t i = 0; i < TUPLES; i++) {
        struct tuple t = {0};
        struct buf b = {0};
        size_t used = 0;
        buf_add(&b, tuples[i].bytes, tuples[i].n);
        buf_adds(&b, "behind");
        unit_about("tuple %zu", i);
        for (size_t at = 0; at < tuples[i].n; at++)
            CHECK(tuple_read(&t, b.data + at, 1, &used) == (at + 1 < tuples[i].n ? TUPLE_OPEN : TUPLE_WHOLE));
        for (size_t cut = 1; cut < tuples[i].n; cut++) {
            CHECK(tuple_read(&t, b.data, cut, &used) == TUPLE_OPEN);
            CHECK(tuple_read(&t, b.data + cut, b.len - cut, &used) == TUPLE_WHOLE);
            CHECK_U64(used, tuples[i].n - cut);
        }
        buf_free(&b);
    }
}

static void bad(void)
{
    static const struct {
        const char *bytes;
        size_t n;
    } none[] = {
        {"\xff\xff", 2},                   /* the trailer */
        {"\x80\x00", 2},                   /* the lowest number of fields */
        {"\0\1\xff\xff\xff\xfe", 6},       /* a length of -2 */
        {"\0\1\x80\0\0\0", 6},             /* the lowest */
        {"\0\2\0\0\0\1x\xff\xff\0\0", 11}, /* in a later field */
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        for (size_t cut = 1; cut <= none[i].n; cut++) {
            struct tuple t = {0};
            const uint8_t *bytes = (const uint8_t *)none[i].bytes;
            enum tuple_state state;
            size_t used;
            unit_about("%zu, cut at %zu", i, cut);
            state = tuple_read(&t, bytes, cut, &used);
            if (cut < none[i].n) {
                CHECK(state == TUPLE_OPEN);
                state = tuple_read(&t, bytes + cut, none[i].n - cut, &used);
            }
            CHECK(state == TUPLE_BAD);
        }
    }
}

/* The highest numbers that there can be. */
static void limits(void)
{
    static const uint8_t fields[] = {0x7f, 0xff}, length[] = {0, 1, 0x7f, 0xff, 0xff, 0xff};
    static uint8_t much[1 << 20];
    struct tuple t = {0};
    size_t used = 0;
    uint64_t at = 0;

    CHECK(tuple_read(&t, fields, 2, &used) == TUPLE_OPEN);
    for (int i = 0; i < INT16_MAX; i++)
        CHECK(tuple_read(&t, (const uint8_t *)"\xff\xff\xff\xff", 4, &used) ==
              (i < INT16_MAX - 1 ? TUPLE_OPEN : TUPLE_WHOLE));
    CHECK(tuple_read(&t, length, sizeof length, &used) == TUPLE_OPEN);
    while (tuple_read(&t, much, sizeof much, &used) == TUPLE_OPEN)
        at += used;
    CHECK_U64(at + used, INT32_MAX);
}

static void header_and_trailer(void)
{
    CHECK_BYTES(copy_header, COPY_HEADER_BYTES, "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);
    CHECK_BYTES(copy_trailer, COPY_TRAILER_BYTES, "\xff\xff", 2);
}

int main(void)
{
    RUN(whole);
    RUN(goes_on);
    RUN(in_pieces);
    RUN(bad);
    RUN(limits);
    RUN(header_and_trailer);
    return unit_end();
}
