#include "copyin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"
#include "pool.h"
#include "spool.h"
#include "target.h"
#include "tuple.h"

enum { QUEUE_BYTES = 8 << 20 };

struct target {
    char *sql;            /* NULL: nothing is loaded */
    char *what;           /* for messages: "load public.posts" */
    uint64_t server_rows; /* as the server counted them */
};

/* One connection, and the COPY that is open on it while a row goes on. */
struct copier {
    struct copyin *all;
    struct pg *pg;
    bool open;
    bool saved;           /* by a savepoint, as all is one transaction */
    struct digest digest; /* of what was sent in this COPY */
};

struct copyin {
    struct contents *contents;
    struct target *target; /* of item n at n - 1 */
    const char *encoding;
    int jobs;
    struct copier here;
    struct queue *queue; /* NULL: the workers have not started */
    pthread_t *thread;
    pthread_mutex_t turn; /* held while taking bodies that follow each other */
    pthread_mutex_t lock; /* of item.found, server_rows, and: */
    struct spool put_off; /* bodies that the server refused, tagged with their item */
    char *why_put_off;    /* the last of them */
};

/* A body in the queue. */
struct chunk {
    uint32_t item;
    bool more;
    struct buf body;
};

struct copyin *copyin_open(struct pg *pg, const char *encoding, int jobs, struct contents *contents)
{
    struct copyin *c = xcalloc(1, sizeof *c);

