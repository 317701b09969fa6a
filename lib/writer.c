#include "writer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "msg.h"
#include "stream.h"

enum {
    GATHER_BYTES = 128 << 10, /* written when as much has been gathered */
    LARGE_BYTES = 32 << 10,   /* bodies from here on are not copied */
};

struct writer {
    int fd;
    const char *name;
    struct buf gathered;
    uint64_t seq;
    uint64_t size;
    bool ended;  /* END has been written, and nothing may follow it */
    bool broken; /* a write failed: there is no use in ABRT */
    pthread_mutex_t lock;
};

static const char *abort_tool, *abort_why, *hushed;

void writer_hush(const char *why)
{
    hushed = why;
}

void writer_abort_words(const char *tool, const char *why)
{
    abort_tool = tool;
    abort_why = why;
}

static int flush_with(struct writer *w, const void *bytes, size_t n)
{
    struct iovec iov[2] = {
        {.iov_base = w->gathered.data, .iov_len = w->gathered.len},
        {.iov_base = (void *)bytes, .iov_len = n},
    };

    w->gathered.len = 0;
    return io_writev(w->fd, iov, 2);
}

/* The undo function. It waits for a write that another thread is in, for ABRT must stand between frames; if
 * it is our own thread that died in the middle of one, there can be no ABRT. */
static void write_abrt(void *arg, enum status status, const char *why)
{
    struct writer *w = arg;
    struct fields words = {0};
    struct buf body = {0};
    uint8_t header[FRAME_HEADER_BYTES];

    (void)status;
    if (pthread_mutex_lock(&w->lock) != 0 || w->broken || w->ended || w->seq == 0)
        return;
    fields_add(&words, "tool", abort_tool && !hushed ? abort_tool : msg_tool());
    fields_add(&words, "why", hushed ? hushed : abort_why ? abort_why : why);
    fields_encode(&words, &body);
    if (body.len > FRAME_MAX_FIELDS)
        return;
    struct frame f = {.type = FRAME_ABRT, .seq = w->seq, .length = (uint32_t)body.len};
    frame_encode(&f, body.data, header);
    buf_add(&w->gathered, header, sizeof header);
    flush_with(w, body.data, body.len); /* whether it arrives or not, there is no END */
}

static void refuse_terminal(int fd)
{
    if (!isatty(fd))
        return;
    hint("put another tool or a file behind it: %s ... | bk-put FILE", msg_tool());
    die(BAD_CALL, "a stream is not written to a terminal");
}

struct writer *writer_open(int fd, const char *name)
{
    struct writer *w = xcalloc(1, sizeof *w);
    pthread_mutexattr_t attr;

    refuse_terminal(fd);
    io_grow_pipe(fd);
    w->fd = fd;
    w->name = name;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&w->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    undo_on_die(write_abrt, w);
    return w;
}

/* Ends a write, with the lock held. */
static void unlock_or_die(struct writer *w, int result)
{
    w->broken = result < 0;
    pthread_mutex_unlock(&w->lock);
    if (result < 0)
        die_errno("cannot write to %s", w->name);
}

static void write_bytes(struct writer *w, const void *bytes, size_t n)
{
    int result = 0;

    if (n >= LARGE_BYTES)
        result = flush_with(w, bytes, n);
    else
        buf_add(&w->gathered, bytes, n);
    if (result == 0 && w->gathered.len >= GATHER_BYTES)
        result = flush_with(w, NULL, 0);
    w->broken = result < 0;
}

static void flush(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    unlock_or_die(w, flush_with(w, NULL, 0));
}

static void put_frame(struct writer *w, struct frame *f, const void *body)
{
    uint8_t header[FRAME_HEADER_BYTES];

    pthread_mutex_lock(&w->lock);
    f->seq = w->seq;
    frame_encode(f, body, header);
    buf_add(&w->gathered, header, sizeof header);
    write_bytes(w, body, f->length);
    if (frame_numbered(f->type))
        w->seq++;
    w->ended = f->type == FRAME_END;
    unlock_or_die(w, w->broken ? -1 : 0);
}

void writer_head(struct writer *w, const struct head *h)
{
    struct buf body = {0};

    head_encode(h, &body);
    if (body.len > FRAME_MAX_FIELDS)
        die(BAD_CALL, "HEAD would be longer than %d bytes: too many tags or steps", FRAME_MAX_FIELDS);
    buf_add(&w->gathered, frame_magic, MAGIC_BYTES);
    put_frame(w, &(struct frame){.type = FRAME_HEAD, .length = (uint32_t)body.len}, body.data);
    flush(w);
    buf_free(&body);
}

void writer_frame(struct writer *w, struct frame f, const void *body)
{
    put_frame(w, &f, body);
    w->size += FRAME_HEADER_BYTES + (uint64_t)f.length;
}

void writer_encoded(struct writer *w, const void *bytes, size_t n, uint64_t numbered)
{
    pthread_mutex_lock(&w->lock);
    write_bytes(w, bytes, n);
    w->seq += numbered;
    w->size += n;
    unlock_or_die(w, w->broken ? -1 : 0);
}

void writer_end(struct writer *w, const struct fields *end, const char *sums)
{
    struct fields kept = {0};
    struct buf body = {0};

    for (size_t i = 0; i < end->count; i++)
        if (!end_line_is_local(end->line[i].name))
            fields_add(&kept, end->line[i].name, end->line[i].value);
    end_encode(&kept, w->size, sums, &body);
    put_frame(w, &(struct frame){.type = FRAME_END, .length = (uint32_t)body.len}, body.data);
    flush(w);
    undo_forget(write_abrt, w);
    fields_free(&kept);
    buf_free(&body);
    buf_free(&w->gathered);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

uint64_t writer_size(const struct writer *w)
{
    return w->size;
}

uint64_t writer_seq(const struct writer *w)
{
    return w->seq;
}
