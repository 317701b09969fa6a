/* bk-sum - adds an index to a stream: where each frame lies and its SHA-256, in `sums` frames and END's line.
 */
#include <string.h>

#include "filter.h"
#include "msg.h"
#include "opt.h"
#include "sums.h"

struct index {
    struct sums *sums;
    char line[SUMS_LINE_MAX]; /* for END */
};

static void begin(void *ctx, const struct head *h)
{
    struct index *index = ctx;

    index->sums = sums_open(h);
}

static void put_sums(struct writer *out, const struct buf *body)
{
    writer_frame(out, (struct frame){.type = FRAME_SUMS, .length = (uint32_t)body->len}, body->data);
}

static void put_leaf(struct index *index, struct writer *out)
{
    struct buf leaf = {0};

    sums_leaf(index->sums, writer_seq(out), writer_size(out), &leaf);
    put_sums(out, &leaf);
    buf_free(&leaf);
}

/* An index that is there already is left out: ours takes its place. */
static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct index *index = ctx;

    if (sums_leaf_full(index->sums))
        put_leaf(index, out);
    if (frame_numbered(f->type))
        sums_add(index->sums, f, body, writer_size(out));
    return f->type != FRAME_SUMS;
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct index *index = ctx;
    struct buf root = {0};

    (void)end;
    if (!sums_leaf_empty(index->sums))
        put_leaf(index, out);
    sums_root(index->sums, &root);
    sums_line(index->sums, writer_seq(out), writer_size(out), &root, index->line);
    put_sums(out, &root);
    sums_close(index->sums);
    buf_free(&root);
    return index->line;
}

int main(int argc, char **argv)
{
    static const struct cmd cmd = {
        .name = "bk-sum",
        .brief = "add an index with checksums to a stream",
        .operands = "",
        .example = "bk-dump -d app | bk-zstd | bk-sum | bk-put app.bk",
    };
    static const struct tap tap = {begin, see, end};
    struct index index = {0};

    opt_parse(&cmd, argc, argv);
    filter_tap(&tap, &index, &filter_stdio);
    return DONE_OK;
}
