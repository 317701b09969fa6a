#include "filter.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "opt.h"
#include "pool.h"
#include "reader.h"

enum {
    JOB_BYTES = 64 << 10, /* small frames share a job up to this: handing over costs more than their work */
    UNDER_WAY_BYTES = 8 << 20, /* of jobs in the pool, as weighed below */
    SPARE_BYTES = 4 << 20,     /* a job's memory is kept up to this */
};

const struct ends filter_stdio = {STDIN_FILENO, "standard input", STDOUT_FILENO, "standard output", NULL};
const struct ends filter_stdin_only = {STDIN_FILENO, "standard input", -1, NULL, NULL};

/* Some frames in a row: their bodies lie in `in` one after the other, what they become goes to `out` with
 * headers. */
struct job {
    struct frame *frame;
    size_t frames, room;
    struct buf in, out;
    size_t weight;    /* bytes in and out, as far as known */
    size_t expected;  /* bytes out, of that */
    struct job *next; /* while it is spare */
};

struct run {
    const struct map *map;
    void *ctx;
    void **state; /* of each worker */
    struct writer *writer;
    pthread_mutex_t lock; /* of: */
    struct job *spare;    /* their memory has been paid for: fresh pages cost more than many a map's work */
};

void filter_die_frame(const struct frame *f, const char *why)
{
    char type[5];

    die(BAD_DATA, "frame %" PRIu64 " (%s): %s", f->seq, frame_type_name(f->type, type), why);
}

static bool is_changed(const struct map *map, uint32_t type)
{
    for (const uint32_t *t = map->types; *t; t++)
        if (*t == type)
            return true;
    return false;
}

static void job_free(struct job *job)
{
    buf_free(&job->in);
    buf_free(&job->out);
    free(job->frame);
    free(job);
}

static struct job *job_new(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    struct job *job = run->spare;
    if (job)
        run->spare = job->next;
    pthread_mutex_unlock(&run->lock);
    return job ? job : xcalloc(1, sizeof *job);
}

/* Large ones are not kept. */
static void job_spare(struct run *run, struct job *job)
{
    if (job->in.cap + job->out.cap > SPARE_BYTES) {
        job_free(job);
        return;
    }
    job->in.len = job->out.len = 0;
    job->frames = job->weight = job->expected = 0;
    pthread_mutex_lock(&run->lock);
    job->next = run->spare;
    run->spare = job;
    pthread_mutex_unlock(&run->lock);
}

/* Adds one frame to the job's output: a header that is filled in behind the body, for it holds the body's
 * CRC. */
static void run_frame(struct run *run, void *state, struct job *job, struct frame f, const uint8_t *body)
{
    size_t at = job->out.len;

    buf_room(&job->out, FRAME_HEADER_BYTES);
    job->out.len += FRAME_HEADER_BYTES;
    if (is_changed(run->map, f.type)) {
        const char *wrong = run->map->body(run->ctx, state, &f, body, &job->out);
        if (wrong)
            filter_die_frame(&f, wrong);
    } else {
        buf_add(&job->out, body, f.length);
    }
    size_t length = job->out.len - at - FRAME_HEADER_BYTES;
    if (length > FRAME_MAX_BODY)
        filter_die_frame(&f, "it would be longer than a body may be");
    f.length = (uint32_t)length;
    frame_encode(&f, job->out.data + at + FRAME_HEADER_BYTES, job->out.data + at);
}

static void run_job(void *ctx, int worker, void *arg)
{
    struct run *run = ctx;
    struct job *job = arg;
    const uint8_t *body = job->in.data;

    buf_room(&job->out, job->expected);
    for (size_t i = 0; i < job->frames; i++) {
        run_frame(run, run->state[worker], job, job->frame[i], body);
        body += job->frame[i].length;
    }
}

static void write_job(void *ctx, void *arg)
{
    struct run *run = ctx;
    struct job *job = arg;

    writer_encoded(run->writer, job->out.data, job->out.len, job->frames);
    job_spare(run, job);
}

static void job_add(struct run *run, struct job *job, const struct frame *f)
{
    size_t out = f->length;

    if (is_changed(run->map, f->type))
        out = run->map->size(run->ctx, job->in.data + job->in.len - f->length, f->length);
    if (out > FRAME_MAX_BODY)
        out = FRAME_MAX_BODY;
    if (job->frames == job->room) {
        job->room = job->room ? job->room * 2 : 8;
        job->frame = xrealloc(job->frame, job->room, sizeof job->frame[0]);
    }
    job->frame[job->frames++] = *f;
    job->weight += f->length + out + 2 * FRAME_HEADER_BYTES;
    job->expected += out + FRAME_HEADER_BYTES;
}

static void map_frames(struct run *run, struct reader *reader, struct pool *pool)
{
    struct job *job = job_new(run);
    struct frame f;
    size_t before = 0;

    while (reader_next(reader, &f, &job->in)) {
        if (!frame_numbered(f.type)) {
            job->in.len = before;
            continue;
        }
        job_add(run, job, &f);
        before = job->in.len;
        if (job->weight >= JOB_BYTES) {
            pool_put(pool, job, job->weight);
            job = job_new(run);
            before = 0;
        }
    }
    if (job->frames > 0)
        pool_put(pool, job, job->weight);
    else
        job_free(job);
}

