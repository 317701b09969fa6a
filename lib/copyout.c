#include "copyout.h"

#include <inttypes.h>
#include <stdlib.h>

#include "describe.h"
#include "msg.h"
#include "pool.h"
#include "progress.h"
#include "rows.h"

enum {
    QUEUE_BYTES = 8 << 20,      /* waiting to be written */
    TABLES_A_TRANSACTION = 100, /* of a worker */
};

/* What one COPY reads. */
struct part {
    size_t table;
    uint32_t number;
};

struct copyout {
    struct pg *leader;
    const struct snapshot *snapshot;
    struct source *source;
    uint32_t first_item;  /* of table 0 */
    struct queue *queue;  /* NULL: no threads */
    pthread_mutex_t turn; /* held by a worker while it puts bodies that must follow each other */
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t change;
    struct part next;    /* that nobody has taken yet */
    struct part *queued; /* behind somebody's lock: only the leader can read these */
    size_t queued_count;
    int others;     /* workers that are at it, the leader aside */
    bool unchecked; /* definitions have been read, and the leader has not looked at them since */
};

struct copyout *copyout_open(struct pg *leader, const struct snapshot *s, struct source *source)
{
    struct copyout *c = xcalloc(1, sizeof *c);

    c->leader = leader;
    c->snapshot = s;
    c->source = source;
    pthread_mutex_init(&c->turn, NULL);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->change, NULL);
    return c;
}

uint32_t copyout_parts(const struct table *t)
{
    if (t->condition || t->pages <= COPYOUT_PART_PAGES)
        return 1;
    return (uint32_t)((t->pages + COPYOUT_PART_PAGES - 1) / COPYOUT_PART_PAGES);
}

static void write_chunk(struct copyout *o, struct chunk *c)
{
    source_data(o->source, c->item, c->part, c->more, c->body.data, c->body.len, &c->digest);
    progress_add(c->digest.bytes);
}

/* With threads the body goes into the queue, and its memory with it. */
static void put_chunk(void *ctx, struct chunk *c)
{
    struct copyout *o = ctx;

    if (!o->queue) {
        write_chunk(o, c);
        return;
    }
    struct chunk *copy = xmalloc(sizeof *copy);
    *copy = *c;
    c->body = (struct buf){0};
    queue_put(o->queue, copy, sizeof *copy + copy->body.cap);
}

/* The leader holds its lock already. For others NOWAIT: behind a lock that waits for the leader's, they would
 * wait for ever. Before and after, the name must be this table's. */
static void copy_sql(struct pg *pg, const struct table *t, uint32_t part, bool leader, struct buf *sql)
{
    uint32_t parts = copyout_parts(t);
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
            buf_addf(sql, "WHERE ctid >= '(%" PRIu32 ",0)'", part * COPYOUT_PART_PAGES);
        if (part + 1 < parts) /* the last one is open: the table may have grown since it was measured */
            buf_addf(sql, " AND ctid < '(%" PRIu32 ",0)'", (part + 1) * COPYOUT_PART_PAGES);
        buf_addc(sql, ')');
    }
    buf_adds(sql, t->binary ? " TO STDOUT (FORMAT binary); " : " TO STDOUT; ");
    describe_name_check(pg, t, sql);
    buf_free(&name);
}

