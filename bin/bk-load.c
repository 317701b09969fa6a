/* bk-load - loads a backup into an existing, empty database, and holds it to what the backup says.
 *
 * The main thread reads the stream. Definitions go to pg_restore; rows into a queue, from which each of N
 * connections takes the next body and COPYs it: rows in a body are whole, so any connection may, but for a
 * row that goes on, whose bodies one connection takes in turn. Until all is there and agrees, the database
 * holds the schema bk_incomplete.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contents.h"
#include "filter.h"
#include "io.h"
#include "lo.h"
#include "msg.h"
#include "opt.h"
#include "pg.h"
#include "pool.h"
#include "progress.h"
#include "restore.h"
#include "spool.h"
#include "target.h"

enum { QUEUE_BYTES = 8 << 20 };

struct load {
    int jobs;
    struct pg *pg; /* the main thread's: definitions, configuration tables, sequences; with -j 1 all */
    struct copier *copier;
    struct contents contents;
    uint64_t *server_rows; /* of each item, as the server counted them */
    char **what;           /* of each item, for messages: "load public.posts" */
    char **copy;           /* of each item, the COPY statement; NULL where there is none */
    char *encoding;        /* of the source, where the server is to convert it; NULL: the target's own */
    char *made_with;       /* the archive: "pg_dump 15.18" */
    struct restore restore;
    bool defined;        /* schemas and tables are there */
    struct queue *queue; /* NULL: the workers have not started, or there are none */
    pthread_t *thread;
    pthread_mutex_t turn; /* held while taking bodies that follow each other */
    pthread_mutex_t lock; /* of what is counted in contents and server_rows, and of what was put off: */
    struct spool put_off; /* bodies that the server refused, tagged with their item */
    char *why_put_off;    /* the last of them */
};

/* One connection, and the COPY that is open on it while a row goes on. */
struct copier {
    struct load *load;
    struct pg *pg;
    bool open;
    struct digest digest; /* of what was sent in this COPY */
};

struct chunk {
    uint32_t item;
    bool more;
    struct buf body;
};

static struct pg *connect_to(const struct load *l)
{
    struct pg *pg = pg_again(l->pg, "bk-load");

    if (l->encoding)
        pg_set_encoding(pg, l->encoding);
    pg_exec(pg, "set up the session", "SET synchronous_commit = off"); /* the last commit waits for all */
    return pg;
}

/* A body whose rows the server refused: perhaps a CHECK reads a table that is not full yet. It is tried again
 * when all others are in. Of a row over several bodies only the last would be at hand: that fails. */
static void put_off(struct load *l, uint32_t item, bool alone, const void *body, size_t n, char *words)
{
    if (!alone)
        die(FAILED, "cannot %s: %s", l->what[item - 1], words);
    pthread_mutex_lock(&l->lock);
    spool_put(&l->put_off, item, body, (uint32_t)n);
    free(l->why_put_off);
    l->why_put_off = xasprintf("cannot %s: %s", l->what[item - 1], words);
    pthread_mutex_unlock(&l->lock);
    free(words);
}

/* Sends one body. The COPY ends with it, unless its last row goes on in the next. */
static void copy_body(struct copier *c, uint32_t item, bool more, const void *body, size_t n)
{
    struct load *l = c->load;
    struct item *i = &l->contents.item[item - 1];
    bool alone = !c->open && !more;
    uint64_t rows;
    char *words;

    if (!c->open) {
        digest_begin(&c->digest, DIGEST_ROWS);
        pg_copy_in(c->pg, l->what[item - 1], l->copy[item - 1]);
        c->open = true;
    }
    if (!digest_add(&c->digest, body, n, more))
        die(BAD_DATA, "%s: a body does not hold whole rows", item_name(i));
    pg_copy_put(c->pg, body, n);
    if (more)
        return;
    c->open = false;
    if (!pg_copy_end_try(c->pg, &rows, &words)) {
        put_off(l, item, alone, body, n, words);
        return;
    }
    pthread_mutex_lock(&l->lock);
    digest_merge(&i->found, &c->digest);
    l->server_rows[item - 1] += rows;
    pthread_mutex_unlock(&l->lock);
}

/* Tries what was put off, as long as some of it gets in each time. */
static void copy_put_off(struct load *l)
{
    struct buf body = {0};
    uint32_t item;

    for (uint64_t last = UINT64_MAX; l->put_off.pieces > 0;) {
        struct spool now = l->put_off;
        if (now.pieces == last)
            die(FAILED, "%s", l->why_put_off);
        last = now.pieces;
        detail("trying %" PRIu64 " bodies again: %s", now.pieces, l->why_put_off);
        l->put_off = (struct spool){0};
        spool_rewind(&now);
        while (spool_next(&now, &item, &body))
            copy_body(l->copier, item, false, body.data, body.len);
        spool_free(&now);
    }
    spool_free(&l->put_off);
    buf_free(&body);
}

static void copy_chunk(struct copier *c, struct chunk *chunk)
{
    copy_body(c, chunk->item, chunk->more, chunk->body.data, chunk->body.len);
    buf_free(&chunk->body);
    free(chunk);
}

/* Bodies of one row follow each other in the queue: whoever takes the first keeps the turn until it has the
 * last. */
static bool copy_next(struct copier *c)
{
    pthread_mutex_lock(&c->load->turn);
    struct chunk *chunk = queue_get(c->load->queue);
    while (chunk && chunk->more) {
        copy_chunk(c, chunk);
        chunk = queue_get(c->load->queue);
    }
    pthread_mutex_unlock(&c->load->turn);
    if (!chunk)
        return false;
    copy_chunk(c, chunk);
    return true;
}

