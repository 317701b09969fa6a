/* Tests of digest.h: the sum of rows, whatever their order and wherever bodies are cut, as lines or as
 * tuples; and the hash of bytes. */
#include "digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "unit.h"

static const char rows[] =
    "one\t1\n\ntwo \\N\na much longer row, so that it takes another way through the hash: "
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
    "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345\nx\n";
enum { ROWS = 5, BYTES = sizeof rows - 1 };

/* What the sum must be, from the one-shot function and 128-bit integers. */
static void expected(char out[DIGEST_TEXT_MAX])
{
    unsigned __int128 sum = 0;

    for (const char *s = rows; *s;) {
        const char *end = strchr(s, '\n') + 1;
        XXH128_hash_t h = XXH3_128bits(s, (size_t)(end - s));
        sum += (unsigned __int128)h.high64 << 64 | h.low64;
        s = end;
    }
    snprintf(out, DIGEST_TEXT_MAX, "xxh3-128-sum %016" PRIx64 "%016" PRIx64, (uint64_t)(sum >> 64),
             (uint64_t)sum);
}

static void check_digest(struct digest *d)
{
    char want[DIGEST_TEXT_MAX], got[DIGEST_TEXT_MAX];

    expected(want);
    CHECK_STR(digest_text(d, got), want);
    CHECK_U64(d->rows, ROWS);
    CHECK_U64(d->bytes, BYTES);
    digest_free(d);
}

static void whole_body(void)
{
    struct digest d;

    digest_begin(&d, DIGEST_ROWS);
    CHECK(digest_add(&d, rows, BYTES, false));
    check_digest(&d);
}

static void none(void)
{
    struct digest d;
    char text[DIGEST_TEXT_MAX];

    digest_begin(&d, DIGEST_ROWS);
    CHECK(digest_add(&d, "", 0, false));
    CHECK_STR(digest_text(&d, text), "xxh3-128-sum 00000000000000000000000000000000");
    CHECK_U64(d.rows, 0);
    digest_free(&d);
}

static void any_order(void)
{
    struct digest d;
    const char *start[ROWS + 1] = {rows};

    for (int i = 0; i < ROWS; i++)
        start[i + 1] = strchr(start[i], '\n') + 1;
    digest_begin(&d, DIGEST_ROWS);
    for (int i = 0; i < ROWS; i++) {
        int row = (i * 3 + 2) % ROWS;
        digest_row(&d, start[row], (size_t)(start[row + 1] - start[row]));
    }
    check_digest(&d);
}

/* MORE is set where the body ends within a row. */
static bool add_part(struct digest *d, size_t from, size_t to)
{
    return digest_add(d, rows + from, to - from, to > 0 && rows[to - 1] != '\n');
}

static void cut_anywhere(void)
{
    for (size_t a = 1; a < BYTES; a++) {
        for (size_t b = a; b < BYTES; b += 7) {
            struct digest d;
            unit_about("at %zu and %zu", a, b);
            digest_begin(&d, DIGEST_ROWS);
            CHECK(add_part(&d, 0, a));
            if (b > a)
                CHECK(add_part(&d, a, b));
            CHECK(add_part(&d, b, BYTES));
            check_digest(&d);
        }
    }
}

static void wrong_more(void)
{
    struct digest d;

    digest_begin(&d, DIGEST_ROWS);
    CHECK(!digest_add(&d, "half a row", 10, false));
    digest_free(&d);
    digest_begin(&d, DIGEST_ROWS);
    CHECK(!digest_add(&d, "a row\n", 6, true));
    digest_free(&d);
    digest_begin(&d, DIGEST_ROWS);
    CHECK(digest_add(&d, "half", 4, true));
    CHECK(!digest_add(&d, "", 0, false)); /* the rest is missing */
    digest_free(&d);
    digest_begin(&d, DIGEST_BYTES);
    CHECK(!digest_add(&d, "x", 1, true));
    digest_free(&d);
}

static void carry(void)
{
    XXH128_hash_t h = XXH3_128bits("x\n", 2);
    struct digest d, part;

    digest_begin(&d, DIGEST_ROWS);
    d.low = UINT64_MAX;
    d.high = 5;
    digest_row(&d, "x\n", 2);
    CHECK_U64(d.low, h.low64 - 1);
    CHECK_U64(d.high, 5 + h.high64 + 1);
    digest_begin(&part, DIGEST_ROWS);
    part.low = 1 - d.low; /* the sum is 2^64: a carry, and nothing below */
    part.low--;
    part.rows = 3;
    part.bytes = 10;
    uint64_t high = d.high;
    digest_merge(&d, &part);
    CHECK_U64(d.low, 0);
    CHECK_U64(d.high, high + 1);
    CHECK_U64(d.rows, 4);
    CHECK_U64(d.bytes, 12);
    part.low = 7;
    part.high = UINT64_MAX;
    digest_merge(&d, &part); /* no carry from below; the high half wraps */
    CHECK_U64(d.low, 7);
    CHECK_U64(d.high, high);
}

