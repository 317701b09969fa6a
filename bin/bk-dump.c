/* bk-dump - writes a PostgreSQL database as a stream.
 *
 * One snapshot, shared by pg_dump (definitions) and N connections (rows). The leader's connection exports the
 * snapshot, and copies tables like the others: it holds the locks already. Each worker takes the next part of
 * a table, cuts its rows into bodies of about 1 MiB, and puts them into a queue, from which the main thread
 * writes. What a part's frames are depends on the table alone, not on N. Without threads (-j 1) the same
 * functions write straight to the stream.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "binary.h"
#include "connections.h"
#include "deadline.h"
#include "describe.h"
#include "io.h"
#include "lo.h"
#include "locks.h"
#include "msg.h"
#include "opt.h"
#include "pg.h"
#include "pool.h"
#include "progress.h"
#include "roles.h"
#include "rows.h"
#include "select.h"
#include "session.h"
#include "snapshot.h"
#include "source.h"
#include "toc.h"

enum {
    /* Of a heap, in one COPY: whatever N is, so that the same table gives the same frames. */
    PART_PAGES = 1024,
    QUEUE_BYTES = 8 << 20,      /* waiting to be written */
    TABLES_A_TRANSACTION = 100, /* of a worker */
    MOST_SECONDS = 2000000,     /* the server takes milliseconds, in 31 bits */
};

/* What one COPY reads. */
struct part {
    size_t table;
    uint32_t number;
};

struct options {
    const char *database, *label;
    struct opt_list tags;
    struct selection selection;
    bool globals, passwords;
    int jobs;
    int lock_wait, max_time; /* seconds; 0: no limit */
};

struct dump {
    const struct options *options;
    struct snapshot snapshot;
    uint32_t roles_item;   /* and the next one are the tablespaces; 0: none */
    uint32_t archive_item; /* 0: none */
    uint32_t first_item;   /* of table 0 */
    struct source *source;
    struct pg *leader;
    struct queue *queue;  /* NULL: no threads */
    pthread_mutex_t turn; /* held by a worker while it puts bodies that must follow each other */
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t change;
    struct part next;    /* that nobody has taken yet */
    struct part *queued; /* behind somebody's lock: only the leader can read these */
    size_t queued_count;
    int others; /* workers that are at it, the leader aside */
};

static uint32_t parts_of(const struct table *t)
{
    if (t->condition || t->pages <= PART_PAGES)
        return 1;
    return (uint32_t)((t->pages + PART_PAGES - 1) / PART_PAGES);
}

static void write_chunk(struct dump *d, struct chunk *c)
{
    source_data(d->source, c->item, c->part, c->more, c->body.data, c->body.len, &c->digest);
    progress_add(c->body.len);
}

/* With threads the body goes into the queue, and its memory with it. */
static void put_chunk(void *ctx, struct chunk *c)
{
    struct dump *d = ctx;

    if (!d->queue) {
        write_chunk(d, c);
        return;
    }
    struct chunk *copy = xmalloc(sizeof *copy);
    *copy = *c;
    c->body = (struct buf){0};
    queue_put(d->queue, copy, copy->body.cap);
}

/* The leader holds its lock already. For others NOWAIT: behind a lock that waits for the leader's, they would
 * wait for ever. Before and after, the name must be this table's. */
static void copy_sql(struct pg *pg, const struct table *t, uint32_t part, bool leader, struct buf *sql)
{
    uint32_t parts = parts_of(t);
    struct buf name = {0};

    describe_table_name(pg, t, &name);
    if (!leader)
        buf_addf(sql, "LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT; ", buf_str(&name));
    describe_name_check(pg, t, sql);
    buf_adds(sql, "; ");
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
    buf_adds(sql, t->binary ? " TO STDOUT (FORMAT binary); " : " TO STDOUT; ");
    describe_name_check(pg, t, sql);
    buf_free(&name);
}

/* Sends on the rows of a COPY that has begun. */
static void copy_rows(struct dump *d, struct pg *pg, uint32_t item, uint32_t part, bool binary)
{
    struct rows rows = {.chunk = {.item = item, .part = part},
                        .put = put_chunk,
                        .ctx = d,
                        .turn = d->queue ? &d->turn : NULL,
                        .binary = binary};
    char *row;
    size_t n;

    digest_begin(&rows.chunk.digest, DIGEST_ROWS);
    while ((n = pg_copy_get(pg, &row)) > 0) {
        rows_add(&rows, row, n);
        pg_copy_free(row);
    }
    rows_end(&rows);
}

