/* Tests of rows.h: bodies of rows that came in binary, and messages that are not what COPY sends. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "tuple.h"
#include "unit.h"

/* Bodies, one after the other. */
struct got {
    struct buf bytes;
    uint64_t bodies, more, rows;
    struct digest sum;
};

static void put(void *ctx, struct chunk *c)
{
    struct got *g = ctx;

    buf_add(&g->bytes, c->body.data, c->body.len);
    g->bodies++;
    g->more += c->more;
    g->rows += c->digest.rows;
    digest_merge(&g->sum, &c->digest);
}

/* A message: the header, if so, and a tuple with one value of so many bytes. */
static void tuple(struct buf *b, bool header, size_t value)
{
    const uint8_t front[] = {
        0, 1, (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

    b->len = 0;
    if (header)
        buf_add(b, copy_header, sizeof copy_header);
    buf_add(b, front, sizeof front);
    memset(buf_room(b, value), 'x', value);
    b->len += value;
}

static void header_with_tuple(void)
{
    struct got g = {0};
    struct rows r = {.put = put, .ctx = &g, .binary = true};
    struct buf b = {0};

    digest_begin(&r.chunk.digest, DIGEST_ROWS);
    tuple(&b, true, 3);
    rows_add(&r, (char *)b.data, b.len);
    rows_add(&r, "\0\0", 2);
    rows_add(&r, (const char *)copy_trailer, sizeof copy_trailer);
    rows_end(&r);
    CHECK_BYTES(g.bytes.data, g.bytes.len, "\0\1\0\0\0\3xxx\0\0", 11);
    CHECK(g.bodies == 1 && g.more == 0 && g.rows == 2);
    buf_free(&g.bytes);
    buf_free(&b);
}

static void header_alone(void)
{
    struct got g = {0};
    struct rows r = {.put = put, .ctx = &g, .binary = true};
    struct buf b = {0};

    digest_begin(&r.chunk.digest, DIGEST_ROWS);
    rows_add(&r, (const char *)copy_header, sizeof copy_header);
    tuple(&b, false, 1);
    rows_add(&r, (char *)b.data, b.len);
    rows_add(&r, (const char *)copy_trailer, sizeof copy_trailer);
    rows_end(&r);
    CHECK_BYTES(g.bytes.data, g.bytes.len, "\0\1\0\0\0\1x", 7);
    buf_free(&g.bytes);
    buf_free(&b);
}

static void no_rows(void)
{
    struct got g = {0};
    struct rows r = {.put = put, .ctx = &g, .binary = true};
    struct buf b = {0};

    buf_add(&b, copy_header, sizeof copy_header);
    buf_add(&b, copy_trailer, sizeof copy_trailer);
    rows_add(&r, (char *)b.data, b.len);
    rows_end(&r);
    CHECK_U64(g.bodies, 0);
    buf_free(&b);
}

/* Of 1 MiB, and longer by a byte, with short ones around. */
static void long_tuples(void)
{
    static const size_t value[] = {5, BODY_BYTES - 6, BODY_BYTES - 5, 5};
    struct got g = {0};
    struct rows r = {.put = put, .ctx = &g, .binary = true};
    struct buf b = {0}, want = {0};

    digest_begin(&r.chunk.digest, DIGEST_ROWS);
    for (size_t i = 0; i < 4; i++) {
        tuple(&b, false, value[i]);
        buf_add(&want, b.data, b.len);
        tuple(&b, i == 0, value[i]);
        rows_add(&r, (char *)b.data, b.len);
    }
    rows_add(&r, (const char *)copy_trailer, sizeof copy_trailer);
    rows_end(&r);
    CHECK_BYTES(g.bytes.data, g.bytes.len, want.data, want.len);
    CHECK_U64(g.bodies, 5);
    CHECK_U64(g.more, 1);
    CHECK_U64(g.rows, 4);
    buf_free(&g.bytes);
    buf_free(&want);
    buf_free(&b);
}

/* The last of several has no bytes. */
struct message {
    const char *bytes;
    size_t n;
};

static void send_messages(void *arg)
{
    const struct message *m = arg;
    struct got g = {0};
    struct rows r = {.put = put, .ctx = &g, .binary = true};

    for (; m->bytes; m++)
        rows_add(&r, m->bytes, m->n);
    rows_end(&r);
}

#define HEADER "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"

static void not_copy(void)
{
    static struct message none[][4] = {
        {{"1\ttext\n", 7}},
        {{HEADER, 18}},
        {{"PGCOPY\n\xff\r\n\0\0\1\0\0\0\0\0\0\0\0", 21}}, /* a flag: with oids */
        {{HEADER "\0\0\0", 22}},                          /* a tuple, and more */
        {{HEADER "\0\0\xff\xff", 23}},                    /* the trailer in the same message */
        {{HEADER "\0\1\0\0\0\2x", 26}},                   /* not all of a tuple */
        {{HEADER "\0\1\xff\xff\xff\xfe", 25}},
        {{HEADER, 19}, {"\xff\xff", 2}, {"\0\0", 2}}, /* behind the trailer */
        {{HEADER, 19}, {"\xff", 1}},
        {{HEADER "\0\0", 21}, {"\0\0", 2}}, /* no trailer */
        {{NULL, 0}},
    };

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        unit_about("%zu", i);
        CHECK_CHILD(send_messages, none[i], 1, "what the server copies in binary ");
    }
}

/* Rows of every length, and the same digests; no bodies. */
static void digests_only(void)
{
    struct got g = {0};
    struct digest whole;
    struct rows r = {.put = put, .ctx = &g, .digests_only = true};
    char *row = xmalloc(3 * BODY_BYTES);

    digest_begin(&whole, DIGEST_ROWS);
    digest_begin(&r.chunk.digest, DIGEST_ROWS);
    for (size_t n = 1; n <= 3 * BODY_BYTES; n *= 3) {
        memset(row, 'x', n - 1);
        row[n - 1] = '\n';
        digest_row(&whole, row, n);
        rows_add(&r, row, n);
    }
    rows_end(&r);
    CHECK(g.bytes.len == 0 && g.more == 0 && g.bodies == 2);
    CHECK(g.sum.rows == whole.rows && g.sum.bytes == whole.bytes);
    CHECK(g.sum.low == whole.low && g.sum.high == whole.high);
    free(row);
}

int main(void)
{
    RUN(header_with_tuple);
    RUN(header_alone);
    RUN(no_rows);
    RUN(long_tuples);
    RUN(not_copy);
    RUN(digests_only);
    return unit_end();
}
