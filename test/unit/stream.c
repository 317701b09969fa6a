/* Tests of stream.h: the grammar. Each rule is broken once, and the stream around it is right. */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "crc.h"
#include "unit.h"

#define HEAD_OF(kind)                                                                                        \
    "format: 1\nid: 00112233445566778899aabbccddeeff\nkind: " kind "\ncreated: 2026-01-02T03:04:05Z\n"
#define END_LINES(frames, items)                                                                             \
    "id: 00112233445566778899aabbccddeeff\nframes: " frames "\nitems: " items "\n"

static struct stream s;

/* Gives `s` a frame in its place: header, then body. */
static enum stream_err give(struct frame f, const char *body)
{
    uint8_t header[FRAME_HEADER_BYTES];
    struct frame got;

    f.length = (uint32_t)strlen(body);
    frame_encode(&f, body, header);
    enum stream_err e = stream_header(&s, header, &got);
    return e ? e : stream_body(&s, &got, (const uint8_t *)body);
}

/* A frame with the number that is its turn. */
static enum stream_err next(uint32_t type, uint32_t item, const char *body)
{
    return give((struct frame){.type = type, .seq = s.next_seq, .item = item}, body);
}

static enum stream_err data(uint32_t item, uint32_t part, uint32_t flags)
{
    return give(
        (struct frame){.type = FRAME_DATA, .seq = s.next_seq, .item = item, .part = part, .flags = flags},
        "x\n");
}

static enum stream_err end_with(const char *lines, const char *sums, size_t wrong_size)
{
    struct fields f = {0};
    struct buf body = {0};
    uint8_t header[FRAME_HEADER_BYTES];
    struct frame got;

    CHECK_U64(fields_decode(&f, lines, strlen(lines)), FIELDS_OK);
    end_encode(&f, s.size + wrong_size, sums, &body);
    frame_encode(&(struct frame){.type = FRAME_END, .seq = s.next_seq, .length = (uint32_t)body.len},
                 body.data, header);
    enum stream_err e = stream_header(&s, header, &got);
    if (!e)
        e = stream_body(&s, &got, body.data);
    fields_free(&f);
    buf_free(&body);
    return e;
}

/* HEAD and `items` ITEMs. */
static void begin_kind(const char *head, uint32_t items)
{
    stream_free(&s);
    CHECK_U64(next(FRAME_HEAD, 0, head), STREAM_OK);
    for (uint32_t i = 1; i <= items; i++)
        CHECK_U64(next(FRAME_ITEM, i, "type: table\n"), STREAM_OK);
}

static void begin(uint32_t items)
{
    begin_kind(HEAD_OF("backup"), items);
}

static void whole(void)
{
    begin(2);
    CHECK_U64(next(FRAME_TYPE('n', 'o', 't', 'e'), 0, "x"), STREAM_OK);
    CHECK_U64(data(1, 0, 0), STREAM_OK);
    CHECK_U64(data(2, 7, FRAME_MORE), STREAM_OK);
    CHECK_U64(next(FRAME_SUMS, 0, ""), STREAM_OK); /* lower-case frames may stand within a row */
    CHECK_U64(data(2, 7, 0), STREAM_OK);
    CHECK_U64(next(FRAME_DONE, 1, ""), STREAM_OK);
    CHECK_U64(next(FRAME_DONE, 2, ""), STREAM_OK);
    CHECK_U64(next(FRAME_SUMS, 0, ""), STREAM_OK);
    CHECK(!s.ended);
    CHECK_U64(end_with(END_LINES("9", "2"), "1 2 3", 0), STREAM_OK);
    CHECK(s.ended);
    CHECK_STR(fields_get(&s.end, "sums"), "1 2 3");
    CHECK_U64(s.size, 10 * 40 + 24 + 1 + 6);
}

static void empty_backup(void)
{
    begin(0);
    CHECK_U64(end_with(END_LINES("2", "0"), NULL, 0), STREAM_OK);
    CHECK(s.ended);
}

