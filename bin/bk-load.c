/* bk-load - loads a backup into an existing, empty database, and holds it to what the backup says.
 *
 * Definitions go to pg_restore, rows to copyin.h's connections. Until all is there and agrees, the database
 * holds the schema bk_incomplete.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contents.h"
#include "copyin.h"
#include "filter.h"
#include "io.h"
#include "lo.h"
#include "msg.h"
#include "opt.h"
#include "pg.h"
#include "progress.h"
#include "restore.h"
#include "target.h"

struct load {
    int jobs;
    struct pg *pg;
    struct contents contents;
    bool older_server; /* is allowed */
    char *encoding;    /* of the source, where the server is to convert it; NULL: the target's own */
    char *made_with;   /* the archive: "pg_dump 15.18" */
    struct restore restore;
    struct copyin *copyin; /* NULL: schemas and tables are not there yet */
};

static void begin(void *ctx, const struct head *h)
{
    struct load *l = ctx;
    uint64_t estimate = 0;

    if (strcmp(head_kind(h), "backup") != 0)
        die(GUARDED, "this is no backup, but a stream of kind '%s'", head_kind(h));
    filter_want_plain(h);
    target_check_empty(l->pg);
    fields_get_u64(&h->fields, "estimate", &estimate);
    progress_begin(estimate);
}

static void take_item(struct load *l, const struct item *i)
{
    if (i->type == ITEM_OTHER)
        die(BAD_DATA, "the backup has an item of type '%s', which this bk does not know: made by a newer bk",
            item_get(i, "type"));
    if (i->type == ITEM_SCHEMA)
        l->restore.made_with = l->made_with = xstrdup(item_get(i, "made-with"));
    if (i->type != ITEM_DATABASE)
        return;
    const char *encoding = item_get(i, "encoding");
    if (*encoding && strcmp(encoding, "SQL_ASCII") != 0)
        l->encoding = xstrdup(encoding); /* else the bytes must be right as they are: the server checks */
}

static void make_copy(struct load *l, const struct item *i, struct buf *sql)
{
    size_t columns = 0;
    const char *schema = fields_get(&i->fields, "root-schema"), *name = fields_get(&i->fields, "root-name");

    buf_adds(sql, "COPY ");
    pg_ident(l->pg, schema && name ? schema : item_get(i, "schema"), sql);
    buf_addc(sql, '.');
    pg_ident(l->pg, schema && name ? name : item_get(i, "name"), sql);
    for (size_t k = 0; k < i->fields.count; k++) {
        if (strcmp(i->fields.line[k].name, "column") != 0)
            continue;
        buf_adds(sql, columns++ ? ", " : " (");
        pg_ident(l->pg, i->fields.line[k].value, sql);
    }
    buf_adds(sql, columns ? ") FROM STDIN" : " FROM STDIN");
}

static void make_statements(struct load *l)
{
    for (uint32_t n = 1; n <= l->contents.count; n++) {
        const struct item *i = &l->contents.item[n - 1];
        struct buf sql = {0};
        if (i->type == ITEM_TABLE)
            make_copy(l, i, &sql);
        if (i->type == ITEM_SEQUENCES)
            buf_adds(&sql, "COPY pg_temp.bk_sequence FROM STDIN");
        if (i->type == ITEM_LARGE_OBJECTS)
            buf_adds(&sql, lo_copy_in);
        if (sql.len > 0)
            copyin_statement(l->copyin, n, buf_str(&sql));
    }
}

/* All ITEMs and the archive are there: makes schemas and tables. From here on the target is not empty. */
static void define(struct load *l)
{
    if (l->restore.archive < 0)
        die(BAD_DATA, "the backup has no definitions");
    if (l->encoding)
        pg_set_encoding(l->pg, l->encoding);
    if (l->contents.item[0].type != ITEM_DATABASE)
        die(BAD_DATA, "the backup does not say of which database it is");
    if (!l->older_server)
        target_check_version(l->pg, &l->contents.item[0].fields);
    target_check_needs(l->pg, &l->contents.item[0].fields, &l->restore.out);
    pg_exec(l->pg, "set up the session", "SET synchronous_commit = off"); /* target_unmark() waits for all */
    target_mark(l->pg);
    l->restore.child = pg_child(l->pg);
    restore_pre_data(&l->restore);
    pg_exec(
        l->pg, "prepare for the sequences",
        "CREATE TEMPORARY TABLE bk_sequence (schema text, name text, last_value bigint, is_called boolean)");
    lo_begin(l->pg);
    l->copyin = copyin_open(l->pg, l->encoding, l->jobs, &l->contents);
    make_statements(l);
}

