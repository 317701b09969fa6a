/* bk-cmp - compares two streams by what they say is in them, as facts.h does, and tells it. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contents.h"
#include "facts.h"
#include "filter.h"
#include "io.h"
#include "json.h"
#include "msg.h"
#include "opt.h"

struct side {
    const char *name;
    struct contents contents;
    struct facts *facts;
};

struct result {
    bool json;
    size_t notes, incomparable, differences;
    struct json out;
};

static void begin(void *ctx, const struct head *h)
{
    const struct side *s = ctx;

    hint("this is said of %s", s->name);
    if (!head_kind_is(h, "backup") && !head_kind_is(h, "digests"))
        die(GUARDED, "this is neither a backup nor digests, but a stream of kind '%s'", head_kind(h));
    filter_want_items(h);
}

static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct side *s = ctx;
    const char *wrong = NULL;

    (void)out;
    if (f->type == FRAME_ITEM)
        wrong = contents_item(&s->contents, f, body);
    if (f->type == FRAME_DATA)
        wrong = contents_data(&s->contents, f);
    if (f->type == FRAME_DONE)
        wrong = contents_done(&s->contents, f, body);
    if (wrong)
        filter_die_frame(f, wrong);
    return true;
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct side *s = ctx;

    (void)out;
    contents_check(&s->contents, end, false);
    s->facts = facts_open(&s->contents);
    return NULL;
}

static void read_side(struct side *s, const char *path)
{
    static const struct tap tap = {begin, see, end};
    bool standard = strcmp(path, "-") == 0;
    struct ends ends = {.in = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), .out = -1};

    s->name = ends.in_name = standard ? filter_stdio.in_name : path;
    if (ends.in < 0)
        die_errno("cannot open '%s'", path);
    filter_tap(&tap, s, &ends);
    hint_forget();
    if (!standard)
        close(ends.in);
}

static void tell_json(struct json *j, const struct finding *f)
{
    static const char *const words[] = {"note", "incomparable", "difference"};
    const char *const member[][2] = {{"record", words[f->level]}, {"type", f->type}, {"schema", f->schema},
                                     {"name", f->name},           {"what", f->what}, {"which", f->which}};

    json_object(j, NULL);
    for (size_t i = 0; i < sizeof member / sizeof member[0]; i++)
        if (*member[i][1])
            json_string(j, member[i][0], member[i][1]);
    if (f->a)
        json_string(j, "a", f->a);
    if (f->b)
        json_string(j, "b", f->b);
    json_object_end(j);
    json_end_line(j);
}

/* "SPACE VALUE", if there is one. */
static void add_word(struct buf *b, const char *value)
{
    if (*value)
        buf_addc(b, ' ');
    fields_encode_value(value, b);
}

/* "public.t: column x: integer <> text", "public.t: column x integer: only in A", "public.t: only in B". */
static void tell_text(struct buf *b, const struct finding *f)
{
    static const char *const words[] = {"note: ", "cannot be compared: ", ""};

    buf_adds(b, words[f->level]);
    fields_encode_value(*f->name ? f->schema : f->type, b);
    if (*f->name)
        buf_addc(b, '.');
    fields_encode_value(f->name, b);
    buf_addc(b, ':');
    add_word(b, f->what);
    add_word(b, f->which);
    if (f->a && f->b) {
        buf_addc(b, ':');
        add_word(b, f->a);
        buf_adds(b, " <>");
        add_word(b, f->b);
    } else {
        add_word(b, f->a ? f->a : f->b);
        buf_addf(b, "%s only in %s", *f->what ? ":" : "", f->a ? "A" : "B");
    }
    buf_addc(b, '\n');
}

static void tell(void *ctx, const struct finding *f)
{
    struct result *r = ctx;

    r->notes += f->level == NOTE;
    r->incomparable += f->level == INCOMPARABLE;
    r->differences += f->level == DIFFERENCE;
    if (r->json)
        tell_json(&r->out, f);
    else
        tell_text(&r->out.out, f);
}

static void print_same(struct buf *b, const struct contents *c)
{
    uint64_t tables = 0, rows = 0, n;

    for (uint32_t i = 0; i < c->count; i++) {
        bool is_table = c->item[i].type == ITEM_TABLE;
        tables += is_table;
        if (is_table && fields_get_u64(&c->item[i].done, "rows", &n))
            rows += n;
    }
    buf_addf(b, "the same: %" PRIu64 " tables, %" PRIu64 " rows\n", tables, rows);
}

/* The last line. */
static void print_result(struct result *r, const struct side *a)
{
    bool same = r->differences + r->incomparable == 0;
    struct json *j = &r->out;

    if (same && !r->json)
        print_same(&j->out, &a->contents);
    if (!r->json)
        return;
    json_object(j, NULL);
    json_string(j, "record", "result");
    json_bool(j, "same", same);
    json_u64(j, "differences", r->differences);
    json_u64(j, "incomparable", r->incomparable);
    json_u64(j, "notes", r->notes);
    json_object_end(j);
    json_end_line(j);
}

/* What differs differs, whatever else cannot be told. */
static enum status status_of(const struct result *r)
{
    if (r->differences > 0)
        return DIFFERENT;
    if (r->incomparable == 0)
        return DONE_OK;
    hint("standard output says what cannot be compared; digests want the same bk and the same encoding");
    die(BAD_CALL, "nothing differs as far as can be seen, but not all can be compared");
}

int main(int argc, char **argv)
{
    struct result r = {0};
    struct side a = {0}, b = {0};
    const struct opt opt[] = {
        {OPT_FLAG, 'J', NULL, NULL, "as JSON lines", &r.json, 0, 0},
    };
    const struct cmd cmd = {
        .name = "bk-cmp",
        .brief = "compare what is in two streams",
        .operands = "A B",
        .opt = opt,
        .opts = sizeof opt / sizeof opt[0],
        .min_operands = 2,
        .max_operands = 2,
        .example = "bk-dump --digests -d restored | bk-cmp app.bk -",
    };
    char **operand = argv + opt_parse(&cmd, argc, argv);
    bool last_first = strcmp(operand[1], "-") == 0; /* a dump that waits holds locks; a file can wait */

    if (last_first && strcmp(operand[0], "-") == 0)
        opt_wrong("only one of the two can be standard input");
    if (last_first)
        read_side(&b, operand[1]);
    read_side(&a, operand[0]);
    if (!last_first)
        read_side(&b, operand[1]);
    facts_compare(a.facts, b.facts, tell, &r);
    print_result(&r, &a);
    if (io_write(STDOUT_FILENO, r.out.out.data, r.out.out.len) < 0)
        die_errno("cannot write to standard output");
    buf_free(&r.out.out);
    facts_free(a.facts);
    facts_free(b.facts);
    contents_free(&a.contents);
    contents_free(&b.contents);
    return status_of(&r);
}