static void magic(void)
{
    uint8_t m[MAGIC_BYTES] = {0x89, 'b', 'k', 's', '\r', '\n', 0x1a, '\n'};

    CHECK_U64(stream_magic(m, MAGIC_BYTES), STREAM_OK);
    for (int i = 0; i < MAGIC_BYTES; i++) {
        m[i] ^= 1;
        CHECK_U64(stream_magic(m, MAGIC_BYTES), STREAM_MAGIC);
        m[i] ^= 1;
    }
}

static void header_errors(void)
{
    uint8_t header[FRAME_HEADER_BYTES] = {0};
    struct frame f;

    begin(1);
    CHECK_U64(stream_header(&s, header, &f), STREAM_HEADER);
    put_u32(header + 36, crc32c(header, 36));
    CHECK_U64(stream_header(&s, header, &f), STREAM_TYPE);
    CHECK_U64(next(FRAME_TYPE('N', 'E', 'W', ' '), 0, ""), STREAM_UNKNOWN);
    CHECK_U64(data(1, 0, 2), STREAM_UNKNOWN);
}

/* Lengths are refused before a body is asked for. */
static void lengths(void)
{
    static const struct {
        uint32_t type, item, most;
    } t[] = {{FRAME_DATA, 1, 16 << 20}, {FRAME_ABRT, 0, 64 << 10}, {FRAME_SUMS, 0, 16 << 20}};
    uint8_t header[FRAME_HEADER_BYTES];
    struct frame f;

    begin(1);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        for (uint32_t more = 0; more < 2; more++) {
            unit_about("type %zu, %u more", i, more);
            frame_encode(&(struct frame){.type = t[i].type, .item = t[i].item, .seq = s.next_seq}, "",
                         header);
            put_u32(header + 24, t[i].most + more);
            put_u32(header + 36, crc32c(header, 36));
            CHECK_U64(stream_header(&s, header, &f), more ? STREAM_LENGTH : STREAM_OK);
        }
    }
    unit_about("4 GiB");
    put_u32(header + 24, UINT32_MAX);
    put_u32(header + 36, crc32c(header, 36));
    CHECK_U64(stream_header(&s, header, &f), STREAM_LENGTH);
    unit_about("HEAD");
    stream_free(&s);
    frame_encode(&(struct frame){.type = FRAME_HEAD}, "", header);
    put_u32(header + 24, (64 << 10) + 1);
    put_u32(header + 36, crc32c(header, 36));
    CHECK_U64(stream_header(&s, header, &f), STREAM_LENGTH);
}

static void numbers(void)
{
    begin(1);
    for (int wrong = -1; wrong <= 1; wrong += 2) {
        struct frame f = {.type = FRAME_DATA, .item = 1, .seq = s.next_seq + (uint64_t)wrong};
        CHECK_U64(give(f, ""), STREAM_SEQ);
        f.type = FRAME_SUMS;
        f.item = 0;
        CHECK_U64(give(f, ""), STREAM_SEQ);
    }
    CHECK_U64(give((struct frame){.type = FRAME_SUMS, .seq = s.next_seq}, ""), STREAM_OK);
    CHECK_U64(give((struct frame){.type = FRAME_DATA, .item = 1, .seq = s.next_seq}, ""), STREAM_OK);
}

static void order(void)
{
    static const uint32_t not_first[] = {FRAME_ITEM, FRAME_DATA, FRAME_DONE,
                                         FRAME_END,  FRAME_ABRT, FRAME_SUMS};

    for (size_t i = 0; i < sizeof not_first / sizeof not_first[0]; i++) {
        unit_about("first %zu", i);
        stream_free(&s);
        CHECK_U64(next(not_first[i], 0, ""), STREAM_ORDER);
    }
    unit_about("later");
    begin(2);
    CHECK_U64(next(FRAME_HEAD, 0, HEAD_OF("backup")), STREAM_ORDER);
    CHECK_U64(end_with(END_LINES("4", "2"), NULL, 0), STREAM_ORDER); /* no DONE */
    CHECK_U64(data(1, 0, 0), STREAM_OK);
    CHECK_U64(next(FRAME_ITEM, 3, ""), STREAM_ORDER); /* an ITEM after DATA */
    CHECK_U64(next(FRAME_DONE, 1, ""), STREAM_OK);
    CHECK_U64(data(2, 0, 0), STREAM_ORDER);                          /* DATA after a DONE */
    CHECK_U64(next(FRAME_ITEM, 3, ""), STREAM_ORDER);                /* an ITEM after a DONE */
    CHECK_U64(end_with(END_LINES("6", "2"), NULL, 0), STREAM_ORDER); /* only one of two DONEs */
    CHECK_U64(next(FRAME_DONE, 2, ""), STREAM_OK);
    CHECK_U64(next(FRAME_DONE, 3, ""), STREAM_ORDER); /* more DONEs than ITEMs */
    begin(0);
    CHECK_U64(data(1, 0, 0), STREAM_ORDER); /* DATA without ITEMs */
}

