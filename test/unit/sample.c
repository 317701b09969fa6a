#include "sample.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "digest.h"
#include "fields.h"
#include "frame.h"
#include "gz.h"
#include "head.h"
#include "rng.h"
#include "stream.h"
#include "sums.h"
#include "zst.h"

enum { FIRST_TABLE = 3 }; /* item 1 is the database, 2 the schema */

struct total {
    struct digest digest;
    uint64_t frames;
};

/* A stream that is being made. */
struct making {
    const struct sample *s;
    struct buf *out;
    struct head head;
    struct sums *sums; /* NULL: none */
    size_t start;      /* the first byte after HEAD, in out */
    uint64_t seq;
    uint32_t items;
    struct total *total; /* of item n at n - 1 */
};

static void put_bare(struct making *m, struct frame f, const void *body)
{
    uint8_t header[FRAME_HEADER_BYTES];

    f.seq = m->seq;
    frame_encode(&f, body, header);
    buf_add(m->out, header, sizeof header);
    buf_add(m->out, body, f.length);
    m->seq += frame_numbered(f.type);
}

static void put_sums(struct making *m, const struct buf *body)
{
    put_bare(m, (struct frame){.type = FRAME_SUMS, .length = (uint32_t)body->len}, body->data);
}

static void put_leaf(struct making *m)
{
    struct buf leaf = {0};

    sums_leaf(m->sums, m->seq, m->out->len - m->start, &leaf);
    put_sums(m, &leaf);
    buf_free(&leaf);
}

static void put(struct making *m, uint32_t type, uint32_t flags, uint32_t item, uint32_t part,
                const struct buf *body)
{
    struct frame f = {.type = type,
                      .flags = flags,
                      .seq = m->seq,
                      .item = item,
                      .part = part,
                      .length = (uint32_t)body->len};

    if (m->s->lower)
        put_bare(m, (struct frame){.type = FRAME_TYPE('x', 't', 'r', 'a'), .length = 6}, "so so\n");
    if (m->sums && type != FRAME_END) {
        if (sums_leaf_full(m->sums))
            put_leaf(m);
        sums_add(m->sums, &f, body->data, m->out->len - m->start);
    }
    put_bare(m, f, body->data);
}

static void put_fields(struct making *m, uint32_t type, uint32_t item, struct fields *fields)
{
    struct buf body = {0};

    fields_encode(fields, &body);
    put(m, type, 0, item, 0, &body);
    buf_free(&body);
    fields_free(fields);
}

static void put_head(struct making *m)
{
    const struct sample *s = m->s;
    struct buf body = {0};
    uint64_t seed = s->seed, high = rng_next(&seed), low = rng_next(&seed);
    struct fields *h = &m->head.fields;

    fields_add(h, "format", s->format ? s->format : "1");
    fields_addf(h, "id", "%016" PRIx64 "%016" PRIx64, high, low);
    fields_add(h, "kind", s->kind ? s->kind : "backup");
    fields_add(h, "created", "2026-01-02T03:04:05Z");
    if (!s->label || *s->label)
        fields_add(h, "label", s->label ? s->label : "sample");
    fields_add(h, "tag", "why=test");
    fields_add(h, "made-by", "mkstream 1");
    fields_add(h, "host", "nowhere");
    fields_add(h, "x-unknown", "goes on as it is: \\ \t \xe9 \xc3\xa4");
    if (s->step)
        fields_add(h, "step", s->step);
    head_encode(&m->head, &body);
    buf_add(m->out, frame_magic, MAGIC_BYTES);
    put_bare(m, (struct frame){.type = FRAME_HEAD, .length = (uint32_t)body.len}, body.data);
    m->start = m->out->len;
    if (s->sums)
        m->sums = sums_open(&m->head);
    buf_free(&body);
}

static void put_item(struct making *m, enum digest_kind kind, struct fields *fields)
{
    m->total = xrealloc(m->total, m->items + 1, sizeof m->total[0]);
    m->total[m->items] = (struct total){0};
    digest_begin(&m->total[m->items++].digest, kind);
    put_fields(m, FRAME_ITEM, m->items, fields);
}

