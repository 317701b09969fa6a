/* frames - takes a whole stream on standard input apart, for the tests.
 *
 *     frames list                         a line a frame: type, flags, item, part, length, digest of the body
 *     frames set TYPE ITEM NAME=VALUE...  the stream again, with other fields in this item's ITEM or DONE;
 *                                         +NAME=VALUE adds one at the end
 *     frames flip TYPE N BYTE             with one bit changed in that byte of the N-th frame's body (from 1)
 *     frames drop TYPE N                  without that frame
 *
 * In the list, what differs from backup to backup of the same database is left out: id and time, estimate,
 * and the archive's time. The others put numbers, checksums and END's frames and size right, so that what
 * they changed is all that is wrong. The input must be a whole stream.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "io.h"
#include "toc.h"
#include "walk.h"

struct edit {
    struct walk *walk;
    const char *verb;
    char type[5];    /* of the frame that is meant */
    uint64_t number; /* of it: an item, or which one of its type */
    char **word;     /* NAME=VALUE... */
    uint64_t byte;
    uint64_t seen; /* of this type, so far */
    bool done;
    uint32_t schema; /* the item that holds the definitions */
    bool archive;    /* its beginning has been seen */
    uint64_t seq, size;
    struct buf out;
};

static void replace(struct fields *f, const char *name, const char *value)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->line[i].name, name) != 0)
            continue;
        fields_remove(f, i);
        if (*value)
            fields_insert(f, i, name, value);
        return;
    }
    if (*value)
        fields_add(f, name, value);
}

static void decode(struct fields *f, const struct buf *body)
{
    enum fields_err e = fields_decode(f, body->data, body->len);

    if (e)
        die(BAD_DATA, "fields: %s", fields_strerror(e));
}

static void encode(struct fields *f, struct buf *body)
{
    body->len = 0;
    fields_encode(f, body);
    fields_free(f);
}

/* Takes out of a body what differs from one backup to the next. */
static void make_equal(struct edit *e, const struct frame *f, struct buf *body)
{
    struct fields fields = {0};

    if (f->type == FRAME_DATA) {
        if (f->item == e->schema && !e->archive)
            toc_set_time(body->data, body->len, "2000-01-01T00:00:00Z");
        e->archive = e->archive || f->item == e->schema;
    } else if (f->type == FRAME_END) {
        for (size_t i = 0; i < e->walk->stream.end.count; i++)
            fields_add(&fields, e->walk->stream.end.line[i].name, e->walk->stream.end.line[i].value);
        replace(&fields, "id", "");
        encode(&fields, body);
    } else if (frame_numbered(f->type)) {
        decode(&fields, body);
        if (f->type == FRAME_ITEM && strcmp(fields_get(&fields, "type"), "schema") == 0)
            e->schema = f->item;
        if (f->type == FRAME_HEAD) {
            replace(&fields, "id", "");
            replace(&fields, "created", "");
            replace(&fields, "estimate", "");
        }
        if (f->type == FRAME_DONE && f->item == e->schema)
            replace(&fields, "digest", "");
        encode(&fields, body);
    }
}

static void list(struct edit *e, const struct frame *f, struct buf *body)
{
    struct digest digest;
    char type[5], text[DIGEST_TEXT_MAX];

    make_equal(e, f, body);
    digest_begin(&digest, DIGEST_BYTES);
    digest_add(&digest, body->data, body->len, false);
    printf("%s %" PRIu32 " %" PRIu32 " %" PRIu32 " %zu %s\n", frame_type_name(f->type, type), f->flags,
           f->item, f->part, body->len, digest_text(&digest, text));
    digest_free(&digest);
}

static void put(struct edit *e, struct frame f, const struct buf *body)
{
    uint8_t header[FRAME_HEADER_BYTES];

    f.seq = e->seq;
    f.length = (uint32_t)body->len;
    frame_encode(&f, body->data, header);
    buf_add(&e->out, header, sizeof header);
    buf_add(&e->out, body->data, body->len);
    e->seq += frame_numbered(f.type);
    if (f.type != FRAME_HEAD)
        e->size += sizeof header + body->len;
}

