#include "deadline.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "pool.h"

enum { GRACE = 2 }; /* seconds for the last words */

struct deadline {
    const char *words, *advice;
    struct timespec when;
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t change;
    pthread_t thread;
};

static void leave(int sig)
{
    (void)sig;
    _exit(FAILED);
}

/* die() may have to wait for whoever writes to a pipe that nobody reads, or for somebody who is dying. */
static _Noreturn void time_is_up(const struct deadline *d)
{
    struct sigaction sa = {.sa_handler = leave};
    sigset_t alarms;

    sigemptyset(&sa.sa_mask);
    sigaction(SIGALRM, &sa, NULL);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    alarm(GRACE);
    hint("%s", d->advice);
    die(FAILED, "%s", d->words);
}

static void *watch(void *arg)
{
    struct deadline *d = arg;

    pthread_mutex_lock(&d->lock);
    while (!d->done)
        if (pthread_cond_timedwait(&d->change, &d->lock, &d->when) == ETIMEDOUT && !d->done)
            time_is_up(d);
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

struct deadline *deadline_begin(int seconds, const char *words, const char *advice)
{
    struct deadline *d = xcalloc(1, sizeof *d);
    pthread_condattr_t attr;

    d->words = words;
    d->advice = advice;
    clock_gettime(CLOCK_MONOTONIC, &d->when);
    d->when.tv_sec += seconds;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->change, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&d->lock, NULL);
    d->thread = thread_start(watch, d);
    return d;
}

void deadline_end(struct deadline *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    d->done = true;
    pthread_cond_signal(&d->change);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->change);
    free(d);
}
