/* bk-dump - writes a PostgreSQL database as a stream.
 *
 * One snapshot, shared by pg_dump (definitions) and N connections (rows). The leader's connection exports the
 * snapshot, and copies tables like the others: it holds the locks already. Each worker takes the next part of
 * a table, cuts its rows into bodies of about 1 MiB, and puts them into a queue, from which the main thread
 * writes. What a part's frames are depends on the table alone, not on N. Without threads (-j 1) the same
 * functions write straight to the stream.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "describe.h"
#include "io.h"
#include "lo.h"
#include "msg.h"
#include "opt.h"
#include "pg.h"
#include "pool.h"
#include "progress.h"
#include "snapshot.h"
#include "source.h"

enum {
    PART_PAGES =
        1024, /* of a heap, in one COPY: whatever N is, so that the same table gives the same frames */
    BODY_BYTES = 1 << 20,
    QUEUE_BYTES = 8 << 20, /* waiting to be written */
};

struct dump {
    const char *conninfo;
    struct snapshot snapshot;
    uint32_t first_item; /* of table 0 */
    struct source *source;
    struct queue *queue;  /* NULL: no threads */
    pthread_mutex_t turn; /* held by a worker while it puts bodies that must follow each other */
    pthread_mutex_t lock; /* of next_table, next_part */
    size_t next_table;
    uint32_t next_part;
    atomic_int working;
};

/* A body on its way to the stream. */
struct chunk {
    uint32_t item, part;
    bool more;
    struct buf body;
    struct digest rows;
};

static uint32_t parts_of(const struct table *t)
{
    if (t->condition || t->pages <= PART_PAGES)
        return 1;
    return (uint32_t)((t->pages + PART_PAGES - 1) / PART_PAGES);
}

static void write_chunk(struct dump *d, struct chunk *c)
{
    source_data(d->source, c->item, c->part, c->more, c->body.data, c->body.len, &c->rows);
    progress_add(c->body.len);
}

/* Hands a body on, and empties it. With threads the memory goes along. */
static void put_chunk(struct dump *d, struct chunk *c)
{
    size_t size = c->body.len;

    if (d->queue) {
        struct chunk *copy = xmalloc(sizeof *copy);
        *copy = *c;
        c->body = (struct buf){0};
        buf_room(&c->body, size); /* the next one of this part will be as long */
        queue_put(d->queue, copy, copy->body.cap);
    } else {
        write_chunk(d, c);
        c->body.len = 0;
    }
    digest_begin(&c->rows, DIGEST_ROWS);
}

static void flush_chunk(struct dump *d, struct chunk *c)
{
    if (c->body.len == 0)
        return;
    pthread_mutex_lock(&d->turn);
    put_chunk(d, c);
    pthread_mutex_unlock(&d->turn);
}

/* A row longer than a body: several frames, with nothing in between. Its hash goes with the last. */
static void put_long_row(struct dump *d, struct chunk *c, const char *row, size_t n)
{
    struct digest whole;

    digest_begin(&whole, DIGEST_ROWS);
    digest_row(&whole, row, n);
    pthread_mutex_lock(&d->turn);
    while (n > 0) {
        size_t piece = n < BODY_BYTES ? n : BODY_BYTES;
        buf_add(&c->body, row, piece);
        row += piece;
        n -= piece;
        c->more = n > 0;
        if (!c->more)
            c->rows = whole;
        put_chunk(d, c);
    }
    pthread_mutex_unlock(&d->turn);
}

static void add_row(struct dump *d, struct chunk *c, const char *row, size_t n)
{
    if (c->body.len + n > BODY_BYTES)
        flush_chunk(d, c);
    if (n > BODY_BYTES) {
        put_long_row(d, c, row, n);
        return;
    }
    buf_add(&c->body, row, n);
    digest_row(&c->rows, row, n);
}

/* The leader holds its lock already. For others NOWAIT: behind a lock that waits for the leader's, they would
 * wait for ever. */
static void copy_sql(struct pg *pg, const struct table *t, uint32_t part, bool leader, struct buf *sql)
{
    uint32_t parts = parts_of(t);
    struct buf name = {0};

    describe_table_name(pg, t, &name);
    if (!leader)
        buf_addf(sql, "LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT; ", buf_str(&name));
    if (parts == 1 && !t->condition) {
        buf_addf(sql, "COPY %s", buf_str(&name));
        describe_columns(pg, t, " (", ")", sql);
    } else {
        buf_adds(sql, "COPY (SELECT");
        describe_columns(pg, t, " ", "", sql);
        buf_addf(sql, " FROM ONLY %s ", buf_str(&name));
        if (t->condition)
            buf_adds(sql, t->condition);
        else
            buf_addf(sql, "WHERE ctid >= '(%" PRIu32 ",0)'", part * PART_PAGES);
        if (part + 1 < parts) /* the last one is open: the table may have grown since it was measured */
            buf_addf(sql, " AND ctid < '(%" PRIu32 ",0)'", (part + 1) * PART_PAGES);
        buf_addc(sql, ')');
    }
    buf_adds(sql, " TO STDOUT");
    buf_free(&name);
}