static void after_end(void)
{
    begin(0);
    CHECK_U64(end_with(END_LINES("2", "0"), NULL, 0), STREAM_OK);
    CHECK_U64(next(FRAME_SUMS, 0, ""), STREAM_ORDER);
    CHECK_U64(next(FRAME_ABRT, 0, ""), STREAM_ORDER);
    CHECK_U64(end_with(END_LINES("2", "0"), NULL, 0), STREAM_ORDER);
}

static void items(void)
{
    begin(1);
    CHECK_U64(next(FRAME_ITEM, 1, ""), STREAM_ITEM);
    CHECK_U64(next(FRAME_ITEM, 3, ""), STREAM_ITEM);
    CHECK_U64(next(FRAME_ITEM, 2, ""), STREAM_OK);
    CHECK_U64(data(0, 0, 0), STREAM_ITEM);
    CHECK_U64(data(3, 0, 0), STREAM_ITEM);
    CHECK_U64(data(2, 1 << 30, 0), STREAM_OK);
    CHECK_U64(next(FRAME_DONE, 2, ""), STREAM_ITEM);
    CHECK_U64(next(FRAME_ABRT, 1, ""), STREAM_ITEM);
    CHECK_U64(next(FRAME_SUMS, 1, ""), STREAM_ITEM);
    /* Of a lower-case frame that we do not know, we do not know either what it belongs to. */
    CHECK_U64(next(FRAME_TYPE('n', 'o', 't', 'e'), 99, ""), STREAM_OK);
    struct frame f = {.type = FRAME_DONE, .seq = s.next_seq, .item = 1, .part = 1};
    CHECK_U64(give(f, ""), STREAM_ITEM); /* a part where there is none */
}

static void too_many_items(void)
{
    begin(1);
    s.items = FRAME_MAX_ITEMS - 1; /* four million frames would take their time */
    CHECK_U64(next(FRAME_ITEM, FRAME_MAX_ITEMS, ""), STREAM_OK);
    CHECK_U64(next(FRAME_ITEM, FRAME_MAX_ITEMS + 1, ""), STREAM_ITEM);
}

static void more(void)
{
    begin(2);
    struct frame f = {.type = FRAME_ITEM, .flags = FRAME_MORE, .seq = s.next_seq, .item = 3};
    CHECK_U64(give(f, ""), STREAM_MORE); /* MORE is for DATA */
    CHECK_U64(give((struct frame){.type = FRAME_SUMS, .flags = FRAME_MORE, .seq = s.next_seq}, ""),
              STREAM_MORE);
    CHECK_U64(data(1, 5, FRAME_MORE), STREAM_OK);
    CHECK_U64(data(2, 5, 0), STREAM_MORE);
    CHECK_U64(data(1, 4, 0), STREAM_MORE);
    CHECK_U64(next(FRAME_DONE, 1, ""), STREAM_MORE);
    CHECK_U64(data(1, 5, FRAME_MORE), STREAM_OK);
    CHECK_U64(data(2, 5, FRAME_MORE), STREAM_MORE);
    CHECK_U64(data(1, 5, 0), STREAM_OK);
    CHECK_U64(data(2, 0, 0), STREAM_OK);
    CHECK_U64(data(1, 5, FRAME_MORE), STREAM_OK);
    CHECK_U64(next(FRAME_ABRT, 0, ""), STREAM_ABRT); /* giving up may come at any time */
}

/* END cannot stand where a row is not at its end, for DONEs cannot; but with a catalog there are none. */
static void end_within_a_row(void)
{
    begin_kind(HEAD_OF("catalog"), 1);
    CHECK_U64(data(1, 0, FRAME_MORE), STREAM_OK);
    CHECK_U64(end_with(END_LINES("4", "1"), NULL, 0), STREAM_MORE);
}

