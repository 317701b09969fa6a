/* pool.h - layer 1: workers that keep order, and a bounded queue between threads.
 *
 * A pool takes jobs, has `work` done on them by several threads at once, and hands each to `done` in the
 * order in which they came, one at a time. With one worker there are no threads: pool_put() does it all. What
 * is under way is bounded in jobs and in bytes, as the caller weighs them, so memory is too.
 */
#ifndef BK_POOL_H
#define BK_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct pool;

struct pool_calls {
    void (*work)(void *ctx, int worker, void *job); /* in any thread; worker counts from 0 */
    void (*done)(void *ctx, void *job);             /* in order; takes the job over */
};

/* `max_bytes` bounds the weights of the jobs under way; one job alone may be heavier. `ctx` must outlive the
 * pool. */
struct pool *pool_open(int workers, size_t max_bytes, const struct pool_calls *calls, void *ctx);

/* Hands over a job; waits while too much is under way. From one thread only. */
void pool_put(struct pool *p, void *job, size_t weight);

/* Waits until each job is done, ends the threads, frees the pool. */
void pool_close(struct pool *p);

/* A queue of pointers, first in, first out; any thread may call. */
struct queue;

struct queue *queue_open(size_t max_bytes);

/* Waits while the queue holds more than `max_bytes` (one item alone may be heavier). */
void queue_put(struct queue *q, void *item, size_t weight);

/* The next item; waits for one. NULL once the queue has been ended and is empty. */
void *queue_get(struct queue *q);

/* Nothing more will be put. */
void queue_end(struct queue *q);
void queue_free(struct queue *q);

/* Starts a thread; dies if there can be none. */
pthread_t thread_start(void *(*run)(void *), void *arg);

#endif