static const char *take_archive(struct load *l, const struct frame *f, const uint8_t *body)
{
    if (l->copyin)
        return "definitions come after rows";
    if (l->restore.archive < 0)
        l->restore.archive = io_scratch_file();
    io_scratch_write(l->restore.archive, body, f->length);
    return contents_digest(&l->contents, f, body);
}

/* Configuration tables of extensions have rows, keys and triggers already, and go first, one after the other.
 * Sequences' places are kept for the end. Large objects are made as their rows come. All that by our own
 * connection, tables by any. */
static void take_rows(struct load *l, const struct frame *f, const uint8_t *body)
{
    const struct item *i = &l->contents.item[f->item - 1];
    bool more = f->flags & FRAME_MORE;
    bool here = i->type != ITEM_TABLE || fields_get(&i->fields, "extension");

    copyin_put(l->copyin, f->item, more, here, body, f->length);
    if (i->type == ITEM_LARGE_OBJECTS && !more)
        lo_apply(l->pg);
}

static const char *take_data(struct load *l, const struct frame *f, const uint8_t *body)
{
    const struct item *i = &l->contents.item[f->item - 1];
    const char *wrong = contents_data(&l->contents, f);

    if (wrong)
        return wrong;
    progress_add(f->length);
    if (i->type == ITEM_SCHEMA)
        return take_archive(l, f, body);
    if (!l->copyin)
        define(l);
    take_rows(l, f, body);
    return NULL;
}

static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct load *l = ctx;
    const char *wrong = NULL;

    (void)out;
    if (f->type == FRAME_ITEM)
        wrong = contents_item(&l->contents, f, body);
    if (f->type == FRAME_ITEM && !wrong)
        take_item(l, &l->contents.item[f->item - 1]);
    if (f->type == FRAME_DATA)
        wrong = take_data(l, f, body);
    if (f->type == FRAME_DONE)
        wrong = contents_done(&l->contents, f, body);
    if (wrong)
        filter_die_frame(f, wrong);
    return true;
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct load *l = ctx;

    (void)out;
    if (!l->copyin)
        define(l);
    copyin_finish(l->copyin);
    progress_end();
    contents_check(&l->contents, end, true);
    pg_exec(l->pg, "set the sequences",
            "SELECT pg_catalog.setval(pg_catalog.format('%I.%I', schema, name)::pg_catalog.regclass, "
            "last_value, is_called)"
            " FROM pg_temp.bk_sequence");
    lo_finish(l->pg, &l->restore.out);
    info("%s rows are there and agree; now indexes and constraints", fields_get(end, "rows"));
    restore_post_data(&l->restore);
    restore_views(&l->restore);
    target_unmark(l->pg);
    info("done; ANALYZE brings statistics at once");
    return NULL;
}

static void free_load(struct load *l)
{
    free(l->encoding);
    free(l->made_with);
    pg_child_free(&l->restore.child);
    close(l->restore.archive);
    contents_free(&l->contents);
}

int main(int argc, char **argv)
{
    const char *database = NULL;
    struct left_out out = {0};
    struct load l = {.jobs = opt_cores(4)};
    const struct opt opt[] = {
        {OPT_STRING, 'd', NULL, "DB", "empty database: name, conninfo, URI, or env:VAR", &database, 0, 0},
        {OPT_NUMBER, 'j', NULL, "N", "connections (cores, at most 4); 1: no threads", &l.jobs, 1, 256},
        {OPT_FLAG, 0, "allow-older-server", NULL, "load into an older major version", &l.older_server, 0, 0},
        {OPT_FLAG, 0, "no-owner", NULL, "all belongs to the role that loads", &out.owners, 0, 0},
        {OPT_FLAG, 0, "no-acl", NULL, "leave access rights out", &out.acls, 0, 0},
        {OPT_FLAG, 0, "no-tablespaces", NULL, "all in the database's own tablespace", &out.tablespaces, 0, 0},
    };
    const struct cmd cmd = {
        .name = "bk-load",
        .brief = "load a backup into an empty database",
        .operands = "",
        .opt = opt,
        .opts = sizeof opt / sizeof opt[0],
        .example = "createdb -T template0 app_new; bk-get app.bk | bk-zstd -d | bk-load -d app_new",
    };
    static const struct tap tap = {begin, see, end};

    opt_parse(&cmd, argc, argv);
    if (!database)
        opt_wrong("say with -d which database to load into");
    l.restore = (struct restore){.archive = -1, .made_with = "", .jobs = l.jobs, .out = out};
    l.pg = pg_open(pg_conninfo(database), "bk-load");
    filter_tap(&tap, &l, &filter_stdin_only);
    pg_close(l.pg);
    free_load(&l);
    return DONE_OK;
}
