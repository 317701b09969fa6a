/* Tests of toc.h, with archives that mktoc.h writes: each version, and what is cut, flipped or untrue. */
#include "toc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "mktoc.h"
#include "unit.h"

static const int minors[] = {12, 13, 14, 15, 16};
static const struct {
    int ints, offsets;
} sizes[] = {{4, 8}, {8, 8}, {4, 4}, {8, 1}};

static const struct mktoc_entry samples[] = {
    {3, "2615", "16385", "shop", "SCHEMA", "", "bk", {NULL}},
    {1, "1259", "4294967295", "orders", "TABLE", "shop", "", {"3", "2147483647", "7"}},
    {2147483647, "0", "0", "TABLE odd \" \\ \xc3\xa9\n", "COMMENT", NULL, NULL, {"1"}},
    {200, "2606", "16390", "orders key", "FK CONSTRAINT", "shop", "bk", {"1", "1", "200"}},
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

static size_t make(int minor, int ints, int offsets, struct buf *out)
{
    struct mktoc m = {.minor = minor, .int_size = ints, .offset_size = offsets};

    for (size_t i = 0; i < SAMPLES; i++)
        mktoc_add(&m, &samples[i]);
    return mktoc_end(&m, out);
}

/* From memory that ends where the archive does, so that the address sanitizer sees a read behind it. */
static bool decode(struct toc *t, const void *bytes, size_t n)
{
    uint8_t *exact = xmalloc(n);

    if (n > 0)
        memcpy(exact, bytes, n);
    bool good = toc_decode(t, exact, n);
    free(exact);
    return good;
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

static void check_entry(const struct toc_entry *e, const struct mktoc_entry *want)
{
    CHECK_U64(e->id, want->id);
    CHECK_U64(e->catalog, strtoull(want->catalog, NULL, 10));
    CHECK_U64(e->oid, strtoull(want->oid, NULL, 10));
    CHECK_STR(e->type, want->type);
    CHECK_STR(e->name, want->name);
    CHECK_STR(e->schema, or_empty(want->schema));
    CHECK_STR(e->owner, or_empty(want->owner));
    for (size_t k = 0; k < e->need_count; k++)
        CHECK_U64(e->needs[k], strtoull(or_empty(want->needs[k]), NULL, 10));
    CHECK(want->needs[e->need_count] == NULL);
}

/* All is there, in its order; and each is found by its id. */
static void check_samples(const void *bytes, size_t n)
{
    struct toc t;

    CHECK(decode(&t, bytes, n));
    if (!unit_good())
        return;
    CHECK_U64(t.count, SAMPLES);
    for (size_t i = 0; i < t.count; i++) {
        check_entry(&t.entry[i], &samples[i]);
        CHECK(toc_find(&t, t.entry[i].id) == &t.entry[i]);
        CHECK(i == 0 || t.by_id[i]->id > t.by_id[i - 1]->id);
    }
    CHECK(toc_find(&t, 7) == NULL && toc_find(&t, 0) == NULL && toc_find(&t, -1) == NULL);
    toc_free(&t);
    CHECK(t.entry == NULL && t.count == 0);
}

static void each_version(void)
{
    for (size_t v = 0; v < sizeof minors / sizeof minors[0]; v++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct buf b = {0};
            unit_about("1.%d, integers of %d bytes, offsets of %d", minors[v], sizes[s].ints,
                       sizes[s].offsets);
            make(minors[v], sizes[s].ints, sizes[s].offsets, &b);
            check_samples(b.data, b.len);
            buf_adds(&b, "what follows is the data, and not looked at");
            check_samples(b.data, b.len);
            buf_free(&b);
        }
    }
}

static void no_entries(void)
{
    struct mktoc m = {0};
    struct buf b = {0};
    struct toc t;

    mktoc_end(&m, &b);
    CHECK(decode(&t, b.data, b.len));
    CHECK_U64(t.count, 0);
    CHECK(toc_find(&t, 1) == NULL);
    toc_free(&t);
    buf_free(&b);
}

static void cut_at_each_byte(void)
{
    for (size_t v = 0; v < sizeof minors / sizeof minors[0]; v++) {
        struct buf b = {0};
        struct toc t;
        make(minors[v], 4, 8, &b);
        for (size_t n = 0; n < b.len; n++) {
            unit_about("1.%d, %zu bytes of %zu", minors[v], n, b.len);
            CHECK(!decode(&t, b.data, n));
            CHECK(t.entry == NULL && t.count == 0);
        }
        buf_free(&b);
    }
}

/* What is taken holds what the header promises, whatever it means. */
static void check_any(const void *bytes, size_t n)
{
    struct toc t;

    if (!decode(&t, bytes, n))
        return;
    for (size_t i = 0; i < t.count; i++) {
        const struct toc_entry *e = &t.entry[i];
        CHECK(e->id > 0 && toc_find(&t, e->id) && toc_find(&t, e->id)->id == e->id);
        CHECK(e->need_count == 0 || e->needs[e->need_count - 1] >= 0);
        CHECK(strlen(e->type) + strlen(e->name) + strlen(e->schema) + strlen(e->owner) <= n);
        CHECK(i == 0 || t.by_id[i]->id >= t.by_id[i - 1]->id);
    }
    toc_free(&t);
}

static void each_bit_flipped(void)
{
    for (size_t v = 0; v < sizeof minors / sizeof minors[0]; v++) {
        struct buf b = {0};
        make(minors[v], v % 2 ? 8 : 4, 8, &b);
        for (size_t bit = 0; bit < b.len * 8; bit++) {
            unit_about("1.%d, bit %zu", minors[v], bit);
            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            check_any(b.data, b.len);
            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        buf_free(&b);
    }
}

/* One byte of the header, and what becomes of it. */
static void headers_that_are_refused(void)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } t[] = {
        {0, 'p'}, {4, 'Q'},           /* not PGDMP */
        {5, 0},   {5, 2},             /* version 2.14 */
        {6, 11},  {6, 17},  {6, 255}, /* too old, too new */
        {8, 3},   {8, 5},   {8, 0},   /* size of an integer */
        {9, 9},   {9, 255}, {10, 0},  /* size of an offset; the format is not known */
        {10, 3},  {10, 4},  {10, 5},  /* a tar, none at all, a folder */
    };

    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct buf b = {0};
        struct toc toc;
        unit_about("byte %zu is %d", t[i].at, t[i].byte);
        size_t at = make(14, 4, 8, &b);
        b.data[t[i].at] = t[i].byte;
        CHECK(!decode(&toc, b.data, b.len));
        struct buf before = {0};
        buf_add(&before, b.data, b.len);
        CHECK(!toc_set_time(b.data, b.len, "2026-11-22T02:17:00Z"));
        CHECK_BYTES(b.data, b.len, before.data, before.len);
        CHECK(at > 10);
        buf_free(&before);
        buf_free(&b);
    }
}