/* Runs a COPY and sends its rows on as bodies. */
static void copy_rows(struct dump *d, struct pg *pg, struct chunk *c, const char *what, const char *sql)
{
    char *row;
    size_t n;

    pg_copy_out(pg, what, sql);
    while ((n = pg_copy_get(pg, &row)) > 0) {
        add_row(d, c, row, n);
        pg_copy_free(row);
    }
    flush_chunk(d, c);
    buf_free(&c->body);
}

static void copy_part(struct dump *d, struct pg *pg, bool leader, size_t table, uint32_t part)
{
    const struct table *t = &d->snapshot.table[table];
    struct chunk c = {.item = d->first_item + (uint32_t)table, .part = part};
    char *what = xasprintf("copy %s.%s", t->schema, t->name);
    struct buf sql = {0};

    digest_begin(&c.rows, DIGEST_ROWS);
    copy_sql(pg, t, part, leader, &sql);
    copy_rows(d, pg, &c, what, buf_str(&sql));
    buf_free(&sql);
    free(what);
}

/* The next part of a table that nobody has taken. False: all have been. */
static bool next_part(struct dump *d, size_t *table, uint32_t *part)
{
    pthread_mutex_lock(&d->lock);
    bool there = d->next_table < d->snapshot.tables;
    *table = d->next_table;
    *part = d->next_part;
    if (there && ++d->next_part == parts_of(&d->snapshot.table[d->next_table])) {
        d->next_table++;
        d->next_part = 0;
    }
    pthread_mutex_unlock(&d->lock);
    return there;
}

static void copy_parts(struct dump *d, struct pg *pg, bool leader)
{
    size_t table;
    uint32_t part;

    while (next_part(d, &table, &part))
        copy_part(d, pg, leader, table, part);
}

struct worker {
    struct dump *dump;
    struct pg *leader; /* NULL: opens a connection of its own */
};

static void *run_worker(void *arg)
{
    struct worker *w = arg;
    struct dump *d = w->dump;
    struct pg *pg = w->leader;

    if (!pg) {
        pg = pg_open(d->conninfo, "bk-dump");
        snapshot_join(pg, d->snapshot.id);
    }
    copy_parts(d, pg, w->leader);
    if (!w->leader)
        pg_close(pg);
    if (atomic_fetch_sub(&d->working, 1) == 1)
        queue_end(d->queue);
    return NULL;
}

/* The archive goes out before all rows; those that workers have by then wait in the queue. */
static void write_archive(struct dump *d, struct child *pg_dump, uint32_t item)
{
    uint8_t *body = xmalloc(BODY_BYTES);
    bool first = true;
    ssize_t n;

    while ((n = io_read(pg_dump->out, body, BODY_BYTES)) > 0) {
        if (first && !archive_set_time(body, (size_t)n, d->snapshot.created))
            die(FAILED, "pg_dump wrote an archive of a form that this bk does not know");
        first = false;
        source_data(d->source, item, 0, false, body, (size_t)n, NULL);
    }
    if (n < 0)
        die_errno("cannot read from pg_dump");
    char *failed = child_wait(pg_dump);
    if (failed)
        die(FAILED, "pg_dump %s; its own words stand above", failed);
    free(body);
}

static void write_queue(struct dump *d)
{
    struct chunk *c;

    while ((c = queue_get(d->queue))) {
        write_chunk(d, c);
        buf_free(&c->body);
        free(c);
    }
}

/* All rows of a COPY by the main thread, once the tables are done. */
static void copy_item(struct dump *d, struct pg *pg, uint32_t item, const char *what, const char *sql)
{
    struct chunk c = {.item = item};

    digest_begin(&c.rows, DIGEST_ROWS);
    copy_rows(d, pg, &c, what, sql);
}

static void write_sequences(struct dump *d, struct pg *pg, uint32_t item)
{
    struct buf sql = {0};

    for (uint64_t after = 0; (after = describe_sequences(pg, after, &sql)) > 0; sql.len = 0)
        copy_item(d, pg, item, "read the sequences", buf_str(&sql));
    buf_free(&sql);
}

/* Rows by `jobs` connections while the archive is written, then the rest. */
static void write_data(struct dump *d, struct pg *leader, struct child *pg_dump, int jobs)
{
    pthread_t *thread = xcalloc((size_t)jobs, sizeof thread[0]);
    struct worker lead = {.dump = d, .leader = leader}, other = {.dump = d};
    uint32_t schema = d->first_item - 1, sequences = d->first_item + (uint32_t)d->snapshot.tables;

    if (jobs == 1) {
        write_archive(d, pg_dump, schema);
        copy_parts(d, leader, true);
    } else {
        d->queue = queue_open(QUEUE_BYTES);
        d->working = jobs;
        for (int i = 0; i < jobs; i++)
            thread[i] = thread_start(run_worker, i ? &other : &lead);
        write_archive(d, pg_dump, schema);
        write_queue(d);
        for (int i = 0; i < jobs; i++)
            pthread_join(thread[i], NULL);
        queue_free(d->queue);
        d->queue = NULL;
    }
    write_sequences(d, leader, sequences);
    copy_item(d, leader, sequences + 1, "read the large objects", lo_copy_out);
    free(thread);
}