static void merged_parts(void)
{
    struct digest d, a, b;
    size_t cut = (size_t)(strchr(rows + 10, '\n') + 1 - rows);

    digest_begin(&d, DIGEST_ROWS);
    digest_begin(&a, DIGEST_ROWS);
    digest_begin(&b, DIGEST_ROWS);
    CHECK(digest_add(&b, rows + cut, BYTES - cut, false));
    CHECK(digest_add(&a, rows, cut, false));
    digest_merge(&d, &b);
    digest_merge(&d, &a);
    check_digest(&d);
}

static void finds(void)
{
    char text[DIGEST_TEXT_MAX], first[DIGEST_TEXT_MAX];
    static const char *const other[] = {"a\nc\n", "a\n", "a\nb\nb\n", "a\na\n", "ab\n\n", "a\n\nb\n"};
    struct digest d;

    digest_begin(&d, DIGEST_ROWS);
    digest_add(&d, "a\nb\n", 4, false);
    digest_text(&d, first);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        digest_begin(&d, DIGEST_ROWS);
        digest_add(&d, other[i], strlen(other[i]), false);
        CHECK(strcmp(digest_text(&d, text), first) != 0);
    }
}

static void of_bytes(void)
{
    struct digest d;
    char text[DIGEST_TEXT_MAX], want[DIGEST_TEXT_MAX];
    XXH128_hash_t h = XXH3_128bits(rows, BYTES);

    digest_begin(&d, DIGEST_BYTES);
    CHECK_STR(digest_text(&d, text),
              "xxh3-128 99aa06d3014798d86001c324468d497f"); /* xxHash's own value for nothing */
    snprintf(want, sizeof want, "xxh3-128 %016" PRIx64 "%016" PRIx64, (uint64_t)h.high64, (uint64_t)h.low64);
    for (size_t i = 0; i < BYTES; i++)
        CHECK(digest_add(&d, rows + i, 1, false));
    CHECK_STR(digest_text(&d, text), want);
    CHECK_U64(d.rows, 0);
    CHECK_U64(d.bytes, BYTES);
    digest_free(&d);
}

/* Four tuples: 1, alice; null; without fields; a long one, that holds newlines and what looks like a tuple.
 */
static const char tuples[] =
    "\0\2\0\0\0\4\0\0\0\1\0\0\0\5alice"
    "\0\1\xff\xff\xff\xff"
    "\0\0"
    "\0\2\0\0\1\x04\n\0\0\n0123456789012345678901234567890123456789012345678901234567890123"
    "4567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
    "89012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
    "\xff\xff\xff\xff";
static const size_t tuple_ends[] = {0, 19, 25, 27, sizeof tuples - 1};
enum { TUPLES = 4, TUPLE_BYTES = sizeof tuples - 1 };

static void expected_tuples(char out[DIGEST_TEXT_MAX])
{
    unsigned __int128 sum = 0;

    for (int i = 0; i < TUPLES; i++) {
        XXH128_hash_t h = XXH3_128bits(tuples + tuple_ends[i], tuple_ends[i + 1] - tuple_ends[i]);
        sum += (unsigned __int128)h.high64 << 64 | h.low64;
    }
    snprintf(out, DIGEST_TEXT_MAX, "xxh3-128-sum %016" PRIx64 "%016" PRIx64, (uint64_t)(sum >> 64),
             (uint64_t)sum);
}

static bool tuple_end(size_t at)
{
    for (int i = 0; i <= TUPLES; i++)
        if (tuple_ends[i] == at)
            return true;
    return false;
}

/* MORE is set where the body ends within a tuple. */
static bool add_tuple_part(struct digest *d, size_t from, size_t to)
{
    return digest_add(d, tuples + from, to - from, !tuple_end(to));
}

static void tuples_cut_anywhere(void)
{
    char want[DIGEST_TEXT_MAX], got[DIGEST_TEXT_MAX];

    expected_tuples(want);
    for (size_t a = 0; a <= TUPLE_BYTES; a++) {
        for (size_t b = a; b <= TUPLE_BYTES; b++) {
            struct digest d;
            unit_about("at %zu and %zu", a, b);
            digest_begin(&d, DIGEST_TUPLES);
            CHECK(add_tuple_part(&d, 0, a));
            CHECK(add_tuple_part(&d, a, b));
            CHECK(add_tuple_part(&d, b, TUPLE_BYTES));
            CHECK_STR(digest_text(&d, got), want);
            CHECK_U64(d.rows, TUPLES);
            CHECK_U64(d.bytes, TUPLE_BYTES);
            digest_free(&d);
        }
    }
}