static void bodies(void)
{
    uint8_t header[FRAME_HEADER_BYTES];
    struct frame f;

    begin(1);
    frame_encode(&(struct frame){.type = FRAME_DATA, .seq = s.next_seq, .item = 1, .length = 3}, "abc",
                 header);
    CHECK_U64(stream_header(&s, header, &f), STREAM_OK);
    CHECK_U64(stream_body(&s, &f, (const uint8_t *)"abd"), STREAM_BODY);
    CHECK_U64(s.next_seq, 2);
    CHECK_U64(stream_body(&s, &f, (const uint8_t *)"abc"), STREAM_OK);
    CHECK_U64(s.next_seq, 3);
}

static void heads(void)
{
    stream_free(&s);
    CHECK_U64(next(FRAME_HEAD, 0, "format: 2\n"), STREAM_HEAD);
    CHECK_U64(s.head_err, HEAD_NEWER);
    stream_free(&s);
    CHECK_U64(next(FRAME_HEAD, 0, HEAD_OF("backup") "partial: 1\n"), STREAM_PARTIAL);
}

static void check_abrt(const char *body, const char *tool, const char *why)
{
    begin(0);
    CHECK_U64(next(FRAME_ABRT, 0, body), STREAM_ABRT);
    CHECK_STR(s.abort_tool, tool);
    CHECK_STR(s.abort_why, why);
    CHECK(!s.ended);
}

static void abrt(void)
{
    check_abrt("tool: bk-dump\nwhy: no\\nway\n", "bk-dump", "no\nway");
    check_abrt("", "a tool", "for no reason that it gave");
    check_abrt("tool: x\nWHAT\n", "x", "for no reason that it gave");
}

/* Kinds other than backup may list their items and say no more of them; or all of it. */
static void catalogs(void)
{
    begin_kind(HEAD_OF("catalog"), 2);
    CHECK_U64(end_with(END_LINES("4", "2"), NULL, 0), STREAM_OK);
    begin_kind(HEAD_OF("plan"), 2);
    CHECK_U64(next(FRAME_DONE, 1, ""), STREAM_OK);
    CHECK_U64(end_with(END_LINES("5", "2"), NULL, 0), STREAM_ORDER);
    CHECK_U64(next(FRAME_DONE, 2, ""), STREAM_OK);
    CHECK_U64(end_with(END_LINES("6", "2"), NULL, 0), STREAM_OK);
    begin(2);
    CHECK_U64(end_with(END_LINES("4", "2"), NULL, 0), STREAM_ORDER);
}

/* Each item has its digest, and none has rows. */
static void digests(void)
{
    begin_kind(HEAD_OF("digests"), 1);
    CHECK_U64(next(FRAME_DATA, 1, "x\n"), STREAM_ORDER);
    begin_kind(HEAD_OF("digests"), 1);
    CHECK_U64(end_with(END_LINES("3", "1"), NULL, 0), STREAM_ORDER);
    CHECK_U64(next(FRAME_DONE, 1, ""), STREAM_OK);
    CHECK_U64(end_with(END_LINES("4", "1"), NULL, 0), STREAM_OK);
}

static enum stream_err end_after_one_item(const char *lines, size_t wrong_size)
{
    begin(1);
    CHECK_U64(next(FRAME_DONE, 1, ""), STREAM_OK);
    enum stream_err e = end_with(lines, NULL, wrong_size);
    CHECK(s.ended == (e == STREAM_OK));
    return e;
}