/* False if somebody waits for an exclusive lock on the table (SQLSTATE 55P03, lock_not_available). */
static bool copy_part(struct dump *d, struct pg *pg, const struct part *p)
{
    const struct table *t = &d->snapshot.table[p->table];
    char *what = xasprintf("copy %s.%s", t->schema, t->name);
    struct buf sql = {0};

    copy_sql(pg, t, p->number, pg == d->leader, &sql);
    bool begun = pg_copy_out_unless(pg, what, buf_str(&sql), "55P03");
    if (begun)
        copy_rows(d, pg, d->first_item + (uint32_t)p->table, p->number, t->binary);
    buf_free(&sql);
    free(what);
    return begun;
}

/* The next part that nobody has taken. False: all have been. */
static bool next_part(struct dump *d, struct part *p)
{
    pthread_mutex_lock(&d->lock);
    bool there = d->next.table < d->snapshot.tables;
    *p = d->next;
    if (there && ++d->next.number == parts_of(&d->snapshot.table[d->next.table]))
        d->next = (struct part){.table = d->next.table + 1};
    pthread_mutex_unlock(&d->lock);
    return there;
}

/* A part that another worker could not read. Waits as long as one may still come. False: none will. */
static bool next_queued(struct dump *d, struct part *p)
{
    pthread_mutex_lock(&d->lock);
    while (d->queued_count == 0 && d->others > 0)
        pthread_cond_wait(&d->change, &d->lock);
    bool there = d->queued_count > 0;
    if (there)
        *p = d->queued[--d->queued_count];
    pthread_mutex_unlock(&d->lock);
    return there;
}

static void leave_to_leader(struct dump *d, const struct part *p)
{
    pthread_mutex_lock(&d->lock);
    d->queued = xrealloc(d->queued, d->queued_count + 1, sizeof *p);
    d->queued[d->queued_count++] = *p;
    pthread_cond_signal(&d->change);
    pthread_mutex_unlock(&d->lock);
}

static void lead(struct dump *d)
{
    struct part p;

    while (next_part(d, &p) || next_queued(d, &p))
        if (!copy_part(d, d->leader, &p))
            bug(); /* it takes no lock */
}

static void *run_leader(void *arg)
{
    struct dump *d = arg;

    lead(d);
    queue_end(d->queue);
    return NULL;
}

static void join_anew(struct dump *d, struct pg *pg)
{
    pg_exec(pg, "go on", "ROLLBACK");
    snapshot_join(pg, d->snapshot.id);
}

/* Locks stay until the end of the transaction, and the server has room for so many. The leader keeps its
 * own. */
