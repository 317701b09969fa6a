/* mkstream - writes a stream for the tests to standard output: a golden one, or one as large and odd as it is
 * told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gz.h"
#include "io.h"
#include "opt.h"
#include "sample.h"
#include "zst.h"

struct wish {
    int seed;
    bool gzip, zstd;
    const char *each, *golden;
};

/* Runs a shell command with the body as its input: for bodies that another program makes. */
static void run_each(void *ctx, const uint8_t *body, size_t n, struct buf *out)
{
    const char *command = ctx;
    int in = io_scratch_file();
    char *line = xasprintf("%s </dev/fd/%d", command, in);
    size_t got;

    if (io_write(in, body, n) < 0 || lseek(in, 0, SEEK_SET) < 0)
        die_errno("cannot write a temporary file");
    FILE *p = popen(line, "r");
    if (!p)
        die_errno("cannot run '%s'", command);
    while ((got = fread(buf_room(out, 64 << 10), 1, 64 << 10, p)) > 0)
        out->len += got;
    if (pclose(p) != 0)
        die(FAILED, "'%s' failed", command);
    close(in);
    free(line);
}

static void set_codec(struct sample *s, const struct codec *codec, const char *step)
{
    s->change = sample_compress;
    s->change_ctx = (void *)codec;
    if (!s->step)
        s->step = step;
}

static void apply(const struct wish *w, struct sample *s)
{
    s->seed = (uint64_t)w->seed;
    if (w->golden && !sample_golden(w->golden, s))
        opt_wrong("there is no golden stream '%s'", w->golden);
    if (w->gzip)
        set_codec(s, &gz_compress, "gzip level=1");
    if (w->zstd)
        set_codec(s, &zst_compress, "zstd level=1");
    if (w->each) {
        s->change = run_each;
        s->change_ctx = (void *)w->each;
    }
}

int main(int argc, char **argv)
{
    struct sample s = {.tables = 2, .rows = 10, .row_bytes = 60, .body_bytes = 200};
    struct wish w = {.seed = 1};
    const struct opt opt[] = {
        {OPT_STRING, 0, "golden", "NAME", "the stream of test/data/NAME.bk", &w.golden, 0, 0},
        {OPT_NUMBER, 0, "seed", "N", "of id and rows", &w.seed, 0, 1 << 30},
        {OPT_NUMBER, 0, "tables", "N", "how many", &s.tables, 0, 1 << 20},
        {OPT_NUMBER, 0, "rows", "N", "of each table", &s.rows, 0, 1 << 30},
        {OPT_NUMBER, 0, "row", "BYTES", "of a row", &s.row_bytes, 16, 1 << 30},
        {OPT_NUMBER, 0, "body", "BYTES", "of a body, at most", &s.body_bytes, 1, 16 << 20},
        {OPT_STRING, 0, "format", "N", "HEAD's format", &s.format, 0, 0},
        {OPT_STRING, 0, "kind", "KIND", "HEAD's kind", &s.kind, 0, 0},
        {OPT_STRING, 0, "label", "LABEL", "HEAD's label; '': none", &s.label, 0, 0},
        {OPT_STRING, 0, "step", "STEP", "a step in HEAD", &s.step, 0, 0},
        {OPT_STRING, 0, "each", "COMMAND", "changes each DATA body", &w.each, 0, 0},
        {OPT_FLAG, 0, "gzip", NULL, "DATA in gzip", &w.gzip, 0, 0},
        {OPT_FLAG, 0, "zstd", NULL, "DATA in zstd", &w.zstd, 0, 0},
        {OPT_FLAG, 0, "noise", NULL, "rows that do not compress", &s.noise, 0, 0},
        {OPT_FLAG, 0, "binary", NULL, "the first table's rows in binary", &s.binary, 0, 0},
        {OPT_FLAG, 0, "sums", NULL, "with an index", &s.sums, 0, 0},
        {OPT_FLAG, 0, "lower", NULL, "unknown lower-case frames", &s.lower, 0, 0},
        {OPT_FLAG, 0, "upper", NULL, "an unknown upper-case frame", &s.upper, 0, 0},
        {OPT_STRING, 0, "abort", "WHY", "ABRT instead of an end", &s.abort_why, 0, 0},
    };
    const struct cmd cmd = {
        "mkstream",         "write a stream for the tests", "", opt, sizeof opt / sizeof opt[0], 0, 0,
        "mkstream --rows 5"};
    struct buf out = {0};

    opt_parse(&cmd, argc, argv);
    apply(&w, &s);
    sample_make(&s, &out);
    if (io_write(STDOUT_FILENO, out.data, out.len) < 0)
        die_errno("cannot write");
    buf_free(&out);
    return DONE_OK;
}