/* The value in bk-stream(5). */
static void tuple_of_the_page(void)
{
    struct digest d;
    char text[DIGEST_TEXT_MAX];

    digest_begin(&d, DIGEST_TUPLES);
    CHECK(digest_add(&d, tuples, tuple_ends[1], false));
    CHECK_STR(digest_text(&d, text), "xxh3-128-sum 95cab206a6bf174553d0fb9a07317105");
}

static void tuples_cut_wrongly(void)
{
    for (size_t a = 0; a <= TUPLE_BYTES; a++) {
        struct digest d;
        unit_about("at %zu", a);
        digest_begin(&d, DIGEST_TUPLES);
        CHECK(!digest_add(&d, tuples, a, tuple_end(a)));
        digest_free(&d);
        digest_begin(&d, DIGEST_TUPLES); /* and then nothing more comes */
        if (!tuple_end(a))
            CHECK(digest_add(&d, tuples, a, true) && !digest_add(&d, "", 0, false));
        digest_free(&d);
    }
}

static void no_tuples(void)
{
    static const char header[] = "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    struct digest d;
    char text[DIGEST_TEXT_MAX];

    digest_begin(&d, DIGEST_TUPLES);
    CHECK(!digest_add(&d, "\xff\xff", 2, false)); /* the trailer */
    digest_free(&d);
    digest_begin(&d, DIGEST_TUPLES);
    CHECK(!digest_add(&d, header, sizeof header - 1, false));
    digest_free(&d);
    digest_begin(&d, DIGEST_TUPLES);
    CHECK(!digest_add(&d, rows, BYTES, false));
    digest_free(&d);
    digest_begin(&d, DIGEST_TUPLES);
    CHECK(!digest_add(&d, "\0\1\xff\xff\xff\xfe", 6, false)); /* a length of -2 */
    digest_free(&d);
    digest_begin(&d, DIGEST_TUPLES);
    CHECK(digest_add(&d, "", 0, false));
    CHECK_STR(digest_text(&d, text), "xxh3-128-sum 00000000000000000000000000000000");
    CHECK_U64(d.rows, 0);
    digest_free(&d);
}

/* Each bit, where what comes out is still whole tuples. */
static void finds_in_tuples(void)
{
    char want[DIGEST_TEXT_MAX], got[DIGEST_TEXT_MAX], bytes[TUPLE_BYTES];
    int taken = 0;

    expected_tuples(want);
    for (size_t bit = 0; bit < 8 * TUPLE_BYTES; bit++) {
        struct digest d;
        unit_about("bit %zu", bit);
        memcpy(bytes, tuples, TUPLE_BYTES);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        digest_begin(&d, DIGEST_TUPLES);
        if (digest_add(&d, bytes, TUPLE_BYTES, false)) {
            CHECK(strcmp(digest_text(&d, got), want) != 0);
            taken++;
        }
        digest_free(&d);
    }
    CHECK(taken >= 8 * 260);
}

/* What was printed of each part, put together, is what is printed of the whole. */
static void parsed(void)
{
    static const char *const none[] = {"",
                                       "xxh3-128-sum",
                                       "xxh3-128-sum ",
                                       "xxh3-128-sum 3740c2ac3ee1a81c4c1c122e0d3d58a",
                                       "xxh3-128-sum 3740c2ac3ee1a81c4c1c122e0d3d58a5 ",
                                       "xxh3-128-sum 3740C2ac3ee1a81c4c1c122e0d3d58a5",
                                       "xxh3-128 3740c2ac3ee1a81c4c1c122e0d3d58a5",
                                       "xxh3-128-sum  3740c2ac3ee1a81c4c1c122e0d3d58a5"};
    struct digest one, two;
    char text[DIGEST_TEXT_MAX];

    CHECK(digest_parse("xxh3-128-sum fe44829ede6859f893f82f0dcafbdc8e", &one));
    CHECK_STR(digest_text(&one, text), "xxh3-128-sum fe44829ede6859f893f82f0dcafbdc8e");
    CHECK(digest_parse("xxh3-128-sum 38fc400d60794e23b823e32042417c17", &two));
    digest_merge(&one, &two);
    CHECK_STR(digest_text(&one, text), "xxh3-128-sum 3740c2ac3ee1a81c4c1c122e0d3d58a5");
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        unit_about("%zu", i);
        CHECK(!digest_parse(none[i], &one));
    }
}

int main(void)
{
    RUN(whole_body);
    RUN(none);
    RUN(any_order);
    RUN(cut_anywhere);
    RUN(wrong_more);
    RUN(carry);
    RUN(merged_parts);
    RUN(finds);
    RUN(of_bytes);
    RUN(tuples_cut_anywhere);
    RUN(tuple_of_the_page);
    RUN(tuples_cut_wrongly);
    RUN(no_tuples);
    RUN(finds_in_tuples);
    RUN(parsed);
    return unit_end();
}
