/* bk-cat - looks into a backup without a server: the rows of one table as COPY writes them, or the
 * definitions as SQL. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contents.h"
#include "filter.h"
#include "io.h"
#include "msg.h"
#include "opt.h"
#include "pgtool.h"
#include "tuple.h"

struct cat {
    const char *table; /* NULL: the definitions */
    int archive;       /* a scratch file for them */
    struct contents contents;
    uint32_t wanted; /* the item; 0: not found yet */
    bool begun;      /* something of the table was printed */
};

static void print(const void *bytes, size_t n)
{
    if (io_write(STDOUT_FILENO, bytes, n) < 0)
        die_errno("cannot write to standard output");
}

/* The first bytes of a table in binary are COPY's header, and the last ones its trailer, once all is good. */
static void print_rows(struct cat *c, const void *rows, size_t n)
{
    const struct item *i = &c->contents.item[c->wanted - 1];

    if (!c->begun && i->format == FORMAT_BINARY)
        print(copy_header, sizeof copy_header);
    c->begun = true;
    print(rows, n);
}

static void print_end(struct cat *c)
{
    const struct item *i = &c->contents.item[c->wanted - 1];

    contents_want_format(i);
    if (i->format == FORMAT_BINARY)
        print_rows(c, copy_trailer, sizeof copy_trailer);
}

static void begin(void *ctx, const struct head *h)
{
    (void)ctx;
    if (strcmp(head_kind(h), "backup") != 0)
        die(GUARDED, "this is no backup, but a stream of kind '%s'", head_kind(h));
    filter_want_plain(h);
}

/* "name" or "schema.name", as they are in the database. */
static bool matches(const struct cat *c, const struct item *i)
{
    const char *schema = item_get(i, "schema"), *name = item_get(i, "name");
    size_t n = strlen(schema);

    if (!c->table)
        return i->type == ITEM_SCHEMA;
    if (i->type != ITEM_TABLE)
        return false;
    return strcmp(c->table, name) == 0 ||
           (strncmp(c->table, schema, n) == 0 && c->table[n] == '.' && strcmp(c->table + n + 1, name) == 0);
}

static const char *see_item(struct cat *c, const struct frame *f, const uint8_t *body)
{
    const char *wrong = contents_item(&c->contents, f, body);

    if (wrong || !matches(c, &c->contents.item[f->item - 1]))
        return wrong;
    if (c->wanted)
        opt_wrong("there are several tables '%s', in %s and %s: say SCHEMA.NAME", c->table,
                  item_get(&c->contents.item[c->wanted - 1], "schema"),
                  item_get(&c->contents.item[f->item - 1], "schema"));
    c->wanted = f->item;
    return NULL;
}

static _Noreturn void die_not_there(const struct cat *c)
{
    if (!c->table)
        die(FAILED, "there are no definitions in this backup");
    hint("bk-ls lists the tables that are there");
    die(FAILED, "there is no table '%s' in this backup", c->table);
}

static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct cat *c = ctx;
    const char *wrong = NULL;

    (void)out;
    if (f->type == FRAME_ITEM)
        wrong = see_item(c, f, body);
    else if (!c->wanted && frame_numbered(f->type))
        die_not_there(c);
    if (f->item == c->wanted && f->type == FRAME_DATA) {
        wrong = contents_data(&c->contents, f);
        if (!wrong)
            wrong = contents_digest(&c->contents, f, body);
        if (!wrong && !c->table)
            io_scratch_write(c->archive, body, f->length);
        if (c->table)
            hint("do not use what was written"); /* by whatever we die from now on */
        if (!wrong && c->table)
            print_rows(c, body, f->length);
    }
    if (f->item == c->wanted && f->type == FRAME_DONE)
        wrong = contents_done(&c->contents, f, body);
    if (wrong)
        filter_die_frame(f, wrong);
    return true;
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct cat *c = ctx;

    (void)out, (void)end;
    if (!c->wanted)
        die_not_there(c);
    contents_check_item(&c->contents.item[c->wanted - 1], true);
    print_end(c);
    return NULL;
}

/* pg_restore of August 2025 and later puts its script between "\restrict KEY" and "\unrestrict KEY", for psql
 * only. They are left out: what is left is SQL. */
struct script {
    char *key; /* "KEY\n" once it was seen */
    bool sql;  /* something that is neither comment nor empty was seen */
};

static void put_line(void *ctx, struct buf *bytes)
{
    struct script *s = ctx;
    const char *line = buf_str(bytes);

    if (!s->sql && strncmp(line, "\\restrict ", 10) == 0)
        s->key = xstrdup(line + 10);
    else if (!(s->key && strncmp(line, "\\unrestrict ", 12) == 0 && strcmp(line + 12, s->key) == 0))
        print(bytes->data, bytes->len);
    s->sql = s->sql || !(line[0] == '\n' || line[0] == '\\' || strncmp(line, "--", 2) == 0);
}

static void print_script(int archive)
{
    char path[32];
    struct pgtool tool = pgtool_find("pg_restore", 1, "");
    char *argv[] = {tool.path, "-f", "-", fd_path(archive, path), NULL}, *env[] = {NULL};
    struct child child = child_start("pg_restore", argv, env, CHILD_PIPE);
    struct script script = {0};

    child_lines(&child, put_line, &script);
    char *failed = child_wait(&child);
    if (failed)
        die(FAILED, "pg_restore %s; do not use what was written", failed);
    free(script.key);
    pgtool_free(&tool);
}

int main(int argc, char **argv)
{
    struct cat cat = {.archive = -1};
    bool ddl = false;
    const struct opt opt[] = {
        {OPT_STRING, 't', NULL, "TABLE", "the rows of NAME or SCHEMA.NAME, as COPY writes them", &cat.table,
         0, 0},
        {OPT_FLAG, 0, "ddl", NULL, "the definitions, as SQL", &ddl, 0, 0},
    };
    const struct cmd cmd = {
        .name = "bk-cat",
        .brief = "look into a backup without a server",
        .operands = "",
        .opt = opt,
        .opts = sizeof opt / sizeof opt[0],
        .example = "bk-get app.bk | bk-zstd -d | bk-cat -t public.users",
    };
    static const struct tap tap = {begin, see, end};

    opt_parse(&cmd, argc, argv);
    if (ddl == (cat.table != NULL))
        opt_wrong("say either -t TABLE or --ddl");
    if (ddl)
        cat.archive = io_scratch_file();
    filter_tap(&tap, &cat, &filter_stdin_only);
    if (ddl)
        print_script(cat.archive);
    contents_free(&cat.contents);
    return DONE_OK;
}
