#include "reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "msg.h"
#include "writer.h"

enum { READ_BYTES = 256 << 10 };

struct reader {
    int fd;
    const char *name;
    struct stream stream;
    uint64_t offset; /* of the next byte that is taken, in the whole input */
    size_t at, have; /* [at, have) of `bytes` has been read and not yet taken */
    uint8_t bytes[READ_BYTES];
};

static _Noreturn void die_cut(const struct reader *r)
{
    hint("the tool before this one gave up, or the backup was cut short; take another one");
    die(BAD_DATA, "%s ends without END, at byte %" PRIu64, r->name, r->offset);
}

static _Noreturn void die_read(const struct reader *r)
{
    die_errno("cannot read %s", r->name);
}

/* Takes `n` bytes. What is more than the buffer holds goes straight to where it belongs. */
static size_t take_some(struct reader *r, uint8_t *to, size_t n)
{
    if (r->at == r->have && n < READ_BYTES) {
        ssize_t got = io_read_some(r->fd, r->bytes, READ_BYTES);
        if (got < 0)
            die_read(r);
        r->at = 0;
        r->have = (size_t)got;
    }
    size_t buffered = r->have - r->at < n ? r->have - r->at : n;
    memcpy(to, r->bytes + r->at, buffered);
    r->at += buffered;
    if (r->at < r->have || n - buffered < READ_BYTES)
        return buffered;
    ssize_t got = io_read(r->fd, to + buffered, n - buffered);
    if (got < 0)
        die_read(r);
    return buffered + (size_t)got;
}

/* Takes `n` bytes, fewer only at the end of input. */
static size_t take(struct reader *r, uint8_t *to, size_t n)
{
    size_t have = 0;

    while (have < n) {
        size_t got = take_some(r, to + have, n - have);
        if (got == 0)
            break;
        have += got;
    }
    r->offset += have;
    return have;
}

static _Noreturn void die_abrt(const struct stream *s)
{
    writer_abort_words(s->abort_tool, s->abort_why);
    die(BAD_DATA, "%s gave up: %s", s->abort_tool, s->abort_why);
}

static _Noreturn void die_stream(const struct reader *r, const struct frame *f, uint64_t start,
                                 enum stream_err e)
{
    char type[5];

    if (e == STREAM_ABRT)
        die_abrt(&r->stream);
    if (e == STREAM_HEAD)
        die(BAD_DATA, "%s: %s", r->name, head_strerror(r->stream.head_err));
    if (e == STREAM_HEADER || e == STREAM_TYPE)
        die(BAD_DATA, "%s: frame at byte %" PRIu64 ": %s", r->name, start, stream_strerror(e));
    for (char *c = frame_type_name(f->type, type); *c; c++)
        if (*c == ' ')
            *c = '\0';
    die(BAD_DATA, "%s: frame %" PRIu64 " (%s) at byte %" PRIu64 ": %s", r->name, f->seq, type, start,
        stream_strerror(e));
}

static void read_frame(struct reader *r, struct frame *f, struct buf *body)
{
    uint8_t header[FRAME_HEADER_BYTES];
    uint64_t start = r->offset;
    size_t at = body->len;

    if (take(r, header, sizeof header) < sizeof header)
        die_cut(r);
    enum stream_err e = stream_header(&r->stream, header, f);
    if (e == STREAM_OK) {
        if (take(r, buf_room(body, f->length), f->length) < f->length)
            die_cut(r);
        body->len += f->length;
        e = stream_body(&r->stream, f, body->data + at);
    }
    if (e)
        die_stream(r, f, start, e);
}

static void refuse_terminal(int fd)
{
    if (!isatty(fd))
        return;
    hint("bk-get FILE | %s", msg_tool());
    die(BAD_CALL, "standard input is a terminal, not a stream");
}

struct reader *reader_open(int fd, const char *name)
{
    return reader_open_behind(&(struct buf){0}, fd, name);
}

struct reader *reader_open_behind(const struct buf *first, int fd, const char *name)
{
    struct reader *r = xmalloc(sizeof *r);
    uint8_t magic[MAGIC_BYTES];
    struct frame f;
    struct buf body = {0};

    refuse_terminal(fd);
    io_grow_pipe(fd);
    r->fd = fd;
    r->name = name;
    r->stream = (struct stream){0};
    r->offset = r->at = r->have = 0;
    if (first->len > sizeof r->bytes)
        bug();
    if (first->len > 0)
        memcpy(r->bytes, first->data, first->len);
    r->have = first->len;
    size_t n = take(r, magic, sizeof magic);
    if (n == 0)
        die(BAD_DATA, "%s is empty: there is no stream", name);
    if (stream_magic(magic, n) != STREAM_OK)
        die(BAD_DATA, "%s is %s", name, stream_strerror(STREAM_MAGIC));
    if (n < sizeof magic)
        die_cut(r);
    read_frame(r, &f, &body);
    buf_free(&body);
    return r;
}

bool reader_next(struct reader *r, struct frame *f, struct buf *body)
{
    uint8_t after;

    read_frame(r, f, body);
    if (!r->stream.ended)
        return true;
    if (take(r, &after, 1) > 0)
        die(BAD_DATA, "%s goes on after END, at byte %" PRIu64, r->name, r->offset - 1);
    return false;
}

const struct stream *reader_stream(const struct reader *r)
{
    return &r->stream;
}

void reader_close(struct reader *r)
{
    stream_free(&r->stream);
    free(r);
}