static void write_end(struct run *run, const struct fields *read)
{
    struct fields end = {0};

    for (size_t i = 0; i < read->count; i++)
        fields_add(&end, read->line[i].name, read->line[i].value);
    const char *wrong = run->map->end ? run->map->end(run->ctx, &end) : NULL;
    if (wrong)
        die(BAD_DATA, "END: %s", wrong);
    writer_end(run->writer, &end, NULL);
    fields_free(&end);
}

void filter_map(const struct map *map, void *ctx, int jobs)
{
    static const struct pool_calls calls = {.work = run_job, .done = write_job};
    struct run run = {.map = map,
                      .ctx = ctx,
                      .state = xcalloc((size_t)jobs, sizeof(void *)),
                      .lock = PTHREAD_MUTEX_INITIALIZER};
    struct reader *reader = reader_open(STDIN_FILENO, filter_stdio.in_name);
    struct head head;

    head_copy(&head, &reader_stream(reader)->head);
    map->head(ctx, &head);
    run.writer = writer_open(STDOUT_FILENO, filter_stdio.out_name);
    writer_head(run.writer, &head);
    for (int i = 0; i < jobs; i++)
        run.state[i] = map->open(ctx);
    struct pool *pool = pool_open(jobs, UNDER_WAY_BYTES, &calls, &run);
    map_frames(&run, reader, pool);
    pool_close(pool);
    for (struct job *job = run.spare, *next; job; job = next) {
        next = job->next;
        job_free(job);
    }
    write_end(&run, &reader_stream(reader)->end);
    for (int i = 0; i < jobs; i++)
        map->close(ctx, run.state[i]);
    free(run.state);
    head_free(&head);
    reader_close(reader);
}

void filter_tap(const struct tap *tap, void *ctx, const struct ends *ends)
{
    static const struct buf nothing;
    struct reader *reader = reader_open_behind(ends->first ? ends->first : &nothing, ends->in, ends->in_name);
    struct writer *writer = ends->out >= 0 ? writer_open(ends->out, ends->out_name) : NULL;
    const struct stream *stream = reader_stream(reader);
    struct buf body = {0};
    struct frame f;

    if (tap->head)
        tap->head(ctx, &stream->head);
    if (writer)
        writer_head(writer, &stream->head);
    while (reader_next(reader, &f, &body)) {
        bool goes_on = !tap->see || tap->see(ctx, writer, &f, body.data);
        if (writer && goes_on)
            writer_frame(writer, f, body.data);
        body.len = 0;
    }
    const char *sums = fields_get(&stream->end, "sums");
    if (tap->end)
        sums = tap->end(ctx, writer, &stream->end);
    if (writer)
        writer_end(writer, &stream->end, sums);
    buf_free(&body);
    reader_close(reader);
}

void filter_head(void (*change)(void *ctx, struct head *h), void *ctx)
{
    struct reader *reader = reader_open(STDIN_FILENO, filter_stdio.in_name);
    const struct stream *stream = reader_stream(reader);
    struct head head;
    struct buf body = {0};
    struct frame f;

    head_copy(&head, &stream->head);
    change(ctx, &head);
    struct writer *writer = writer_open(STDOUT_FILENO, filter_stdio.out_name);
    writer_head(writer, &head);
    while (reader_next(reader, &f, &body)) {
        writer_frame(writer, f, body.data);
        body.len = 0;
    }
    writer_end(writer, &stream->end, fields_get(&stream->end, "sums"));
    buf_free(&body);
    head_free(&head);
    reader_close(reader);
}

static _Noreturn void die_newer_step(const char *step)
{
    die(BAD_DATA, "the last step is '%s', which this bk does not know: made by a newer bk", step);
}

void filter_want_plain(const struct head *h)
{
    const char *last = head_last_step(h);

    if (!last)
        return;
    const char *undo = step_undone_by(last);
    if (!undo)
        die_newer_step(last);
    hint("put %s before %s: ... | %s | %s ...", undo, msg_tool(), undo, msg_tool());
    die(BAD_CALL, "the stream has a step left, '%s'", last);
}

void filter_want_items(const struct head *h)
{
    if (!head_items_readable(h))
        filter_want_plain(h);
}

void filter_compress_head(struct head *h, const char *step)
{
    for (size_t i = 0; i < h->fields.count; i++) {
        const char *value = h->fields.line[i].value;
        if (strcmp(h->fields.line[i].name, "step") != 0)
            continue;
        if (step_is(value, "gzip") || step_is(value, "zstd"))
            opt_wrong("the stream is compressed already (step '%s')", value);
        if (step_is(value, "seal"))
            opt_wrong("the stream is sealed: compress it before, for sealed bytes do not get smaller");
    }
    head_push_step(h, step);
}

void filter_undo_head(struct head *h, const char *word, const char *key)
{
    const char *last = head_last_step(h);

    if (!last)
        opt_wrong("the stream has no step left to undo");
    if (!step_is(last, word)) {
        const char *undo = step_undone_by(last);
        if (!undo)
            die_newer_step(last);
        hint("run %s first", undo);
        die(BAD_CALL, "the last step is '%s', not %s", last, word);
    }
    if (!step_has_only(last, word, key))
        die_newer_step(last);
    head_pop_step(h);
}
