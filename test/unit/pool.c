/* Tests of pool.h: order, bounds, one worker; and the queue. To be run under the thread sanitizer, too (make
 * test-tsan). */
#include "pool.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "mem.h"
#include "rng.h"
#include "unit.h"

enum { JOBS = 600, MOST_WORKERS = 8 };

struct job {
    size_t number, weight, spin;
    size_t result; /* of the work: seen by done() only if there is order between the threads */
};

/* What a run saw. */
struct seen {
    atomic_int in_worker[MOST_WORKERS]; /* jobs in each, now */
    atomic_size_t under_way;            /* bytes that were put and are not done */
    atomic_size_t most_under_way;
    atomic_int in_done;
    size_t next; /* the number whose turn it is in done() */
    atomic_int workers_used;
    bool slow_done;
    pthread_t main;
    atomic_bool all_in_main;
};

static void spin(size_t n)
{
    for (volatile size_t i = 0; i < n; i++)
        ;
}

static void work(void *ctx, int worker, void *arg)
{
    struct seen *s = ctx;
    struct job *job = arg;

    CHECK(worker >= 0 && worker < MOST_WORKERS);
    CHECK(atomic_fetch_add(&s->in_worker[worker], 1) == 0); /* a worker's state is its own */
    atomic_fetch_or(&s->workers_used, 1 << worker);
    if (!pthread_equal(pthread_self(), s->main))
        s->all_in_main = false;
    spin(job->spin);
    job->result = job->number * 3;
    atomic_fetch_sub(&s->in_worker[worker], 1);
}

static void done(void *ctx, void *arg)
{
    struct seen *s = ctx;
    struct job *job = arg;

    CHECK(atomic_fetch_add(&s->in_done, 1) == 0); /* one at a time */
    CHECK_U64(job->number, s->next);
    CHECK_U64(job->result, job->number * 3);
    s->next++;
    if (s->slow_done)
        spin(20000);
    size_t now = atomic_load(&s->under_way), most = atomic_load(&s->most_under_way);
    if (now > most)
        atomic_store(&s->most_under_way, now);
    atomic_fetch_sub(&s->under_way, job->weight);
    atomic_fetch_sub(&s->in_done, 1);
    free(job);
}

static const struct pool_calls calls = {work, done};

/* `weight` of each job, or a random one up to that. */
static void run_jobs(struct seen *s, int workers, size_t max_bytes, size_t weight, bool random_weight,
                     size_t most_spin)
{
    uint64_t state = (uint64_t)workers;
    struct pool *p = pool_open(workers, max_bytes, &calls, s);

    s->main = pthread_self();
    for (size_t i = 0; i < JOBS; i++) {
        struct job *job = xmalloc(sizeof *job);
        size_t w = random_weight ? rng_below(&state, weight + 1) : weight;
        *job = (struct job){.number = i, .weight = w, .spin = rng_below(&state, most_spin)};
        pool_put(p, job, w);
        atomic_fetch_add(&s->under_way, w); /* now, or it would count a job that is waiting to get in */
    }
    pool_close(p);
    CHECK_U64(s->next, JOBS);
}

static void order_kept(void)
{
    for (int workers = 2; workers <= MOST_WORKERS; workers *= 2) {
        struct seen s = {.all_in_main = false};
        unit_about("%d workers", workers);
        run_jobs(&s, workers, SIZE_MAX, 1, false, 30000);
        CHECK(atomic_load(&s.workers_used) < 1 << workers);
    }
}

static void without_work(void)
{
    struct seen s = {.all_in_main = false};

    pool_close(pool_open(4, 100, &calls, &s));
    pool_close(pool_open(1, 100, &calls, &s));
    CHECK_U64(s.next, 0);
}

/* The writer is slow, so without the bound all jobs would be under way. A job is counted once it got in, so
 * one more than the bound allows is never seen. */
static void bytes_bound(void)
{
    struct seen s = {.slow_done = true}, random = {.slow_done = true};

    run_jobs(&s, 8, 100, 10, false, 10);
    CHECK(atomic_load(&s.most_under_way) <= 100);
    CHECK(atomic_load(&s.most_under_way) >= 20); /* and several are under way at once */
    run_jobs(&random, 8, 100, 60, true, 10);
    CHECK(atomic_load(&random.most_under_way) <= 100);
}

/* Jobs heavier than the bound go one at a time, but go. */
static void heavy_jobs(void)
{
    struct seen s = {.slow_done = true};

    run_jobs(&s, 4, 100, 1000, false, 10);
    CHECK(atomic_load(&s.most_under_way) <= 1000);
}

static void jobs_bound(void)
{
    struct seen s = {.slow_done = true};

    run_jobs(&s, 2, SIZE_MAX, 1, false, 1);
    CHECK(atomic_load(&s.most_under_way) <=
          64); /* whatever the number is, it is no matter of how many jobs there are */
}

