#define _GNU_SOURCE /* getrandom */
#include "source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "mem.h"
#include "msg.h"
#include "version.h"
#include "writer.h"

struct total {
    struct digest digest;
    uint64_t frames;
};

struct source {
    struct writer *writer;
    char id[ID_HEX + 1];
    bool digests_only;
    struct total *total; /* of item n at n - 1 */
    uint32_t items;
    size_t room;
};

static void random_id(char id[ID_HEX + 1])
{
    uint8_t bytes[ID_HEX / 2];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        die_errno("cannot get random bytes");
    format_hex(bytes, sizeof bytes, id);
}

void source_head(struct head *h, const char *kind, const char *created, const char *label,
                 const char *const *tag, size_t tags)
{
    char id[ID_HEX + 1], host[256] = "";

    random_id(id);
    gethostname(host, sizeof host - 1);
    *h = (struct head){0};
    fields_add(&h->fields, "format", "1");
    fields_add(&h->fields, "id", id);
    fields_add(&h->fields, "kind", kind);
    fields_add(&h->fields, "created", created);
    fields_add(&h->fields, "label", label);
    for (size_t i = 0; i < tags; i++)
        fields_add(&h->fields, "tag", tag[i]);
    fields_addf(&h->fields, "made-by", "%s %s", msg_tool(), BK_VERSION);
    fields_add(&h->fields, "host", host);
}

struct source *source_open(int fd, const char *name, const struct head *h)
{
    struct source *s = xcalloc(1, sizeof *s);

    for (int i = 0; i <= ID_HEX; i++)
        s->id[i] = head_id(h)[i];
    s->writer = writer_open(fd, name);
    writer_head(s->writer, h);
    s->digests_only = head_kind_is(h, "digests");
    return s;
}

bool source_digests_only(const struct source *s)
{
    return s->digests_only;
}

static void put_fields(struct source *s, uint32_t type, uint32_t item, const struct fields *fields)
{
    struct buf body = {0};

    fields_encode(fields, &body);
    if (body.len > FRAME_MAX_SOURCE)
        die(FAILED, "what is known of item %" PRIu32 " does not fit into a frame", item);
    writer_frame(s->writer, (struct frame){.type = type, .item = item, .length = (uint32_t)body.len},
                 body.data);
    buf_free(&body);
}

uint32_t source_item(struct source *s, enum digest_kind kind, const struct fields *item)
{
    if (s->items == FRAME_MAX_ITEMS)
        die(FAILED, "more than %d items", FRAME_MAX_ITEMS);
    if (s->items == s->room) {
        s->room = s->room ? s->room * 2 : 64;
        s->total = xrealloc(s->total, s->room, sizeof s->total[0]);
    }
    struct total *t = &s->total[s->items++];
    *t = (struct total){0};
    digest_begin(&t->digest, kind);
    put_fields(s, FRAME_ITEM, s->items, item);
    return s->items;
}

void source_data(struct source *s, uint32_t item, uint32_t part, bool more, const void *body, size_t n,
                 const struct digest *digest)
{
    struct total *t = &s->total[item - 1];

    if (digest)
        digest_merge(&t->digest, digest);
    else if (!digest_add(&t->digest, body, n, more))
        bug();
    if (s->digests_only)
        return;
    t->frames++;
    writer_frame(s->writer,
                 (struct frame){.type = FRAME_DATA,
                                .flags = more ? FRAME_MORE : 0,
                                .item = item,
                                .part = part,
                                .length = (uint32_t)n},
                 body);
}

static void put_done(struct source *s, uint32_t item)
{
    struct total *t = &s->total[item - 1];
    struct fields done = {0};
    char text[DIGEST_TEXT_MAX];

    fields_addf(&done, "frames", "%" PRIu64, t->frames);
    fields_addf(&done, "rows", "%" PRIu64, t->digest.rows);
    fields_addf(&done, "bytes", "%" PRIu64, t->digest.bytes);
    fields_add(&done, "digest", digest_text(&t->digest, text));
    put_fields(s, FRAME_DONE, item, &done);
    fields_free(&done);
}

void source_end(struct source *s)
{
    struct fields end = {0};
    uint64_t rows = 0, bytes = 0;

    for (uint32_t i = 1; i <= s->items; i++) {
        put_done(s, i);
        rows += s->total[i - 1].digest.rows;
        bytes += s->total[i - 1].digest.bytes;
        digest_free(&s->total[i - 1].digest);
    }
    fields_add(&end, "id", s->id);
    fields_addf(&end, "frames", "%" PRIu64, writer_seq(s->writer) + 1);
    fields_addf(&end, "items", "%" PRIu32, s->items);
    fields_addf(&end, "rows", "%" PRIu64, rows);
    fields_addf(&end, "bytes", "%" PRIu64, bytes);
    writer_end(s->writer, &end, NULL);
    fields_free(&end);
    free(s->total);
    free(s);
}
