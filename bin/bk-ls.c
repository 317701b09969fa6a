/* bk-ls - lists what is in a stream: for a person, or as JSON lines. It prints only once it has seen END. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contents.h"
#include "filter.h"
#include "io.h"
#include "json.h"
#include "msg.h"
#include "opt.h"
#include "progress.h"

struct list {
    bool json;
    bool hidden; /* a step hides ITEM and DONE */
    struct head head;
    struct contents contents;
};

static void begin(void *ctx, const struct head *h)
{
    struct list *l = ctx;

    head_copy(&l->head, h);
    l->hidden = !head_items_readable(h);
}

static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct list *l = ctx;
    const char *wrong = NULL;

    (void)out;
    if (l->hidden)
        return true;
    if (f->type == FRAME_ITEM)
        wrong = contents_item(&l->contents, f, body);
    if (f->type == FRAME_DATA)
        wrong = contents_data(&l->contents, f);
    if (f->type == FRAME_DONE)
        wrong = contents_done(&l->contents, f, body);
    if (wrong)
        filter_die_frame(f, wrong);
    return true;
}

static const char *shown(const struct fields *f, const char *name)
{
    const char *value = fields_get(f, name);

    return value ? value : "-";
}

static void print_head(struct buf *b, const struct list *l)
{
    const struct fields *f = &l->head.fields;

    buf_addf(b, "%s ", head_kind(&l->head));
    fields_encode_value(shown(f, "label"), b);
    buf_addf(b, ", made %.10s %.8s UTC on ", shown(f, "created"), shown(f, "created") + 11);
    fields_encode_value(shown(f, "host"), b);
    buf_adds(b, " by ");
    fields_encode_value(shown(f, "made-by"), b);
    buf_addf(b, "\nid %s", head_id(&l->head));
    for (size_t i = 0; i < f->count; i++) {
        bool is_step = strcmp(f->line[i].name, "step") == 0;
        if (!is_step && strcmp(f->line[i].name, "tag") != 0)
            continue;
        buf_addf(b, ", %s ", f->line[i].name);
        fields_encode_value(f->line[i].value, b);
    }
    buf_addc(b, '\n');
}

/* All values of a name in one line: "WORDS a, b". */
static void print_list(struct buf *b, const char *words, const struct fields *f, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->line[i].name, name) != 0)
            continue;
        buf_adds(b, n++ ? ", " : words);
        fields_encode_value(f->line[i].value, b);
    }
    if (n > 0)
        buf_addc(b, '\n');
}

static void print_database(struct buf *b, const struct item *i)
{
    buf_adds(b, "database ");
    fields_encode_value(item_get(i, "name"), b);
    buf_addf(b, ", PostgreSQL %s, %s\n", item_get(i, "server-version"), item_get(i, "encoding"));
    print_list(b, "extensions ", &i->fields, "extension");
    print_list(b, "not all of it: ", &i->fields, "select");
}

static void print_item(struct buf *b, const struct item *i, uint32_t number)
{
    char rows[40], size[16], stored[16];
    char *name = item_name(i);
    uint64_t bytes = 0;

    fields_get_u64(&i->done, "bytes", &bytes);
    buf_addf(b, "%7" PRIu32 " %15s %10s %10s  %s\n", number,
             i->type == ITEM_SCHEMA ? "-" : format_grouped(shown(&i->done, "rows"), rows),
             format_size(bytes, size), format_size(i->stored, stored), name);
    free(name);
}

/* The pipe that restores this stream: the undoing of each step, the last one first. */
static void print_pipe(struct buf *b, const struct head *h, bool rows_only)
{
    bool known = true;

    buf_addf(b, "to restore it into %s:\n  bk-get FILE",
             rows_only ? "tables that are empty" : "an empty database");
    for (size_t i = h->fields.count; i > 0; i--) {
        const struct field *line = &h->fields.line[i - 1];
        if (strcmp(line->name, "step") != 0)
            continue;
        const char *undo = step_undone_by(line->value);
        known = known && undo;
        buf_addf(b, " | %s", undo ? undo : "(a step that this bk does not know)");
    }
    buf_addf(b, "%s%s\n", known ? " | bk-verify | bk-load -d DB" : "",
             known && rows_only ? " --into-existing" : "");
}

/* Where items can be read; else it is taken to have them, as nearly all have. */
static bool has_definitions(const struct list *l)
{
    for (uint32_t i = 0; i < l->contents.count; i++)
        if (l->contents.item[i].type == ITEM_SCHEMA)
            return true;
    return l->contents.count == 0 || l->contents.item[0].type != ITEM_DATABASE;
}

