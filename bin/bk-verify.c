/* bk-verify - checks all of a stream that can be checked as it is, and passes it on.
 *
 * Always: what every reader checks (stream.h), and that ITEM, DATA, DONE and END agree in frames and totals.
 * Where there is an index: that it is the one that bk-sum would make. Where no step is left: rows, bytes and
 * digest of each item, unless it is of the kind `digests` and has no rows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "contents.h"
#include "filter.h"
#include "io.h"
#include "json.h"
#include "keyring.h"
#include "msg.h"
#include "opt.h"
#include "sums.h"
#include "version.h"

enum index_state {
    INDEX_UNKNOWN, /* no `sums` frame yet */
    INDEX_THERE,
    INDEX_NONE, /* 8,192 frames without one */
};

struct verify {
    const char *report_path, *from;
    struct newfile *report;
    struct fields head; /* for the report */
    bool sealed;        /* ITEM and DONE cannot be read */
    bool plain;         /* no step is left */
    bool digests_only;  /* there are no rows to hold them to */
    struct contents contents;
    struct sums *sums; /* the index as it has to be */
    enum index_state index_state;
    struct buf index; /* the last `sums` frame: the root if END comes next, else a leaf */
    uint64_t index_seq, index_offset;
    uint64_t offset; /* of the frame that is looked at */
    const char *checking;
};

static bool same_bytes(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* Says which frame it is that two leaves do not agree on. */
static _Noreturn void die_leaf(const struct verify *v, const struct buf *right)
{
    struct sums_entry *is, *should;
    size_t n, m;

    if (sums_leaf_decode(right->data, right->len, &should, &m))
        die(BAD_DATA, "the index at byte %" PRIu64 " lists frames that are not there", v->index_offset);
    if (sums_leaf_decode(v->index.data, v->index.len, &is, &n))
        die(BAD_DATA, "the index at byte %" PRIu64 " is damaged", v->index_offset);
    for (size_t i = 0; i < n && i < m; i++)
        if (memcmp(&is[i], &should[i], sizeof is[i]) != 0)
            die(BAD_DATA, "frame %" PRIu64 " is not what the index says of it", should[i].seq);
    die(BAD_DATA, "the index at byte %" PRIu64 " lists %zu frames where there are %zu", v->index_offset, n,
        m);
}

/* Builds the leaf once more and compares. */
static void check_leaf(struct verify *v)
{
    struct buf right = {0};

    sums_leaf(v->sums, v->index_seq, v->index_offset, &right);
    if (!same_bytes(&right, &v->index))
        die_leaf(v, &right);
    buf_free(&right);
    v->index.len = 0;
}

static void check_root(struct verify *v, const char *line)
{
    struct buf right = {0};
    char right_line[SUMS_LINE_MAX];

    if (!sums_leaf_empty(v->sums))
        die(BAD_DATA, "the index does not list the last frames");
    sums_root(v->sums, &right);
    if (!same_bytes(&right, &v->index))
        die(BAD_DATA, "the root of the index at byte %" PRIu64 " is damaged", v->index_offset);
    sums_line(v->sums, v->index_seq, v->index_offset, &right, right_line);
    if (!line || strcmp(line, right_line) != 0)
        die(BAD_DATA, "END does not name the index that is in the stream");
    buf_free(&right);
}

/* The index as far as this frame. Whether a `sums` frame was a leaf or the root shows only when the next
 * frame comes. */
static void see_index(struct verify *v, const struct frame *f, const uint8_t *body)
{
    if (v->index.len > 0 && (f->type == FRAME_SUMS || frame_numbered(f->type)))
        check_leaf(v);
    if (f->type == FRAME_SUMS) {
        if (v->index_state == INDEX_NONE)
            filter_die_frame(f, "an index that does not list the first frames");
        v->index_state = INDEX_THERE;
        buf_add(&v->index, body, f->length);
        v->index_seq = f->seq;
        v->index_offset = v->offset;
    }
    if (!frame_numbered(f->type) || v->index_state == INDEX_NONE)
        return;
    if (!sums_leaf_full(v->sums))
        sums_add(v->sums, f, body, v->offset);
    else if (v->index_state == INDEX_THERE)
        filter_die_frame(f, "the index does not list the frames before it");
    else
        v->index_state = INDEX_NONE;
}

static void see_contents(struct verify *v, const struct frame *f, const uint8_t *body)
{
    const char *wrong = NULL;

    if (f->type == FRAME_ITEM)
        wrong = contents_item(&v->contents, f, body);
    if (f->type == FRAME_DONE)
        wrong = contents_done(&v->contents, f, body);
    if (f->type == FRAME_DATA) {
        wrong = contents_data(&v->contents, f);
        if (!wrong && v->plain)
            wrong = contents_digest(&v->contents, f, body);
    }
    if (wrong)
        filter_die_frame(f, wrong);
}

static void begin(void *ctx, const struct head *h)
{
    struct verify *v = ctx;

    for (size_t i = 0; i < h->fields.count; i++)
        fields_add(&v->head, h->fields.line[i].name, h->fields.line[i].value);
    if (v->from)
        keyring_check_signer(h, v->from);
    v->sealed = !head_items_readable(h);
    v->plain = head_steps(h) == 0;
    v->digests_only = head_kind_is(h, "digests");
    v->sums = sums_open(h);
}

static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct verify *v = ctx;

    (void)out;
    v->checking = "sums";
    see_index(v, f, body);
    v->checking = "contents";
    if (!v->sealed)
        see_contents(v, f, body);
    v->checking = "framing";
    v->offset += FRAME_HEADER_BYTES + (uint64_t)f->length;
    return true;
}

