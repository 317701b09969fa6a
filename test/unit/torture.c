/* A whole stream, in memory: cut at every byte, each bit changed, frames dropped, doubled and swapped. None
 * of that may be taken for a whole stream. And a frame that says it is 4 GiB costs no memory. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crc.h"
#include "io.h"
#include "reader.h"
#include "sample.h"
#include "unit.h"
#include "walk.h"

static struct buf stream;

enum { MOST_FRAMES = 100 };

/* Where each frame lies. */
static struct place {
    struct frame f;
    size_t at, n;
} place[MOST_FRAMES];
static size_t places;

static void see(void *ctx, const struct frame *f, const uint8_t *body, size_t at)
{
    (void)ctx, (void)body;
    if (places == MOST_FRAMES)
        bug();
    place[places++] = (struct place){*f, at, FRAME_HEADER_BYTES + (size_t)f->length};
}

/* Several items, two frames with MORE, unknown lower-case frames, an index: each kind of frame there is. */
static void make_stream(void)
{
    const struct sample s = {
        .seed = 7, .tables = 2, .rows = 2, .row_bytes = 40, .body_bytes = 30, .lower = true, .sums = true};
    struct walk w = {.see = see};
    size_t more = 0;

    sample_make(&s, &stream);
    CHECK_U64(walk(&w, stream.data, stream.len), WALK_WHOLE);
    stream_free(&w.stream);
    for (size_t i = 0; i < places; i++)
        more += place[i].f.flags & FRAME_MORE;
    CHECK(more >= 2);
    CHECK(places > 30);
}

static void cut_everywhere(void)
{
    for (size_t n = 0; n < stream.len; n++) {
        uint8_t *part = xmalloc(n); /* of just that size, for the address sanitizer */
        struct walk w = {0};
        unit_about("after %zu bytes", n);
        memcpy(part, stream.data, n);
        CHECK_U64(walk(&w, part, n), WALK_CUT);
        CHECK(!w.stream.ended);
        stream_free(&w.stream);
        free(part);
    }
}

/* CRC-32C finds every single bit, so each change is found where it is, and not by the totals at the end. */
static void flip_everywhere(void)
{
    size_t frame = 0;

    for (size_t bit = 0; bit < stream.len * 8; bit++) {
        size_t at = bit / 8;
        struct walk w = {0};
        unit_about("bit %zu of byte %zu", bit % 8, at);
        while (frame + 1 < places && at >= place[frame + 1].at)
            frame++;
        stream.data[at] ^= (uint8_t)(1 << bit % 8);
        CHECK_U64(walk(&w, stream.data, stream.len), WALK_BAD);
        CHECK(!w.stream.ended);
        CHECK_U64(w.at, place[frame].at);
        stream.data[at] ^= (uint8_t)(1 << bit % 8);
        stream_free(&w.stream);
    }
    CHECK(walk_is_whole(stream.data, stream.len));
}

static void something_after(void)
{
    for (int byte = 0; byte < 256; byte++) {
        struct walk w = {0};
        buf_addc(&stream, (char)byte);
        CHECK_U64(walk(&w, stream.data, stream.len), WALK_AFTER);
        stream.len--;
        stream_free(&w.stream);
    }
}

/* A stream put together anew from frames of the old one: magic, then frame order[0], order[1] ... */
static void put_together(const size_t *order, size_t n, struct buf *out)
{
    out->len = 0;
    buf_add(out, stream.data, MAGIC_BYTES);
    for (size_t i = 0; i < n; i++)
        buf_add(out, stream.data + place[order[i]].at, place[order[i]].n);
}

/* Gives all frames the numbers that are their turn, with new CRCs: what remains wrong is the structure. */
static void renumber(struct buf *b)
{
    uint64_t seq = 0;

    for (size_t at = MAGIC_BYTES; at < b->len;) {
        uint8_t *header = b->data + at;
        put_u64(header + 8, seq);
        put_u32(header + 36, crc32c(header, 36));
        seq += frame_numbered(get_u32(header));
        at += FRAME_HEADER_BYTES + get_u32(header + 24);
    }
}

static void check_refused(const size_t *order, size_t n, bool numbers_too)
{
    struct buf b = {0};

    put_together(order, n, &b);
    CHECK(!walk_is_whole(b.data, b.len));
    if (numbers_too) {
        renumber(&b);
        CHECK(!walk_is_whole(b.data, b.len));
    }
    buf_free(&b);
}

static void dropped(void)
{
    size_t order[MOST_FRAMES];

    for (size_t gone = 0; gone < places; gone++) {
        size_t n = 0;
        unit_about("frame %zu", gone);
        for (size_t i = 0; i < places; i++)
            if (i != gone)
                order[n++] = i;
        check_refused(order, n, true);
    }
}

static void doubled(void)
{
    size_t order[MOST_FRAMES + 1];

    for (size_t twice = 0; twice < places; twice++) {
        size_t n = 0;
        unit_about("frame %zu", twice);
        for (size_t i = 0; i < places; i++) {
            order[n++] = i;
            if (i == twice)
                order[n++] = i;
        }
        check_refused(order, n, true);
    }
}

/* With new numbers, too, unless one may stand for the other: DATA for DATA (the digest shows that), or frames
 * that nobody has to read. */