/* Sends on the rows of a COPY that has begun. */
static void copy_rows(struct copyout *o, struct pg *pg, uint32_t item, uint32_t part, bool binary)
{
    struct rows rows = {.chunk = {.item = item, .part = part},
                        .put = put_chunk,
                        .ctx = o,
                        .turn = o->queue ? &o->turn : NULL,
                        .binary = binary,
                        .digests_only = source_digests_only(o->source)};
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
static bool copy_part(struct copyout *o, struct pg *pg, const struct part *p)
{
    const struct table *t = &o->snapshot->table[p->table];
    char *what = xasprintf("copy %s.%s", t->schema, t->name);
    struct buf sql = {0};

    copy_sql(pg, t, p->number, pg == o->leader, &sql);
    bool begun = pg_copy_out_unless(pg, what, buf_str(&sql), "55P03");
    if (begun)
        copy_rows(o, pg, o->first_item + (uint32_t)p->table, p->number, t->binary);
    buf_free(&sql);
    free(what);
    return begun;
}

/* The next part that nobody has taken. False: all have been. */
static bool next_part(struct copyout *o, struct part *p)
{
    pthread_mutex_lock(&o->lock);
    bool there = o->next.table < o->snapshot->tables;
    *p = o->next;
    if (there && ++o->next.number == copyout_parts(&o->snapshot->table[o->next.table]))
        o->next = (struct part){.table = o->next.table + 1};
    pthread_mutex_unlock(&o->lock);
    return there;
}

/* A part that another worker could not read. Waits as long as one may still come. False: none will. */
static bool next_queued(struct copyout *o, struct part *p)
{
    pthread_mutex_lock(&o->lock);
    while (o->queued_count == 0 && o->others > 0)
        pthread_cond_wait(&o->change, &o->lock);
    bool there = o->queued_count > 0;
    if (there)
        *p = o->queued[--o->queued_count];
    pthread_mutex_unlock(&o->lock);
    return there;
}

static void leave_to_leader(struct copyout *o, const struct part *p)
{
    pthread_mutex_lock(&o->lock);
    o->queued = xrealloc(o->queued, o->queued_count + 1, sizeof *p);
    o->queued[o->queued_count++] = *p;
    pthread_cond_signal(&o->change);
    pthread_mutex_unlock(&o->lock);
}

/* pg_dump has read names that no lock keeps, and has just been waited for. */
static void check_definitions(struct copyout *o)
{
    pthread_mutex_lock(&o->lock);
    bool due = o->unchecked;
    o->unchecked = false;
    pthread_mutex_unlock(&o->lock);
    if (due)
        snapshot_check_definitions(o->leader);
}

static void lead(struct copyout *o)
{
    struct part p;

    while (next_part(o, &p) || next_queued(o, &p)) {
        check_definitions(o);
        if (!copy_part(o, o->leader, &p))
            bug(); /* it takes no lock */
    }
}

static void *run_leader(void *arg)
{
    struct copyout *o = arg;

    lead(o);
    queue_end(o->queue);
    return NULL;
}

static void join_anew(struct copyout *o, struct pg *pg)
{
    pg_exec(pg, "go on", "ROLLBACK");
    snapshot_join(pg, o->snapshot->id);
}

/* Locks stay until the end of the transaction, and the server has room for so many. The leader keeps its
 * own. */
static void *run_worker(void *arg)
{
    struct copyout *o = arg;
    struct pg *pg = pg_again(o->leader, "bk-dump");
    struct part p;
    size_t locked = 0, last = SIZE_MAX;

    snapshot_join(pg, o->snapshot->id);
    while (next_part(o, &p)) {
        if (p.table != last && locked++ == TABLES_A_TRANSACTION) {
            join_anew(o, pg);
            locked = 1;
        }
        last = p.table;
        if (copy_part(o, pg, &p))
            continue;
        leave_to_leader(o, &p);
        join_anew(o, pg);
    }
    pg_close(pg);
    pthread_mutex_lock(&o->lock);
    o->others--;
    pthread_cond_signal(&o->change);
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

static void write_queue(struct copyout *o)
{
    struct chunk *c;

    while ((c = queue_get(o->queue))) {
        write_chunk(o, c);
        buf_free(&c->body);
        free(c);
    }
}

static void write_first(struct copyout *o, bool (*first)(void *ctx), void *ctx)
{
    bool unchecked = first(ctx);

    pthread_mutex_lock(&o->lock);
    o->unchecked = unchecked;
    pthread_mutex_unlock(&o->lock);
}

static void copy_by_threads(struct copyout *o, int jobs, bool (*first)(void *ctx), void *ctx)
{
    pthread_t *thread = xcalloc((size_t)jobs, sizeof thread[0]);

    o->queue = queue_open(QUEUE_BYTES);
    o->others = jobs - 1;
    for (int i = 0; i < jobs; i++)
        thread[i] = thread_start(i ? run_worker : run_leader, o);
    write_first(o, first, ctx);
    write_queue(o);
    for (int i = 0; i < jobs; i++)
        pthread_join(thread[i], NULL);
    queue_free(o->queue);
    o->queue = NULL;
    free(thread);
}

void copyout_tables(struct copyout *o, uint32_t first_item, int jobs, bool (*first)(void *ctx), void *ctx)
{
    o->first_item = first_item;
    if (jobs > 1) {
        copy_by_threads(o, jobs, first, ctx);
    } else {
        write_first(o, first, ctx);
        lead(o);
    }
    check_definitions(o);
}

void copyout_query(struct copyout *o, uint32_t item, const char *what, const char *sql)
{
    pg_copy_out(o->leader, what, sql);
    copy_rows(o, o->leader, item, 0, false);
}

void copyout_close(struct copyout *o)
{
    pthread_mutex_destroy(&o->turn);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->change);
    free(o->queued);
    free(o);
}