static void print_text(struct buf *b, const struct list *l, const struct fields *end)
{
    char rows[40], size[16];
    uint64_t bytes = 0;

    print_head(b, l);
    if (l->contents.count > 0 && l->contents.item[0].type == ITEM_DATABASE)
        print_database(b, &l->contents.item[0]);
    if (l->contents.count > 0)
        buf_addf(b, "\n   item            rows       size     stored  name\n");
    for (uint32_t i = 0; i < l->contents.count; i++)
        if (l->contents.item[i].type != ITEM_DATABASE)
            print_item(b, &l->contents.item[i], i + 1);
    fields_get_u64(end, "bytes", &bytes);
    buf_addf(b, "\nwhole: END seen, %s frames, %s items, %s rows, %s%s\n", shown(end, "frames"),
             shown(end, "items"), format_grouped(shown(end, "rows"), rows), format_size(bytes, size),
             fields_get(end, "sums") ? ", with index" : "");
    if (head_kind_is(&l->head, "digests"))
        buf_addf(b, "to compare a database with it:\n  bk-dump --digests -d DB | bk-cmp FILE -\n");
    else
        print_pipe(b, &l->head, !has_definitions(l));
}

/* Fields that may come several times, and the names of the lists that they become. */
static const char *const lists[][2] = {{"tag", "tags"},
                                       {"base", "bases"},
                                       {"step", "steps"},
                                       {"setting", "settings"},
                                       {"acl", "acl"},
                                       {"copy-setting", "copy-settings"},
                                       {"slot", "slots"},
                                       {"extension", "extensions"},
                                       {"needs-role", "needs-roles"},
                                       {"needs-owner", "needs-owners"},
                                       {"needs-grantee", "needs-grantees"},
                                       {"needs-setting-role", "needs-setting-roles"},
                                       {"select", "select"},
                                       {"ancestor-schema", "ancestor-schemas"},
                                       {"ancestor-name", "ancestor-names"},
                                       {"needs-tablespace", "needs-tablespaces"}};

static bool is_list(const char *name)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (strcmp(lists[i][0], name) == 0)
            return true;
    return strcmp(name, "column") == 0 || strcmp(name, "column-type") == 0;
}

static void json_columns(struct json *j, const struct fields *f)
{
    if (fields_count(f, "column") == 0)
        return;
    json_array(j, "columns");
    for (size_t i = 0; i + 1 < f->count; i++) {
        if (strcmp(f->line[i].name, "column") != 0)
            continue;
        json_object(j, NULL);
        json_string(j, "name", f->line[i].value);
        json_string(j, "type", f->line[i + 1].value);
        json_object_end(j);
    }
    json_array_end(j);
}

static void json_fields(struct json *j, const struct fields *f)
{
    static const char *const numbers[] = {"estimate", "frames", "items", "rows", "bytes", "size", "parts"};

    for (size_t i = 0; i < f->count; i++) {
        const struct field *line = &f->line[i];
        bool number = false;
        uint64_t n;
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            number = number || (strcmp(line->name, numbers[k]) == 0 && parse_u64(line->value, &n));
        if (number)
            json_u64(j, line->name, n);
        else if (!is_list(line->name))
            json_string(j, line->name, line->value);
    }
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
        if (fields_count(f, lists[k][0]) == 0)
            continue;
        json_array(j, lists[k][1]);
        for (size_t i = 0; i < f->count; i++)
            if (strcmp(f->line[i].name, lists[k][0]) == 0)
                json_string(j, NULL, f->line[i].value);
        json_array_end(j);
    }
    json_columns(j, f);
}

static void json_line(struct json *j, const char *record, const struct fields *f)
{
    json_object(j, NULL);
    json_string(j, "record", record);
    json_fields(j, f);
    json_object_end(j);
    json_end_line(j);
}

static void print_json(struct json *j, const struct list *l, const struct fields *end)
{
    json_line(j, "head", &l->head.fields);
    for (uint32_t i = 0; i < l->contents.count; i++) {
        const struct item *item = &l->contents.item[i];
        json_object(j, NULL);
        json_string(j, "record", "item");
        json_u64(j, "item", i + 1);
        json_fields(j, &item->fields);
        json_fields(j, &item->done);
        json_u64(j, "stored", item->stored);
        json_object_end(j);
        json_end_line(j);
    }
    json_line(j, "end", end);
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct list *l = ctx;
    struct json j = {0};

    (void)out;
    if (l->json)
        print_json(&j, l, end);
    else
        print_text(&j.out, l, end);
    if (io_write(STDOUT_FILENO, j.out.data, j.out.len) < 0)
        die_errno("cannot write to standard output");
    buf_free(&j.out);
    return NULL;
}

int main(int argc, char **argv)
{
    struct list list = {0};
    const struct opt opt[] = {
        {OPT_FLAG, 'J', NULL, NULL, "as JSON lines", &list.json, 0, 0},
    };
    const struct cmd cmd = {
        .name = "bk-ls",
        .brief = "list what is in a stream",
        .operands = "",
        .opt = opt,
        .opts = sizeof opt / sizeof opt[0],
        .example = "bk-get app.bk | bk-ls",
    };
    static const struct tap tap = {begin, see, end};

    opt_parse(&cmd, argc, argv);
    filter_tap(&tap, &list, &filter_stdin_only);
    contents_free(&list.contents);
    head_free(&list.head);
    return DONE_OK;
}