/* What was not checked, and why: NULL if it was. */
static const char *sums_unchecked(const struct verify *v)
{
    return v->index_state == INDEX_THERE ? NULL : "the stream has no index (bk-sum adds one)";
}

static const char *totals_unchecked(const struct verify *v)
{
    return v->sealed ? "a step hides them" : NULL;
}

static const char *contents_unchecked(const struct verify *v)
{
    if (v->digests_only)
        return "the stream has digests and no rows";
    return v->plain ? NULL : "a step is left (undo it and verify what comes out)";
}

/* `bad` is the check that failed, "" if none did, NULL if something else ended the program. */
static void report_check(struct json *j, const char *name, const char *unchecked, const char *bad)
{
    bool is_bad = bad && strcmp(bad, name) == 0;
    bool given_up = !bad || (*bad && !is_bad);

    json_object(j, name);
    json_string(j, "result", is_bad ? "bad" : unchecked || given_up ? "not checked" : "good");
    if (given_up)
        json_string(j, "why", "the stream was given up before its end");
    else if (unchecked && !is_bad)
        json_string(j, "why", unchecked);
    json_object_end(j);
}

static void report_head(struct json *j, const struct fields *head)
{
    static const char *const names[] = {"id", "kind", "label", "created"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (fields_get(head, names[i]))
            json_string(j, names[i], fields_get(head, names[i]));
    json_array(j, "steps");
    for (size_t i = 0; i < head->count; i++)
        if (strcmp(head->line[i].name, "step") == 0)
            json_string(j, NULL, head->line[i].value);
    json_array_end(j);
}

static void make_report(struct json *j, const struct verify *v, const struct fields *end, const char *bad,
                        const char *error)
{
    static const char *const totals[] = {"frames", "items", "rows", "bytes", "size"};
    uint64_t n;

    json_object(j, NULL);
    json_string(j, "tool", "bk-verify " BK_VERSION);
    json_bool(j, "ok", !error);
    if (error)
        json_string(j, "error", error);
    report_head(j, &v->head);
    json_object(j, "checks");
    report_check(j, "framing", NULL, bad);
    report_check(j, "totals", totals_unchecked(v), bad);
    report_check(j, "sums", sums_unchecked(v), bad);
    report_check(j, "contents", contents_unchecked(v), bad);
    json_object_end(j);
    for (size_t i = 0; end && i < sizeof totals / sizeof totals[0]; i++)
        if (fields_get_u64(end, totals[i], &n))
            json_u64(j, totals[i], n);
    json_object_end(j);
    json_end_line(j);
}

/* Returns 0, or -1 with errno. */
static int write_report(struct verify *v, const struct fields *end, const char *bad, const char *error)
{
    struct json j = {0};
    struct newfile *file = v->report;

    v->report = NULL;
    make_report(&j, v, end, bad, error);
    int result = io_write(newfile_fd(file), j.out.data, j.out.len);
    if (result < 0)
        newfile_drop(file);
    else
        result = newfile_commit(file);
    buf_free(&j.out);
    return result;
}

/* A bad stream has its report too. */
static void report_failure(void *arg, enum status status, const char *why)
{
    struct verify *v = arg;

    if (v->report && write_report(v, NULL, status == BAD_DATA ? v->checking : NULL, why) < 0)
        warning("cannot write the report '%s': %s", v->report_path, strerror(errno));
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct verify *v = ctx;
    const char *sums = fields_get(end, "sums");

    (void)out;
    v->checking = "sums";
    if (v->index_state == INDEX_THERE)
        check_root(v, sums);
    else if (sums)
        die(BAD_DATA, "END names an index that is not in the stream");
    bool deep = !contents_unchecked(v);
    v->checking = deep ? "contents" : "totals";
    if (!v->sealed)
        contents_check(&v->contents, end, deep);
    v->checking = "framing";
    if (v->report && write_report(v, end, "", NULL) < 0)
        die_errno("cannot write the report '%s'", v->report_path);
    info("good: %s frames%s%s%s", fields_get(end, "frames"), sums ? ", index" : "",
         v->sealed ? "" : ", totals", deep ? ", rows and digests" : "");
    if (!deep)
        info("not checked: rows and digests: %s", contents_unchecked(v));
    return sums;
}

static void open_report(struct verify *v)
{
    v->report = newfile_open(v->report_path);
    if (!v->report && errno == EEXIST) {
        hint("take another name; bk-verify replaces no file");
        die(GUARDED, "'%s' is there already", v->report_path);
    }
    if (!v->report)
        die_errno("cannot write the report '%s'", v->report_path);
    undo_on_die(report_failure, v);
}

int main(int argc, char **argv)
{
    struct verify v = {.checking = "framing"};
    bool only_check = false;
    const struct opt opt[] = {
        {OPT_FLAG, 'n', NULL, NULL, "check only, write nothing", &only_check, 0, 0},
        {OPT_STRING, 0, "from", "PUB.pem", "sealed, and signed by the holder of this key", &v.from, 0, 0},
        {OPT_STRING, 0, "report", "FILE", "write what was checked and what was not, as JSON", &v.report_path,
         0, 0},
    };
    const struct cmd cmd = {
        .name = "bk-verify",
        .brief = "check a stream, and pass it on",
        .operands = "",
        .opt = opt,
        .opts = sizeof opt / sizeof opt[0],
        .example = "bk-get app.bk | bk-verify | bk-zstd -d | bk-verify -n",
    };
    static const struct tap tap = {begin, see, end};

    opt_parse(&cmd, argc, argv);
    if (v.report_path)
        open_report(&v);
    filter_tap(&tap, &v, only_check ? &filter_stdin_only : &filter_stdio);
    sums_close(v.sums);
    buf_free(&v.index);
    contents_free(&v.contents);
    fields_free(&v.head);
    return DONE_OK;
}