static bool takes(const struct mktoc_entry *e)
{
    struct mktoc m = {0};
    struct buf b = {0};
    struct toc t;

    mktoc_add(&m, e);
    mktoc_end(&m, &b);
    bool good = decode(&t, b.data, b.len);
    if (good)
        toc_free(&t);
    buf_free(&b);
    return good;
}

static void ids(void)
{
    static const int wrong[] = {0, -1, -2147483647};
    struct mktoc_entry e = {.id = 1, .name = "a", .type = "TABLE"};

    CHECK(takes(&e));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        unit_about("%d", wrong[i]);
        e.id = wrong[i];
        CHECK(!takes(&e));
    }
}

static void numbers_as_text(void)
{
    static const char *const wrong[] = {"",   "x",  "-1",         "1x",
                                        " 1", "01", "4294967296", "99999999999999999999"};
    static const char *const wrong_needs[] = {
        "",           "x",          "-1",          "1x",           "01",
        "2147483648", "4294967297", "10000000000", "100000000000", "18446744073709551617"};
    struct mktoc_entry e = {.id = 1, .name = "a", .type = "TABLE"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        unit_about("'%s'", wrong[i]);
        e.catalog = wrong[i];
        CHECK(!takes(&e));
        e.catalog = NULL;
        e.oid = wrong[i];
        CHECK(!takes(&e));
        e.oid = NULL;
    }
    for (size_t i = 0; i < sizeof wrong_needs / sizeof wrong_needs[0]; i++) {
        unit_about("it needs '%s'", wrong_needs[i]);
        e.needs[0] = wrong_needs[i];
        CHECK(!takes(&e));
    }
    e.needs[0] = "0"; /* of nothing that is there */
    CHECK(takes(&e));
}

/* Several of one id: one of them is found. */
static void ids_that_come_twice(void)
{
    struct mktoc m = {0};
    struct mktoc_entry e = {.id = 5, .name = "a", .type = "TABLE"};
    struct buf b = {0};
    struct toc t;

    mktoc_add(&m, &e);
    mktoc_add(&m, &e);
    mktoc_end(&m, &b);
    CHECK(decode(&t, b.data, b.len));
    CHECK(toc_find(&t, 5) != NULL);
    toc_free(&t);
    buf_free(&b);
}

/* Where the words stand in the archive. */
static uint8_t *find(struct buf *b, const char *words)
{
    size_t n = strlen(words);

    for (size_t i = 0; i + n <= b->len; i++)
        if (memcmp(b->data + i, words, n) == 0)
            return b->data + i;
    CHECK(!"the words are there");
    return b->data;
}

static void strings_with_nul(void)
{
    static const char *const kept[] = {"NAME", "TYPE", "SPACE", "OWNER"};
    const struct mktoc_entry e = {
        .id = 1, .name = "NAME", .type = "TYPE", .schema = "SPACE", .owner = "OWNER"};

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        for (size_t at = 0; at < 4; at += 3) {
            struct mktoc m = {0};
            struct buf b = {0};
            struct toc t;
            unit_about("%s, at %zu", kept[i], at);
            mktoc_add(&m, &e);
            mktoc_end(&m, &b);
            find(&b, kept[i])[at] = '\0';
            CHECK(!decode(&t, b.data, b.len));
            buf_free(&b);
        }
    }
}