static void put_items(struct making *m)
{
    struct fields f = {0};

    fields_add(&f, "type", "database");
    fields_add(&f, "name", "sample");
    fields_add(&f, "server-version", "15.18");
    fields_add(&f, "server-version-num", "150018");
    fields_add(&f, "encoding", "UTF8");
    put_item(m, DIGEST_BYTES, &f);
    fields_add(&f, "type", "schema");
    fields_add(&f, "format", "pg_dump custom");
    fields_add(&f, "made-with", "pg_dump 15.18");
    put_item(m, DIGEST_BYTES, &f);
    for (int i = 0; i < m->s->tables; i++) {
        fields_add(&f, "type", "table");
        fields_add(&f, "schema", "public");
        fields_addf(&f, "name", "t%d", i);
        fields_addf(&f, "oid", "%d", 16385 + i);
        fields_add(&f, "persistence", "permanent");
        bool binary = i == 0 && m->s->binary;
        if (binary)
            fields_add(&f, "format", "binary");
        fields_add(&f, "parts", i == 0 ? "2" : "1");
        fields_add(&f, "column", "id");
        fields_add(&f, "column-type", "bigint");
        fields_add(&f, "column", "words");
        fields_add(&f, "column-type", "text");
        put_item(m, binary ? DIGEST_TUPLES : DIGEST_ROWS, &f);
    }
    fields_add(&f, "type", "sequences");
    put_item(m, DIGEST_ROWS, &f);
}

/* A DATA frame of the bytes of `body` from `at` on, `n` of them: counted as they are, written as they become.
 */
static void put_data(struct making *m, uint32_t item, bool more, const uint8_t *bytes, size_t n)
{
    struct total *t = &m->total[item - 1];
    struct buf body = {0};
    uint32_t part = m->s->tables > 0 && item == FIRST_TABLE ? (uint32_t)(t->frames % 2) : 0;

    if (more || t->digest.open)
        part = 0; /* all of a row is in one part */
    digest_add(&t->digest, bytes, n, t->digest.kind != DIGEST_BYTES && more);
    t->frames++;
    if (m->s->change)
        m->s->change(m->s->change_ctx, bytes, n, &body);
    else
        buf_add(&body, bytes, n);
    put(m, FRAME_DATA, more ? FRAME_MORE : 0, item, part, &body);
    buf_free(&body);
}

/* Whole rows; or one row, that may be longer than a body. */
static void put_rows(struct making *m, uint32_t item, const struct buf *rows)
{
    size_t most = (size_t)m->s->body_bytes;

    for (size_t at = 0; at < rows->len; at += most) {
        size_t n = rows->len - at < most ? rows->len - at : most;
        put_data(m, item, at + n < rows->len, rows->data + at, n);
    }
}

static void add_words(const struct sample *s, uint64_t *state, size_t n, struct buf *out)
{
    static const char *const word[] = {"alpha", "beta",     "gamma", "delta",  "\\N",
                                       "\\\\",  "\xc3\xa4", "0",     "rho rho"};

    while (n > 0) {
        char noise[2] = {(char)('!' + rng_below(state, 59)), '\0'};
        const char *w = s->noise ? noise : word[rng_below(state, sizeof word / sizeof word[0])];
        if (strlen(w) > n)
            w = "."; /* half a word might be half an escape */
        buf_adds(out, w);
        n -= strlen(w);
    }
}

static void add_text(const struct sample *s, int table, int row, struct buf *out)
{
    uint64_t state = s->seed ^ (uint64_t)table << 32 ^ (uint64_t)row;

    add_words(s, &state, (size_t)s->row_bytes - 12 + rng_below(&state, 8), out);
}

void sample_row(const struct sample *s, int table, int row, struct buf *out)
{
    buf_addf(out, "%d\t", row);
    add_text(s, table, row, out);
    buf_addc(out, '\n');
}

/* The highest byte first. */
static void put_be(uint8_t *to, size_t n, uint64_t number)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(number >> 8 * (n - 1 - i));
}

void sample_tuple(const struct sample *s, int table, int row, struct buf *out)
{
    uint8_t front[2 + 4 + 8 + 4];
    size_t at = out->len;

    put_be(front, 2, 2);
    put_be(front + 2, 4, 8);
    put_be(front + 6, 8, (uint64_t)row);
    buf_add(out, front, sizeof front);
    add_text(s, table, row, out);
    put_be(out->data + at + 14, 4, out->len - at - sizeof front);
}

static void put_table(struct making *m, int table)
{
    struct buf body = {0}, row = {0};
    uint32_t item = FIRST_TABLE + (uint32_t)table;

    for (int i = 0; i < m->s->rows; i++) {
        row.len = 0;
        if (table == 0 && m->s->binary)
            sample_tuple(m->s, table, i, &row);
        else
            sample_row(m->s, table, i, &row);
        if (body.len > 0 && body.len + row.len > (size_t)m->s->body_bytes) {
            put_rows(m, item, &body);
            body.len = 0;
        }
        buf_add(&body, row.data, row.len);
    }
    bool abort_now = m->s->abort_why && table == m->s->tables - 1;
    if (!abort_now)
        put_rows(m, item, &body);
    buf_free(&body);
    buf_free(&row);
}