static void *run_worker(void *arg)
{
    struct dump *d = arg;
    struct pg *pg = pg_again(d->leader, "bk-dump");
    struct part p;
    size_t locked = 0, last = SIZE_MAX;

    snapshot_join(pg, d->snapshot.id);
    while (next_part(d, &p)) {
        if (p.table != last && locked++ == TABLES_A_TRANSACTION) {
            join_anew(d, pg);
            locked = 1;
        }
        last = p.table;
        if (copy_part(d, pg, &p))
            continue;
        leave_to_leader(d, &p);
        join_anew(d, pg);
    }
    pg_close(pg);
    pthread_mutex_lock(&d->lock);
    d->others--;
    pthread_cond_signal(&d->change);
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* A lock that waits for the leader's is in pg_dump's way. The leader's connection is in use. */
static _Noreturn void die_pg_dump(struct dump *d, const char *failed)
{
    char *words;
    struct pg *pg = pg_connect_again(d->leader, "bk-dump", &words);
    char *who = pg ? locks_in_the_way(pg) : NULL;

    if (d->snapshot.standby)
        hint("%s", pg_standby_advice);
    if (d->snapshot.no_room)
        hint("%s", d->snapshot.no_room);
    if (who)
        hint("for pg_dump a lock is in the way (--lock-wait is how long it waits): %s", who);
    die(FAILED, "pg_dump %s; its own words stand above", failed);
}

/* The archive goes out before all rows; those that workers have by then wait in the queue. */
static void write_archive(struct dump *d, struct child *pg_dump)
{
    bool first = true;
    ssize_t n;

    if (!pg_dump)
        return;
    uint8_t *body = xmalloc(BODY_BYTES);
    while ((n = io_read(pg_dump->out, body, BODY_BYTES)) > 0) {
        if (first && !toc_set_time(body, (size_t)n, d->snapshot.created))
            die(FAILED, "pg_dump wrote an archive of a form that this bk does not know");
        first = false;
        source_data(d->source, d->archive_item, 0, false, body, (size_t)n, NULL);
    }
    if (n < 0)
        die_errno("cannot read from pg_dump");
    char *failed = child_wait(pg_dump);
    if (failed)
        die_pg_dump(d, failed);
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

static void write_sequences(struct dump *d, uint32_t item)
{
    struct buf sql = {0};

    for (uint64_t after = 0; (after = describe_sequences(d->leader, &d->snapshot, after, &sql)) > 0;
         sql.len = 0) {
        pg_exec(d->leader, "read the sequences", "SAVEPOINT bk");
        pg_copy_out(d->leader, "read the sequences", buf_str(&sql));
        copy_rows(d, d->leader, item, 0, false);
        pg_exec(d->leader, "let go of the sequences", "ROLLBACK TO bk; RELEASE bk"); /* their locks */
    }
    buf_free(&sql);
}

static void write_rows(struct dump *d, const char *what, const char *copy, uint32_t item)
{
    pg_copy_out(d->leader, what, copy);
    copy_rows(d, d->leader, item, 0, false);
}

/* As pg_dump has it: large objects belong to the whole database, not to a part of it. */
static bool wants_large_objects(const struct selection *s)
{
    return s->tables.count + s->schemas.count == 0 && !s->schema_only;
}

static void write_tables_by_threads(struct dump *d, struct child *pg_dump, int jobs)
{
    pthread_t *thread = xcalloc((size_t)jobs, sizeof thread[0]);

    d->queue = queue_open(QUEUE_BYTES);
    d->others = jobs - 1;
    for (int i = 0; i < jobs; i++)
        thread[i] = thread_start(i ? run_worker : run_leader, d);
    write_archive(d, pg_dump);
    write_queue(d);
    for (int i = 0; i < jobs; i++)
        pthread_join(thread[i], NULL);
    queue_free(d->queue);
    d->queue = NULL;
    free(d->queued);
    free(thread);
}

/* Roles before all; rows by `jobs` connections while the archive is written; then the rest. */
static void write_data(struct dump *d, struct child *pg_dump, int jobs)
{
    uint32_t behind = d->first_item + (uint32_t)d->snapshot.tables;

    if (d->roles_item) {
        write_rows(d, "read the roles", roles_copy_out(d->options->passwords), d->roles_item);
        write_rows(d, "read the tablespaces", tablespaces_copy_out, d->roles_item + 1);
    }
    if (jobs == 1) {
        write_archive(d, pg_dump);
        lead(d);
    } else {
        write_tables_by_threads(d, pg_dump, jobs);
    }
    snapshot_check_names(d->leader, &d->snapshot); /* pg_dump writes names, which no lock keeps */
    write_sequences(d, behind);
    const char *large = wants_large_objects(&d->options->selection) ? lo_copy_out(d->leader) : NULL;
    if (large)
        write_rows(d, "read the large objects", large, behind + 1);
}

static uint32_t write_item(struct source *s, enum digest_kind kind, struct fields *item)
{
    uint32_t number = source_item(s, kind, item);

    fields_free(item);
    return number;
}

/* An ITEM that is no more than its type. */
static uint32_t write_rows_item(struct source *s, const char *type)
{
    struct fields item = {0};

    fields_add(&item, "type", type);
    return write_item(s, DIGEST_ROWS, &item);
}

/* In the order of the design: the database, roles, definitions, the tables, the sequences, the large objects.
 */
static void write_items(struct dump *d, struct pg *pg, const struct pgtool *pg_dump)
{
    struct fields item = {0};

    describe_database(pg, &item);
    selection_describe(&d->options->selection, &item);
    d->first_item = write_item(d->source, DIGEST_BYTES, &item) + 1;
    if (d->options->globals) {
        d->roles_item = write_rows_item(d->source, "roles");
        d->first_item = write_rows_item(d->source, "tablespaces") + 1;
    }
    if (!d->options->selection.data_only) {
        fields_add(&item, "type", "schema");
        fields_add(&item, "format", "pg_dump custom");
        fields_addf(&item, "made-with", "pg_dump %s", pg_dump->version);
        d->archive_item = write_item(d->source, DIGEST_BYTES, &item);
        d->first_item = d->archive_item + 1;
    }
    for (size_t i = 0; i < d->snapshot.tables; i++) {
        describe_table(&d->snapshot.table[i], parts_of(&d->snapshot.table[i]), &item);
        write_item(d->source, d->snapshot.table[i].binary ? DIGEST_TUPLES : DIGEST_ROWS, &item);
    }
    write_rows_item(d->source, "sequences");
    write_rows_item(d->source, "large-objects");
}

static void make_head(struct head *h, const struct options *o, const struct snapshot *s, const char *database)
{
    char label[LABEL_MAX + 1];

    label_from_name(database, label);
    source_head(h, "backup", s->created, o->label ? o->label : label, o->tags.value, o->tags.count);
    fields_addf(&h->fields, "estimate", "%" PRIu64, s->bytes);
}

static void check_options(const struct options *o)
{
    selection_check(&o->selection);
    if (o->passwords && !o->globals)
        opt_wrong("--role-passwords goes with --globals");
    if (o->label && !label_is_right(o->label))
        opt_wrong("--label takes 1 to 64 of A-Z a-z 0-9 . _ - with no dot first, not '%s'", o->label);
    for (size_t i = 0; i < o->tags.count; i++) {
        const char *equals = strchr(o->tags.value[i], '=');
        if (!equals || equals == o->tags.value[i])
            opt_wrong("--tag takes NAME=VALUE, not '%s'", o->tags.value[i]);
    }
}

/* What must be known of the tables beside their list. */
static void read_further(struct pg *pg, struct snapshot *s)
{
    snapshot_check_plans(pg, s, PART_PAGES);
    describe_read_columns(pg, s);
    binary_choose(pg, s);
}

static void dump(struct dump *d, const struct options *o)
{
    struct pg *leader = d->leader = session_open(pg_conninfo(o->database), "bk-dump");
    struct pg_child child = pg_child(leader, false);
    struct child archive, *pg_dump = NULL;
    struct head head;

    if (pg_version(leader) < 120000)
        die(FAILED, "the server is older than PostgreSQL 12, which this bk does not know");
    char *why = xasprintf("the server is of version %s", pg_parameter(leader, "server_version"));
    struct pgtool tool = pgtool_find("pg_dump", pg_version(leader) / 10000, why);
    d->snapshot.relations = selection_relations(leader, &o->selection);
    d->snapshot.rows = selection_rows(leader, &o->selection);
    connections_check(leader, o->jobs);
    snapshot_take(leader, &d->snapshot, read_further, o->lock_wait);
    selection_check_used(leader, &o->selection);
    if (!o->selection.data_only) {
        archive = archive_start(&tool, &child, d->snapshot.id, pg_parameter(leader, "client_encoding"),
                                o->lock_wait);
        pg_dump = &archive;
    }
    make_head(&head, o, &d->snapshot, pg_database(leader));
    d->source = source_open(STDOUT_FILENO, "standard output", &head);
    progress_begin(d->snapshot.bytes);
    write_items(d, leader, &tool);
    write_data(d, pg_dump, o->jobs);
    progress_end();
    source_end(d->source);
    pg_close(leader);
    pg_child_free(&child);
    pgtool_free(&tool);
    head_free(&head);
    snapshot_free(&d->snapshot);
    free(d->snapshot.relations);
    free(d->snapshot.rows);
    free(why);
}

int main(int argc, char **argv)
{
    struct options o = {.jobs = opt_cores(4), .lock_wait = 60};
    struct dump d = {.options = &o,
                     .turn = PTHREAD_MUTEX_INITIALIZER,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .change = PTHREAD_COND_INITIALIZER};
    const struct opt opt[] = {
        {OPT_STRING, 'd', NULL, "DB", "database: name, conninfo, URI, or env:VAR", &o.database, 0, 0},
        {OPT_NUMBER, 'j', NULL, "N", "connections (cores, at most 4); 1: no threads", &o.jobs, 1, 256},
        {OPT_STRING, 0, "label", "L", "what the backup is called (the database's name)", &o.label, 0, 0},
        {OPT_NUMBER, 0, "lock-wait", "S", "seconds to wait for locks (60)", &o.lock_wait, 1, MOST_SECONDS},
        {OPT_NUMBER, 0, "max-time", "S", "fail if not done after so many seconds", &o.max_time, 1,
         MOST_SECONDS},
        {OPT_LIST, 0, "tag", "NAME=VALUE", "a note in HEAD; may come several times", &o.tags, 0, 0},
        SELECTION_OPTIONS(o.selection),
        {OPT_FLAG, 0, "globals", NULL, "the server's roles and tablespaces too", &o.globals, 0, 0},
        {OPT_FLAG, 0, "role-passwords", NULL, "with --globals: hashed passwords too", &o.passwords, 0, 0},
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
    char *late = xasprintf("not done within %d s, as --max-time demands", o.max_time);
    struct deadline *deadline = NULL;
    if (o.max_time)
        deadline = deadline_begin(o.max_time, late, "give it more time, or more connections (-j)");
    dump(&d, &o);
    deadline_end(deadline);
    free(late);
    free(o.tags.value);
    selection_free(&o.selection);
    return DONE_OK;
}