static void one_worker(void)
{
    struct seen s = {.all_in_main = true};
    struct pool *p = pool_open(1, 1, &calls, &s);

    s.main = pthread_self();
    for (size_t i = 0; i < 5; i++) {
        struct job *job = xmalloc(sizeof *job);
        *job = (struct job){.number = i, .weight = 100};
        atomic_fetch_add(&s.under_way, 100);
        pool_put(p, job, 100);
        CHECK_U64(s.next, i + 1); /* all of it was done within pool_put() */
    }
    pool_close(p);
    CHECK(s.all_in_main);
}

/* The queue. Items are numbers that are not 0, as pointers. */
struct producer {
    struct queue *q;
    size_t first, count, weight;
    atomic_size_t put;
};

static void *produce(void *arg)
{
    struct producer *p = arg;

    for (size_t i = 0; i < p->count; i++) {
        queue_put(p->q, (void *)(uintptr_t)(p->first + i), p->weight);
        atomic_fetch_add(&p->put, 1);
    }
    return NULL;
}

static void queue_order(void)
{
    struct queue *q = queue_open(SIZE_MAX);
    struct producer p = {.q = q, .first = 1, .count = 100, .weight = 1};

    produce(&p);
    queue_end(q);
    for (uintptr_t i = 1; i <= 100; i++)
        CHECK_U64((uintptr_t)queue_get(q), i);
    CHECK(queue_get(q) == NULL);
    CHECK(queue_get(q) == NULL);
    queue_free(q);
}

/* A producer in its own thread is never further ahead than the bound, however slow the consumer is. */
static void queue_bound(void)
{
    struct queue *q = queue_open(10000);
    struct producer p = {.q = q, .first = 1, .count = 200, .weight = 1000};
    pthread_t thread = thread_start(produce, &p);
    size_t most = 0;

    for (uintptr_t i = 1; i <= 200; i++) {
        for (int j = 0; j < 20; j++)
            sched_yield();
        size_t ahead = atomic_load(&p.put) - (i - 1);
        if (ahead > most && ahead < 1000) /* less than 0: put, and not yet counted */
            most = ahead;
        CHECK_U64((uintptr_t)queue_get(q), i);
    }
    pthread_join(thread, NULL);
    CHECK(most <= 10);
    CHECK(most >= 2);
    queue_free(q);
}

static void queue_heavy_items(void)
{
    struct queue *q = queue_open(10);
    struct producer p = {.q = q, .first = 1, .count = 20, .weight = 1000};
    pthread_t thread = thread_start(produce, &p);

    for (uintptr_t i = 1; i <= 20; i++)
        CHECK_U64((uintptr_t)queue_get(q), i);
    pthread_join(thread, NULL);
    queue_free(q);
}

struct consumer {
    struct queue *q;
    size_t sum, count, last[4];
    bool in_order; /* of each producer */
};

static void *consume(void *arg)
{
    struct consumer *c = arg;
    uintptr_t item;

    while ((item = (uintptr_t)queue_get(c->q)) != 0) {
        size_t who = item / 1000;
        if (item <= c->last[who])
            c->in_order = false;
        c->last[who] = item;
        c->sum += item;
        c->count++;
    }
    return NULL;
}

static void queue_many_threads(void)
{
    enum { THREADS = 4, EACH = 500 };
    struct queue *q = queue_open(3000);
    struct producer p[THREADS];
    struct consumer c[THREADS];
    pthread_t producers[THREADS], consumers[THREADS];
    size_t sum = 0, count = 0, want = 0;

    for (size_t i = 0; i < THREADS; i++) {
        p[i] = (struct producer){.q = q, .first = i * 1000 + 1, .count = EACH, .weight = i * 400};
        c[i] = (struct consumer){.q = q, .in_order = true};
        for (size_t j = 0; j < EACH; j++)
            want += p[i].first + j;
        consumers[i] = thread_start(consume, &c[i]);
        producers[i] = thread_start(produce, &p[i]);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(producers[i], NULL);
    queue_end(q);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(consumers[i], NULL);
        sum += c[i].sum;
        count += c[i].count;
        CHECK(c[i].in_order);
    }
    CHECK_U64(count, THREADS * EACH);
    CHECK_U64(sum, want);
    queue_free(q);
}

int main(void)
{
    RUN(order_kept);
    RUN(without_work);
    RUN(bytes_bound);
    RUN(heavy_jobs);
    RUN(jobs_bound);
    RUN(one_worker);
    RUN(queue_order);
    RUN(queue_bound);
    RUN(queue_heavy_items);
    RUN(queue_many_threads);
    return unit_end();
}