static void *run_worker(void *arg)
{
    struct copier c = {.load = arg, .pg = connect_to(arg)};

    while (copy_next(&c))
        continue;
    pg_close(c.pg);
    return NULL;
}

static void start_workers(struct load *l)
{
    l->queue = queue_open(QUEUE_BYTES);
    l->thread = xcalloc((size_t)l->jobs, sizeof l->thread[0]);
    for (int i = 0; i < l->jobs; i++)
        l->thread[i] = thread_start(run_worker, l);
}

static void join_workers(struct load *l)
{
    if (!l->queue)
        return;
    queue_end(l->queue);
    for (int i = 0; i < l->jobs; i++)
        pthread_join(l->thread[i], NULL);
    queue_free(l->queue);
    free(l->thread);
    l->queue = NULL;
}

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
    l->what = xcalloc(l->contents.count, sizeof l->what[0]);
    l->copy = xcalloc(l->contents.count, sizeof l->copy[0]);
    l->server_rows = xcalloc(l->contents.count, sizeof l->server_rows[0]);
    for (uint32_t i = 0; i < l->contents.count; i++) {
        struct buf sql = {0};
        char *name = item_name(&l->contents.item[i]);
        l->what[i] = xasprintf("load %s", name);
        free(name);
        if (l->contents.item[i].type == ITEM_TABLE)
            make_copy(l, &l->contents.item[i], &sql);
        else if (l->contents.item[i].type == ITEM_SEQUENCES)
            buf_adds(&sql, "COPY pg_temp.bk_sequence FROM STDIN");
        else if (l->contents.item[i].type == ITEM_LARGE_OBJECTS)
            buf_adds(&sql, lo_copy_in);
        if (sql.len > 0)
            l->copy[i] = buf_str(&sql);
    }
}

/* All ITEMs and the archive are there: makes schemas and tables. From here on the target is not empty. */
static void define(struct load *l)
{
    if (l->restore.archive < 0)
        die(BAD_DATA, "the backup has no definitions");
    if (l->encoding)
        pg_set_encoding(l->pg, l->encoding);
    if (l->contents.count > 0)
        target_check_needs(l->pg, &l->contents.item[0].fields, &l->restore.out);
    pg_exec(l->pg, "set up the session", "SET synchronous_commit = off"); /* target_unmark() waits for all */
    target_mark(l->pg);
    l->restore.child = pg_child(l->pg);
    restore_pre_data(&l->restore);
    make_statements(l);
    pg_exec(
        l->pg, "prepare for the sequences",
        "CREATE TEMPORARY TABLE bk_sequence (schema text, name text, last_value bigint, is_called boolean)");
    lo_begin(l->pg);
    l->defined = true;
}

static const char *take_archive(struct load *l, const struct frame *f, const uint8_t *body)
{
    if (l->defined)
        return "definitions come after rows";
    if (l->restore.archive < 0)
        l->restore.archive = io_scratch_file();
    if (io_write(l->restore.archive, body, f->length) < 0)
        die_errno("cannot write a temporary file");
    return contents_digest(&l->contents, f, body);
}

/* Configuration tables of extensions have rows, keys and triggers already, and go first, one after the other;
 * sequences' places are kept for the end. Both by the main connection. All else by the workers. */
static void take_rows(struct load *l, const struct frame *f, const uint8_t *body)
{
    const struct item *i = &l->contents.item[f->item - 1];
    bool more = f->flags & FRAME_MORE;

    if (l->jobs == 1 || i->type != ITEM_TABLE || fields_get(&i->fields, "extension")) {
        copy_body(l->copier, f->item, more, body, f->length);
        if (i->type == ITEM_LARGE_OBJECTS && !more)
            lo_apply(l->pg);
        return;
    }
    if (!l->queue)
        start_workers(l);
    struct chunk *c = xcalloc(1, sizeof *c);
    c->item = f->item;
    c->more = more;
    buf_add(&c->body, body, f->length);
    queue_put(l->queue, c, f->length);
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
    if (!l->defined)
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

/* What was sent must be what the backup says, and what the server counted as well. */
static void compare(const struct load *l, const struct fields *end)
{
    contents_check(&l->contents, end, true);
    for (uint32_t n = 0; n < l->contents.count; n++) {
        const struct item *i = &l->contents.item[n];
        if (l->copy[n] && l->server_rows[n] != i->found.rows)
            die(FAILED, "%s: %" PRIu64 " rows were sent, but the server counted %" PRIu64, item_name(i),
                i->found.rows, l->server_rows[n]);
    }
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct load *l = ctx;

    (void)out;
    if (!l->defined)
        define(l);
    join_workers(l);
    copy_put_off(l);
    progress_end();
    compare(l, end);
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
    for (uint32_t i = 0; i < l->contents.count; i++) {
        free(l->copy[i]);
        free(l->what[i]);
    }
    free(l->copy);
    free(l->what);
    free(l->server_rows);
    free(l->encoding);
    free(l->made_with);
    free(l->why_put_off);
    pg_child_free(&l->restore.child);
    close(l->restore.archive);
    contents_free(&l->contents);
}

int main(int argc, char **argv)
{
    const char *database = NULL;
    struct left_out out = {0};
    struct load l = {
        .jobs = opt_cores(4), .turn = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER};
    const struct opt opt[] = {
        {OPT_STRING, 'd', NULL, "DB", "empty database: name, conninfo, URI, or env:VAR", &database, 0, 0},
        {OPT_NUMBER, 'j', NULL, "N", "connections (cores, at most 4); 1: no threads", &l.jobs, 1, 256},
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
    l.copier = &(struct copier){.load = &l, .pg = l.pg};
    filter_tap(&tap, &l, &filter_stdin_only);
    pg_close(l.pg);
    free_load(&l);
    return DONE_OK;
}
