#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"

pthread_t thread_start(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, run, arg);

    if (error)
        die(FAILED, "cannot start a thread: %s", strerror(error));
    return thread;
}

/* Jobs stand in a ring, in order. [retired, taken) are being worked on or wait for their turn to be done;
 * [taken, put) wait for a worker. Counters only grow; a job's slot is its number modulo `slots`. */
struct slot {
    void *job;
    size_t weight;
    bool worked;
};

struct pool {
    const struct pool_calls *calls;
    void *ctx;
    int workers;
    size_t max_bytes, bytes;
    size_t slots;
    size_t put, taken, retired;
    bool ended;
    struct slot *slot;
    pthread_mutex_t lock;
    pthread_cond_t room;   /* for pool_put: a job was retired */
    pthread_cond_t work;   /* for workers: a job was put, or the end */
    pthread_cond_t worked; /* for the finisher: a job was worked on, or the end */
    pthread_t *thread;     /* the workers, then the finisher */
};

struct worker {
    struct pool *pool;
    int number;
};

static void *run_worker(void *arg)
{
    struct worker w = *(struct worker *)arg;
    struct pool *p = w.pool;

    free(arg);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->taken == p->put && !p->ended)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->taken == p->put)
            break;
        struct slot *s = &p->slot[p->taken++ % p->slots];
        pthread_mutex_unlock(&p->lock);
        p->calls->work(p->ctx, w.number, s->job);
        pthread_mutex_lock(&p->lock);
        s->worked = true;
        if (s == &p->slot[p->retired % p->slots])
            pthread_cond_signal(&p->worked);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void *run_finisher(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct slot *s = &p->slot[p->retired % p->slots];
        while (!(p->retired < p->put && s->worked) && !(p->ended && p->retired == p->put))
            pthread_cond_wait(&p->worked, &p->lock);
        if (p->retired == p->put)
            break;
        pthread_mutex_unlock(&p->lock);
        p->calls->done(p->ctx, s->job);
        pthread_mutex_lock(&p->lock);
        s->worked = false;
        p->bytes -= s->weight;
        p->retired++;
        pthread_cond_signal(&p->room);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void start_threads(struct pool *p)
{
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->room, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->worked, NULL);
    p->thread = xcalloc((size_t)p->workers + 1, sizeof p->thread[0]);
    for (int i = 0; i < p->workers; i++) {
        struct worker *w = xmalloc(sizeof *w);
        *w = (struct worker){.pool = p, .number = i};
        p->thread[i] = thread_start(run_worker, w);
    }
    p->thread[p->workers] = thread_start(run_finisher, p);
}

struct pool *pool_open(int workers, size_t max_bytes, const struct pool_calls *calls, void *ctx)
{
    struct pool *p = xcalloc(1, sizeof *p);

    p->calls = calls;
    p->ctx = ctx;
    p->workers = workers;
    p->max_bytes = max_bytes;
    if (workers > 1) {
        p->slots = 4 * (size_t)workers;
        p->slot = xcalloc(p->slots, sizeof p->slot[0]);
        start_threads(p);
    }
    return p;
}

void pool_put(struct pool *p, void *job, size_t weight)
{
    if (p->workers == 1) {
        p->calls->work(p->ctx, 0, job);
        p->calls->done(p->ctx, job);
        return;
    }
    pthread_mutex_lock(&p->lock);
    while (p->put - p->retired == p->slots || (p->bytes > 0 && p->bytes + weight > p->max_bytes))
        pthread_cond_wait(&p->room, &p->lock);
    p->slot[p->put++ % p->slots] = (struct slot){.job = job, .weight = weight};
    p->bytes += weight;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void pool_close(struct pool *p)
{
    if (p->workers > 1) {
        pthread_mutex_lock(&p->lock);
        p->ended = true;
        pthread_cond_broadcast(&p->work);
        pthread_cond_broadcast(&p->worked);
        pthread_mutex_unlock(&p->lock);
        for (int i = 0; i <= p->workers; i++)
            pthread_join(p->thread[i], NULL);
        pthread_mutex_destroy(&p->lock);
        pthread_cond_destroy(&p->room);
        pthread_cond_destroy(&p->work);
        pthread_cond_destroy(&p->worked);
    }
    free(p->thread);
    free(p->slot);
    free(p);
}

struct entry {
    struct entry *next;
    void *item;
    size_t weight;
};

struct queue {
    struct entry *first, **last;
    size_t bytes, max_bytes;
    bool ended;
    pthread_mutex_t lock;
    pthread_cond_t room, item;
};

struct queue *queue_open(size_t max_bytes)
{
    struct queue *q = xcalloc(1, sizeof *q);

    q->last = &q->first;
    q->max_bytes = max_bytes;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->room, NULL);
    pthread_cond_init(&q->item, NULL);
    return q;
}

void queue_put(struct queue *q, void *item, size_t weight)
{
    struct entry *e = xmalloc(sizeof *e);

    *e = (struct entry){.item = item, .weight = weight + sizeof *e};
    pthread_mutex_lock(&q->lock);
    while (q->bytes > 0 && q->bytes + e->weight > q->max_bytes)
        pthread_cond_wait(&q->room, &q->lock);
    q->bytes += e->weight;
    *q->last = e;
    q->last = &e->next;
    pthread_cond_signal(&q->item);
    pthread_mutex_unlock(&q->lock);
}

void *queue_get(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (!q->first && !q->ended)
        pthread_cond_wait(&q->item, &q->lock);
    struct entry *e = q->first;
    if (e) {
        q->first = e->next;
        if (!q->first)
            q->last = &q->first;
        q->bytes -= e->weight;
        pthread_cond_broadcast(&q->room); /* several may wait, with items of several weights */
    }
    pthread_mutex_unlock(&q->lock);
    void *item = e ? e->item : NULL;
    free(e);
    return item;
}

void queue_end(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->ended = true;
    pthread_cond_broadcast(&q->item);
    pthread_mutex_unlock(&q->lock);
}

void queue_free(struct queue *q)
{
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->room);
    pthread_cond_destroy(&q->item);
    free(q);
}