static void put_end(struct edit *e, struct frame f, struct buf *body)
{
    const struct fields *end = &e->walk->stream.end;
    struct fields kept = {0};
    char frames[24];

    for (size_t i = 0; i < end->count; i++)
        if (!end_line_is_local(end->line[i].name))
            fields_add(&kept, end->line[i].name, end->line[i].value);
    snprintf(frames, sizeof frames, "%" PRIu64, e->seq + 1);
    replace(&kept, "frames", frames);
    body->len = 0;
    end_encode(&kept, e->size, fields_get(end, "sums"), body);
    put(e, f, body);
    fields_free(&kept);
}

static void set_fields(struct edit *e, struct buf *body)
{
    struct fields fields = {0};

    decode(&fields, body);
    for (char **w = e->word; *w; w++) {
        char *equals = strchr(*w, '=');
        bool adds = **w == '+';
        char *name = xstrdup(*w + adds);
        if (!equals)
            die(BAD_CALL, "not NAME=VALUE: %s", *w);
        name[equals - *w - adds] = '\0';
        if (adds)
            fields_add(&fields, name, equals + 1);
        else
            replace(&fields, name, equals + 1);
        free(name);
    }
    encode(&fields, body);
}

/* Is it the frame that is meant? */
static bool is_meant(struct edit *e, const struct frame *f)
{
    char type[5];

    if (strcmp(frame_type_name(f->type, type), e->type) != 0)
        return false;
    e->seen++;
    return (e->word ? f->item : e->seen) == e->number;
}

static void change(struct edit *e, const struct frame *f, struct buf *body)
{
    bool meant = is_meant(e, f);

    e->done = e->done || meant;
    if (meant && strcmp(e->verb, "drop") == 0)
        return;
    if (meant && e->word)
        set_fields(e, body);
    if (meant && strcmp(e->verb, "flip") == 0) {
        if (e->byte >= body->len)
            die(FAILED, "the body has %zu bytes", body->len);
        body->data[e->byte] ^= 1;
    }
    if (f->type == FRAME_END)
        put_end(e, *f, body);
    else
        put(e, *f, body);
}

static void see(void *ctx, const struct frame *f, const uint8_t *bytes, size_t at)
{
    struct edit *e = ctx;
    struct buf body = {0};

    (void)at;
    buf_add(&body, bytes, f->length);
    if (strcmp(e->verb, "list") == 0)
        list(e, f, &body);
    else
        change(e, f, &body);
    buf_free(&body);
}

static void take_words(struct edit *e, int argc, char **argv)
{
    e->verb = argc > 1 ? argv[1] : "";
    if (strcmp(e->verb, "list") == 0 && argc == 2)
        return;
    if (strcmp(e->verb, "set") == 0 && argc > 4) {
        snprintf(e->type, sizeof e->type, "%s", argv[2]);
        e->number = strtoull(argv[3], NULL, 10);
        e->word = argv + 4;
    } else if ((strcmp(e->verb, "flip") == 0 && argc == 5) || (strcmp(e->verb, "drop") == 0 && argc == 4)) {
        snprintf(e->type, sizeof e->type, "%s", argv[2]);
        e->number = strtoull(argv[3], NULL, 10);
        e->byte = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
    } else {
        die(BAD_CALL, "frames list | set TYPE ITEM NAME=VALUE... | flip TYPE N BYTE | drop TYPE N");
    }
    buf_add(&e->out, frame_magic, MAGIC_BYTES);
}

int main(int argc, char **argv)
{
    struct buf in = {0};
    struct walk w = {.see = see};
    struct edit e = {.walk = &w};
    ssize_t got;

    msg_init("frames");
    take_words(&e, argc, argv);
    while ((got = io_read(STDIN_FILENO, buf_room(&in, 1 << 20), 1 << 20)) > 0)
        in.len += (size_t)got;
    if (got < 0)
        die_errno("cannot read");
    w.ctx = &e;
    if (walk(&w, in.data, in.len) != WALK_WHOLE)
        die(BAD_DATA, "the input is no whole stream");
    if (e.out.len > 0 && !e.done)
        die(FAILED, "there is no such frame");
    if (io_write(STDOUT_FILENO, e.out.data, e.out.len) < 0)
        die_errno("cannot write");
    stream_free(&w.stream);
    buf_free(&in);
    buf_free(&e.out);
    return DONE_OK;
}