static void totals(void)
{
    CHECK_U64(end_after_one_item(END_LINES("4", "1") "rows: 0\nbytes: 0\nx: y\n", 0), STREAM_OK);
    CHECK_U64(end_after_one_item(END_LINES("4", "1"), 1), STREAM_TOTALS);
    CHECK_U64(end_after_one_item(END_LINES("3", "1"), 0), STREAM_TOTALS);
    CHECK_U64(end_after_one_item(END_LINES("5", "1"), 0), STREAM_TOTALS);
    CHECK_U64(end_after_one_item(END_LINES("04", "1"), 0), STREAM_TOTALS);
    CHECK_U64(end_after_one_item(END_LINES("4", "0"), 0), STREAM_TOTALS);
    CHECK_U64(end_after_one_item(END_LINES("4", "2"), 0), STREAM_TOTALS);
    CHECK_U64(end_after_one_item("frames: 4\nitems: 1\n", 0), STREAM_TOTALS);
    CHECK_U64(end_after_one_item("id: 00112233445566778899aabbccddeefe\nframes: 4\nitems: 1\n", 0),
              STREAM_TOTALS);
    CHECK_U64(end_after_one_item(END_LINES("4", "1") "items: 1\n", 0), STREAM_END);
    CHECK_U64(end_after_one_item(END_LINES("4", "1") "rows: 1\nrows: 1\n", 0), STREAM_END);
    CHECK_U64(end_after_one_item(END_LINES("4", "1") "size: 1\n", 0), STREAM_END);
}

/* A right END's body, with `change` done to it. */
static enum stream_err changed_end(void (*change)(struct buf *))
{
    struct fields f = {0};
    struct buf body = {0};
    uint8_t header[FRAME_HEADER_BYTES];
    struct frame got;

    begin(0);
    fields_decode(&f, END_LINES("2", "0"), sizeof END_LINES("2", "0") - 1);
    end_encode(&f, 0, NULL, &body);
    change(&body);
    frame_encode(&(struct frame){.type = FRAME_END, .seq = 1, .length = (uint32_t)body.len}, body.data,
                 header);
    enum stream_err e = stream_header(&s, header, &got);
    if (!e)
        e = stream_body(&s, &got, body.data);
    fields_free(&f);
    buf_free(&body);
    return e;
}

static void nothing(struct buf *b)
{
    (void)b;
}

static void shorter(struct buf *b)
{
    b->len = END_TRAILER_BYTES - 1;
}

static void other_mark(struct buf *b)
{
    b->data[b->len - 1] = '\r';
}

static void other_length(struct buf *b)
{
    b->data[b->len - 8]++;
}

static void no_fields(struct buf *b)
{
    b->data[0] = 'I';
}

static void trailer(void)
{
    CHECK_U64(changed_end(nothing), STREAM_OK);
    CHECK_U64(changed_end(shorter), STREAM_END);
    CHECK_U64(changed_end(other_mark), STREAM_END);
    CHECK_U64(changed_end(other_length), STREAM_END);
    CHECK_U64(changed_end(no_fields), STREAM_END);
}

/* By hand: lines, size, sums, then the length of all with 40 bytes of header. */
static void end_bytes(void)
{
    static const char want[] = "id: x\nsize: 5\nsums: 1 2 z\n\x4a\0\0\0bk!\n";
    struct fields f = {0};
    struct buf out = {0};

    fields_add(&f, "id", "x");
    end_encode(&f, 5, "1 2 z", &out);
    CHECK_BYTES(out.data, out.len, want, sizeof want - 1);
    CHECK(end_line_is_local("size") && end_line_is_local("sums"));
    CHECK(!end_line_is_local("id") && !end_line_is_local("mac"));
    fields_free(&f);
    buf_free(&out);
}

static void all_words(void)
{
    for (int e = STREAM_OK; e <= STREAM_TOTALS; e++) {
        for (int other = STREAM_OK; other < e; other++)
            CHECK(strcmp(stream_strerror((enum stream_err)e), stream_strerror((enum stream_err)other)) != 0);
    }
    CHECK(strstr(stream_strerror(STREAM_UNKNOWN), "made by a newer bk") != NULL);
    CHECK(strstr(head_strerror(HEAD_NEWER), "made by a newer bk") != NULL);
}

int main(void)
{
    RUN(whole);
    RUN(empty_backup);
    RUN(magic);
    RUN(header_errors);
    RUN(lengths);
    RUN(numbers);
    RUN(order);
    RUN(after_end);
    RUN(items);
    RUN(too_many_items);
    RUN(more);
    RUN(end_within_a_row);
    RUN(bodies);
    RUN(heads);
    RUN(abrt);
    RUN(catalogs);
    RUN(digests);
    RUN(totals);
    RUN(trailer);
    RUN(end_bytes);
    RUN(all_words);
    stream_free(&s);
    return unit_end();
}