static bool alike(const struct place *a, const struct place *b)
{
    bool both_lower = !frame_numbered(a->f.type) && !frame_numbered(b->f.type);

    return both_lower || (a->f.type == FRAME_DATA && b->f.type == FRAME_DATA);
}

static void swapped(void)
{
    size_t order[MOST_FRAMES], tried = 0;

    for (size_t a = 0; a < places; a++) {
        for (size_t b = a + 1; b < places; b++) {
            bool same_turn = !frame_numbered(place[a].f.type) && !frame_numbered(place[b].f.type) &&
                             place[a].f.seq == place[b].f.seq;
            if (same_turn) /* two that may be left out, side by side */
                continue;
            unit_about("frames %zu and %zu", a, b);
            for (size_t i = 0; i < places; i++)
                order[i] = i == a ? b : i == b ? a : i;
            /* A lower-case frame may move, if the numbers do too. */
            bool one_lower = !frame_numbered(place[a].f.type) || !frame_numbered(place[b].f.type);
            check_refused(order, places, !alike(&place[a], &place[b]) && !one_lower);
            tried++;
        }
    }
    CHECK(tried > 500);
}

/* The rest of a long row must not be put to another row. */
static void mixed_rows(void)
{
    size_t order[MOST_FRAMES], first = 0, other = 0;

    while (!(place[first].f.flags & FRAME_MORE))
        first++;
    for (other = first + 1; place[other].f.item == place[first].f.item || place[other].f.type != FRAME_DATA;)
        other++;
    for (size_t i = 0; i < places; i++)
        order[i] = i == first ? other : i == other ? first : i;
    struct buf b = {0};
    struct walk w = {0};
    put_together(order, places, &b);
    renumber(&b);
    CHECK_U64(walk(&w, b.data, b.len), WALK_BAD);
    CHECK_U64(w.error, STREAM_MORE);
    stream_free(&w.stream);
    buf_free(&b);
}

/* The stream with a DATA header that says `length`, in a file; the descriptor. */
static int huge_stream(uint32_t length)
{
    int fd = io_scratch_file();
    struct buf b = {0};
    size_t i = 0;

    while (place[i].f.type != FRAME_DATA)
        i++;
    buf_add(&b, stream.data, place[i].at + FRAME_HEADER_BYTES);
    uint8_t *header = b.data + place[i].at;
    put_u32(header + 24, length);
    put_u32(header + 36, crc32c(header, 36));
    if (io_write(fd, b.data, b.len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        die_errno("cannot write a temporary file");
    buf_free(&b);
    return fd;
}

static void read_all(int fd)
{
    struct frame f;
    struct buf body = {0};
    struct reader *r = reader_open(fd, "the stream");

    while (reader_next(r, &f, &body))
        body.len = 0;
}

/* With room for hardly more than the largest body. */
static void read_with_little_memory(void *arg)
{
    const struct rlimit little = {64 << 20, 64 << 20};

    if (!unit_sanitized() && setrlimit(RLIMIT_AS, &little) < 0)
        _exit(99);
    read_all(*(int *)arg);
}

static void huge_frames(void)
{
    static const uint32_t length[] = {UINT32_MAX, 1u << 31, (16 << 20) + 1};

    for (size_t i = 0; i < sizeof length / sizeof length[0]; i++) {
        int fd = huge_stream(length[i]);
        unit_about("%u bytes", length[i]);
        CHECK_CHILD(read_with_little_memory, &fd, 3, "longer than it may be");
        close(fd);
    }
    unit_about("16 MiB, cut");
    int fd = huge_stream(16 << 20);
    CHECK_CHILD(read_with_little_memory, &fd, 3, "ends without END");
    close(fd);
}

/* The reader itself, over a pipe: what it says and how it ends. */
struct piece {
    size_t n;
    const char *after;
};

static void read_piece(void *arg)
{
    const struct piece *p = arg;
    int fd = io_scratch_file();

    if (io_write(fd, stream.data, p->n) < 0 || io_write(fd, p->after, strlen(p->after)) < 0 ||
        lseek(fd, 0, SEEK_SET) < 0)
        _exit(99);
    read_all(fd);
}

static void reader_words(void)
{
    struct piece whole = {stream.len, ""}, after = {stream.len, "x"}, none = {0, ""}, magic = {5, ""},
                 text = {0, "PGDMP"}, cut = {stream.len - 1, ""};

    CHECK_CHILD(read_piece, &whole, 0, "");
    CHECK_CHILD(read_piece, &after, 3, "goes on after END");
    CHECK_CHILD(read_piece, &none, 3, "is empty");
    CHECK_CHILD(read_piece, &magic, 3, "ends without END, at byte 5");
    CHECK_CHILD(read_piece, &text, 3, "not a bk stream");
    CHECK_CHILD(read_piece, &cut, 3, "ends without END");
}

int main(void)
{
    RUN(make_stream);
    RUN(cut_everywhere);
    RUN(flip_everywhere);
    RUN(something_after);
    RUN(dropped);
    RUN(doubled);
    RUN(swapped);
    RUN(mixed_rows);
    RUN(huge_frames);
    RUN(reader_words);
    buf_free(&stream);
    return unit_end();
}