/* A string that says it is longer than all that is left, or of no length at all. */
static void lengths_that_lie(void)
{
    static const int64_t lengths[] = {5000, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
                                      -2,   -0x7fffffff};
    static const char *const words[] = {"app",  "15.18", "orders", "TABLE",     "CREATE",
                                        "DROP", "heap",  "false",  "2147483647"};

    for (int ints = 4; ints <= 8; ints += 4) {
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
            for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
                struct mktoc m = {.int_size = ints};
                struct buf b = {0}, length = {0};
                struct toc t;
                unit_about("%s: %lld, integers of %d bytes", words[w], (long long)lengths[i], ints);
                make(14, ints, 8, &b);
                mktoc_int(&m, lengths[i], &length);
                memcpy(find(&b, words[w]) - length.len, length.data, length.len);
                CHECK(!decode(&t, b.data, b.len));
                buf_free(&length);
                buf_free(&b);
            }
        }
    }
}

/* With little memory: a count is not believed before there is something behind it. */
static void decode_counts(void *arg)
{
    static const int counts[] = {SAMPLES + 1, 20, 1000, 0x7fffffff, -1, -0x7fffffff};
    const struct rlimit little = {256 << 20, 256 << 20};

    (void)arg;
    if (!unit_sanitized())
        setrlimit(RLIMIT_AS, &little);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct mktoc m = {0};
        struct buf b = {0};
        struct toc t;
        for (size_t k = 0; k < SAMPLES; k++)
            mktoc_add(&m, &samples[k]);
        m.count = counts[i];
        mktoc_end(&m, &b);
        if (decode(&t, b.data, b.len))
            die(FAILED, "taken, with a count of %d", counts[i]);
        buf_free(&b);
    }
    exit(DONE_OK);
}

static void counts_that_lie(void)
{
    struct mktoc m = {0};
    struct buf b = {0};
    struct toc t;

    CHECK_CHILD(decode_counts, NULL, DONE_OK, "");
    for (size_t k = 0; k < SAMPLES; k++)
        mktoc_add(&m, &samples[k]);
    m.count = 2; /* fewer: what follows is not looked at */
    mktoc_end(&m, &b);
    CHECK(decode(&t, b.data, b.len));
    CHECK_U64(t.count, 2);
    toc_free(&t);
    buf_free(&b);
}

static void check_time(int minor, int ints, const char *created, const int parts[7])
{
    struct buf b = {0}, want = {0};
    struct mktoc m = {.int_size = ints};
    size_t at = make(minor, ints, 8, &b);

    unit_about("1.%d, integers of %d bytes, %s", minor, ints, created);
    buf_add(&want, b.data, at);
    for (int i = 0; i < 7; i++)
        mktoc_int(&m, parts[i], &want);
    buf_add(&want, b.data + want.len, b.len - want.len);
    CHECK(toc_set_time(b.data, b.len, created));
    CHECK_BYTES(b.data, b.len, want.data, want.len);
    buf_free(&want);
    buf_free(&b);
}

/* Parts as in struct tm: months from 0, years from 1900. */
static void times(void)
{
    for (size_t v = 0; v < sizeof minors / sizeof minors[0]; v++) {
        for (int ints = 4; ints <= 8; ints += 4) {
            check_time(minors[v], ints, "2026-11-22T02:17:09Z", (const int[]){9, 17, 2, 22, 10, 126, 0});
            check_time(minors[v], ints, "1000-01-01T23:59:00Z", (const int[]){0, 59, 23, 1, 0, -900, 0});
        }
    }
}

/* Only the header is looked at; and nothing is changed if it is not all there, or the time is none. */
static void times_that_cannot_be_set(void)
{
    static const char *const wrong[] = {"", "2026-11-22", "2026-11-22 02:17:00", "2026-11-22T02:17", "now"};
    struct buf b = {0}, before = {0};
    size_t at = make(14, 4, 8, &b), least = at + 7 * 5;

    buf_add(&before, b.data, b.len);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        unit_about("'%s'", wrong[i]);
        CHECK(!toc_set_time(b.data, b.len, wrong[i]));
        CHECK_BYTES(b.data, b.len, before.data, before.len);
    }
    for (size_t n = 0; n <= least; n++) {
        uint8_t *exact = xmalloc(n);
        unit_about("%zu bytes", n);
        memcpy(exact, b.data, n);
        CHECK(toc_set_time(exact, n, "2026-11-22T02:17:00Z") == (n == least));
        CHECK((memcmp(exact, b.data, n) == 0) == (n < least));
        free(exact);
    }
    buf_free(&before);
    buf_free(&b);
}

int main(void)
{
    RUN(each_version);
    RUN(no_entries);
    RUN(cut_at_each_byte);
    RUN(each_bit_flipped);
    RUN(headers_that_are_refused);
    RUN(ids);
    RUN(numbers_as_text);
    RUN(ids_that_come_twice);
    RUN(strings_with_nul);
    RUN(lengths_that_lie);
    RUN(counts_that_lie);
    RUN(times);
    RUN(times_that_cannot_be_set);
    return unit_end();
}