static void put_dones(struct making *m, struct fields *end)
{
    uint64_t rows = 0, bytes = 0;
    char text[DIGEST_TEXT_MAX];

    for (uint32_t i = 1; i <= m->items; i++) {
        struct total *t = &m->total[i - 1];
        struct fields f = {0};
        fields_addf(&f, "frames", "%" PRIu64, t->frames);
        fields_addf(&f, "rows", "%" PRIu64, t->digest.rows);
        fields_addf(&f, "bytes", "%" PRIu64, t->digest.bytes);
        fields_add(&f, "digest", digest_text(&t->digest, text));
        put_fields(m, FRAME_DONE, i, &f);
        rows += t->digest.rows;
        bytes += t->digest.bytes;
    }
    fields_add(end, "id", head_id(&m->head));
    fields_addf(end, "frames", "%" PRIu64, m->seq + 1);
    fields_addf(end, "items", "%" PRIu32, m->items);
    fields_addf(end, "rows", "%" PRIu64, rows);
    fields_addf(end, "bytes", "%" PRIu64, bytes);
}

/* Writes leaf and root, and END's line into `line`. */
static void put_index(struct making *m, char *line)
{
    struct buf root = {0};

    if (!sums_leaf_empty(m->sums))
        put_leaf(m);
    sums_root(m->sums, &root);
    sums_line(m->sums, m->seq, m->out->len - m->start, &root, line);
    put_sums(m, &root);
    buf_free(&root);
}

static void put_end(struct making *m)
{
    struct fields end = {0};
    struct buf body = {0};
    char line[SUMS_LINE_MAX];

    put_dones(m, &end);
    if (m->s->lower) /* END counts it, so it cannot come from put() */
        put_bare(m, (struct frame){.type = FRAME_TYPE('y', 't', 'r', 'a')}, "");
    if (m->sums)
        put_index(m, line);
    end_encode(&end, m->out->len - m->start, m->sums ? line : NULL, &body);
    put_bare(m, (struct frame){.type = FRAME_END, .length = (uint32_t)body.len}, body.data);
    buf_free(&body);
    fields_free(&end);
}

static void put_abort(struct making *m)
{
    struct fields f = {0};

    fields_add(&f, "tool", "bk-dump");
    fields_add(&f, "why", m->s->abort_why);
    put_fields(m, FRAME_ABRT, 0, &f);
}

void sample_make(const struct sample *s, struct buf *out)
{
    static const char archive[] = "PGDMP, or something like it: bytes, no rows",
                      sequence[] = "public\tt0_id_seq\t7\tt\n";
    struct making m = {.s = s, .out = out};

    put_head(&m);
    put_items(&m);
    put_data(&m, 2, false, (const uint8_t *)archive, sizeof archive - 1);
    for (int i = 0; i < s->tables; i++)
        put_table(&m, i);
    if (s->upper)
        put_bare(&m, (struct frame){.type = FRAME_TYPE('X', 't', 'r', 'a'), .length = 4}, "new\n");
    if (s->abort_why) {
        put_abort(&m);
    } else {
        put_data(&m, m.items, false, (const uint8_t *)sequence, sizeof sequence - 1);
        put_end(&m);
    }
    for (uint32_t i = 0; i < m.items; i++)
        digest_free(&m.total[i].digest);
    free(m.total);
    if (m.sums)
        sums_close(m.sums);
    head_free(&m.head);
}

void sample_compress(void *arg, const uint8_t *body, size_t n, struct buf *out)
{
    const struct codec *codec = arg;
    void *state = codec->open(1);

    codec->run(state, body, n, FRAME_MAX_BODY, out);
    codec->close(state);
}

bool sample_golden(const char *name, struct sample *s)
{
    const struct sample plain = {.seed = 1, .tables = 2, .rows = 5, .row_bytes = 60, .body_bytes = 150};

    *s = plain;
    if (strcmp(name, "plain") == 0)
        return true;
    if (strcmp(name, "gzip") == 0) {
        s->step = "gzip level=1";
        s->change = sample_compress;
        s->change_ctx = (void *)&gz_compress;
    } else if (strcmp(name, "zstd") == 0) {
        s->step = "zstd level=1";
        s->change = sample_compress;
        s->change_ctx = (void *)&zst_compress;
    } else if (strcmp(name, "sums") == 0) {
        s->sums = true;
    } else if (strcmp(name, "more") == 0) {
        s->body_bytes = 25;
    } else if (strcmp(name, "binary") == 0) {
        s->binary = true;
        s->body_bytes = 60; /* shorter than a tuple */
    } else if (strcmp(name, "lower") == 0) {
        s->lower = true;
    } else if (strcmp(name, "upper") == 0) {
        s->upper = true;
    } else if (strcmp(name, "abort") == 0) {
        s->abort_why = "the server went away";
    } else if (strcmp(name, "format2") == 0) {
        s->format = "2";
    } else {
        return false;
    }
    return true;
}