static uint32_t write_item(struct source *s, enum digest_kind kind, struct fields *item)
{
    uint32_t number = source_item(s, kind, item);

    fields_free(item);
    return number;
}

/* In the order of the design: the database, its definitions, the tables, the sequences, the large objects. */
static void write_items(struct dump *d, struct pg *pg, const struct pgtool *pg_dump)
{
    struct fields item = {0};

    describe_database(pg, &item);
    write_item(d->source, DIGEST_BYTES, &item);
    fields_add(&item, "type", "schema");
    fields_add(&item, "format", "pg_dump custom");
    fields_addf(&item, "made-with", "pg_dump %s", pg_dump->version);
    d->first_item = write_item(d->source, DIGEST_BYTES, &item) + 1;
    for (size_t i = 0; i < d->snapshot.tables; i++) {
        describe_table(&d->snapshot.table[i], parts_of(&d->snapshot.table[i]), &item);
        write_item(d->source, DIGEST_ROWS, &item);
    }
    fields_add(&item, "type", "sequences");
    write_item(d->source, DIGEST_ROWS, &item);
    fields_add(&item, "type", "large-objects");
    write_item(d->source, DIGEST_ROWS, &item);
}

struct options {
    const char *database, *label;
    struct opt_list tags;
    int jobs;
};

static void make_head(struct head *h, const struct options *o, const struct snapshot *s, const char *database)
{
    char label[LABEL_MAX + 1];

    label_from_name(database, label);
    source_head(h, "backup", s->created, o->label ? o->label : label, o->tags.value, o->tags.count);
    fields_addf(&h->fields, "estimate", "%" PRIu64, s->bytes);
}

static void check_options(const struct options *o)
{
    if (o->label && !label_is_right(o->label))
        opt_wrong("--label takes 1 to 64 of A-Z a-z 0-9 . _ - with no dot first, not '%s'", o->label);
    for (size_t i = 0; i < o->tags.count; i++) {
        const char *equals = strchr(o->tags.value[i], '=');
        if (!equals || equals == o->tags.value[i])
            opt_wrong("--tag takes NAME=VALUE, not '%s'", o->tags.value[i]);
    }
}

static void dump(struct dump *d, const struct options *o)
{
    struct pg *leader = pg_open(d->conninfo, "bk-dump");
    struct pg_child child = pg_child(leader);
    struct head head;

    if (pg_version(leader) < 120000)
        die(FAILED, "the server is older than PostgreSQL 12, which this bk does not know");
    char *why = xasprintf("the server is of version %s", pg_parameter(leader, "server_version"));
    struct pgtool pg_dump = pgtool_find("pg_dump", pg_version(leader) / 10000, why);
    snapshot_take(leader, &d->snapshot);
    struct child archive =
        archive_start(&pg_dump, &child, d->snapshot.id, pg_parameter(leader, "client_encoding"));
    describe_read_columns(leader, &d->snapshot);
    make_head(&head, o, &d->snapshot, pg_database(leader));
    d->source = source_open(STDOUT_FILENO, "standard output", &head);
    progress_begin(d->snapshot.bytes);
    write_items(d, leader, &pg_dump);
    write_data(d, leader, &archive, o->jobs);
    progress_end();
    source_end(d->source);
    pg_close(leader);
    pg_child_free(&child);
    pgtool_free(&pg_dump);
    head_free(&head);
    snapshot_free(&d->snapshot);
    free(why);
}

int main(int argc, char **argv)
{
    struct options o = {.jobs = opt_cores(4)};
    struct dump d = {.turn = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER};
    const struct opt opt[] = {
        {OPT_STRING, 'd', NULL, "DB", "database: name, conninfo, URI, or env:VAR", &o.database, 0, 0},
        {OPT_NUMBER, 'j', NULL, "N", "connections (cores, at most 4); 1: no threads", &o.jobs, 1, 256},
        {OPT_STRING, 0, "label", "L", "what the backup is called (the database's name)", &o.label, 0, 0},
        {OPT_LIST, 0, "tag", "NAME=VALUE", "a note in HEAD; may come several times", &o.tags, 0, 0},
    };
    const struct cmd cmd = {
        .name = "bk-dump",
        .brief = "write a PostgreSQL database as a stream",
        .operands = "",
        .opt = opt,
        .opts = sizeof opt / sizeof opt[0],
        .example = "bk-dump -d app | bk-zstd | bk-sum | bk-put app.bk",
    };

    opt_parse(&cmd, argc, argv);
    check_options(&o);
    d.conninfo = pg_conninfo(o.database);
    dump(&d, &o);
    free(o.tags.value);
    return DONE_OK;
}