    c->contents = contents;
    c->target = xcalloc(contents->count, sizeof c->target[0]);
    c->encoding = encoding;
    c->jobs = jobs;
    c->here = (struct copier){.all = c, .pg = pg};
    pthread_mutex_init(&c->turn, NULL);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

/* The table above all partitions, if rows go there: because they must, or it was asked for; and if it is
 * there. Else NULL, and `schema` stays. */
static const char *find_root(struct pg *pg, const struct item *i, bool by_root, const char **schema)
{
    const char *root_schema = NULL, *name = NULL;

    if (!by_root && strcmp(item_get(i, "load-into"), "root") != 0)
        return NULL;
    for (size_t k = 0; k + 1 < i->fields.count; k++) {
        if (strcmp(i->fields.line[k].name, "ancestor-schema") != 0)
            continue;
        root_schema = i->fields.line[k].value;
        name = i->fields.line[k + 1].value;
    }
    if (!name || !target_has_table(pg, root_schema, name))
        return NULL;
    *schema = root_schema;
    return name;
}

void copyin_sql(struct pg *pg, const struct item *i, bool by_root, struct buf *sql)
{
    const char *schema = item_get(i, "schema"), *root = find_root(pg, i, by_root, &schema);
    size_t columns = 0;

    buf_adds(sql, "COPY ");
    pg_ident(pg, schema, sql);
    buf_addc(sql, '.');
    pg_ident(pg, root ? root : item_get(i, "name"), sql);
    for (size_t k = 0; k < i->fields.count; k++) {
        if (strcmp(i->fields.line[k].name, "column") != 0)
            continue;
        buf_adds(sql, columns++ ? ", " : " (");
        pg_ident(pg, i->fields.line[k].value, sql);
    }
    buf_adds(sql, columns ? ") FROM STDIN" : " FROM STDIN");
    if (i->format != FORMAT_BINARY)
        return;
    buf_adds(sql, " (FORMAT binary)");
    target_check_types(pg, schema, root ? root : item_get(i, "name"), &i->fields);
}

void copyin_statement(struct copyin *c, uint32_t item, char *sql)
{
    struct target *t = &c->target[item - 1];
    char *name = item_name(&c->contents->item[item - 1]);

    t->sql = sql;
    t->what = xasprintf("load %s", name);
    free(name);
}

/* Of a row over several bodies only the last would be at hand: that fails at once. */
static void put_off(struct copyin *c, uint32_t item, bool alone, const void *body, size_t n, char *words)
{
    const char *what = c->target[item - 1].what;

    if (!alone)
        die(FAILED, "cannot %s: %s", what, words);
    pthread_mutex_lock(&c->lock);
    spool_put(&c->put_off, item, body, (uint32_t)n);
    free(c->why_put_off);
    c->why_put_off = xasprintf("cannot %s: %s", what, words);
    pthread_mutex_unlock(&c->lock);
    free(words);
}

static void count(struct copyin *c, uint32_t item, const struct digest *digest, uint64_t rows)
{
    pthread_mutex_lock(&c->lock);
    digest_merge(&c->contents->item[item - 1].found, digest);
    c->target[item - 1].server_rows += rows;
    pthread_mutex_unlock(&c->lock);
}

static void begin_body(struct copier *k, uint32_t item)
{
    const struct target *t = &k->all->target[item - 1];

    k->saved = pg_in_transaction(k->pg);
    if (k->saved)
        pg_exec(k->pg, "set a savepoint", "SAVEPOINT bk_body");
    digest_begin(&k->digest, k->all->contents->item[item - 1].found.kind);
    pg_copy_in(k->pg, t->what, t->sql);
    if (k->digest.kind == DIGEST_TUPLES)
        pg_copy_put(k->pg, copy_header, sizeof copy_header);
    k->open = true;
}

static void end_body(struct copier *k, uint32_t item, bool alone, const void *body, size_t n)
{
    uint64_t rows;
    char *words;

    if (k->digest.kind == DIGEST_TUPLES)
        pg_copy_put(k->pg, copy_trailer, sizeof copy_trailer);
    bool taken = pg_copy_end_try(k->pg, &rows, &words);
    k->open = false;
    if (k->saved)
        pg_exec(k->pg, "end a savepoint", taken ? "RELEASE bk_body" : "ROLLBACK TO bk_body; RELEASE bk_body");
    if (taken)
        count(k->all, item, &k->digest, rows);
    else
        put_off(k->all, item, alone, body, n, words);
}

/* Sends one body. The COPY ends with it, unless its last row goes on in the next. */
static void copy_body(struct copier *k, uint32_t item, bool more, const void *body, size_t n)
{
    const struct target *t = &k->all->target[item - 1];
    bool alone = !k->open && !more;

    if (!k->open)
        begin_body(k, item);
    if (!digest_add(&k->digest, body, n, more))
        die(BAD_DATA, "cannot %s: a body does not hold whole rows", t->what);
    pg_copy_put(k->pg, body, n);
    if (!more)
        end_body(k, item, alone, body, n);
}

static void copy_chunk(struct copier *k, struct chunk *chunk)
{
    copy_body(k, chunk->item, chunk->more, chunk->body.data, chunk->body.len);
    buf_free(&chunk->body);
    free(chunk);
}

/* Bodies of one row follow each other in the queue: whoever takes the first keeps the turn until it has the
 * last. */
static bool copy_next(struct copier *k)
{
    struct copyin *c = k->all;

    pthread_mutex_lock(&c->turn);
    struct chunk *chunk = queue_get(c->queue);
    while (chunk && chunk->more) {
        copy_chunk(k, chunk);
        chunk = queue_get(c->queue);
    }
    pthread_mutex_unlock(&c->turn);
    if (!chunk)
        return false;
    copy_chunk(k, chunk);
    return true;
}

static void *run_worker(void *arg)
{
    struct copyin *c = arg;
    struct copier k = {.all = c, .pg = pg_again(c->here.pg, msg_tool())};

    if (c->encoding)
        pg_set_encoding(k.pg, c->encoding);
    pg_exec(k.pg, "set up the session",
            "SET synchronous_commit = off"); /* the caller's last commit waits for all */
    while (copy_next(&k))
        continue;
    pg_close(k.pg);
    return NULL;
}

static void start_workers(struct copyin *c)
{
    c->queue = queue_open(QUEUE_BYTES);
    c->thread = xcalloc((size_t)c->jobs, sizeof c->thread[0]);
    for (int i = 0; i < c->jobs; i++)
        c->thread[i] = thread_start(run_worker, c);
}

static void join_workers(struct copyin *c)
{
    if (!c->queue)
        return;
    queue_end(c->queue);
    for (int i = 0; i < c->jobs; i++)
        pthread_join(c->thread[i], NULL);
    queue_free(c->queue);
    free(c->thread);
}

void copyin_put(struct copyin *c, uint32_t item, bool more, bool here, const void *body, size_t n)
{
    if (!c->target[item - 1].sql)
        bug();
    if (here || c->jobs == 1) {
        copy_body(&c->here, item, more, body, n);
        return;
    }
    if (!c->queue)
        start_workers(c);
    struct chunk *chunk = xcalloc(1, sizeof *chunk);
    chunk->item = item;
    chunk->more = more;
    buf_add(&chunk->body, body, n);
    queue_put(c->queue, chunk, n);
}

static void copy_put_off(struct copyin *c)
{
    struct buf body = {0};
    uint32_t item;

    for (uint64_t last = UINT64_MAX; c->put_off.pieces > 0;) {
        struct spool now = c->put_off;
        if (now.pieces == last)
            die(FAILED, "%s", c->why_put_off);
        last = now.pieces;
        detail("trying %" PRIu64 " bodies again: %s", now.pieces, c->why_put_off);
        c->put_off = (struct spool){0};
        spool_rewind(&now);
        while (spool_next(&now, &item, &body))
            copy_body(&c->here, item, false, body.data, body.len);
        spool_free(&now);
    }
    spool_free(&c->put_off);
    buf_free(&body);
}

void copyin_finish(struct copyin *c)
{
    join_workers(c);
    copy_put_off(c);
    for (uint32_t i = 0; i < c->contents->count; i++) {
        const struct item *item = &c->contents->item[i];
        struct target *t = &c->target[i];
        if (t->sql && t->server_rows != item->found.rows)
            die(FAILED, "cannot %s: %" PRIu64 " rows were sent, but the server counted %" PRIu64, t->what,
                item->found.rows, t->server_rows);
        free(t->sql);
        free(t->what);
    }
    pthread_mutex_destroy(&c->turn);
    pthread_mutex_destroy(&c->lock);
    free(c->why_put_off);
    free(c->target);
    free(c);
}
