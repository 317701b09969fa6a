#include "signals.h"

#include <pthread.h>
#include <signal.h>

#include "msg.h"
#include "pool.h"

static sigset_t wanted;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

/* A thread that takes signals one at a time may do what a signal handler may not. */
static void *wait_for_signal(void *arg)
{
    int sig;

    (void)arg;
    sigwait(&wanted, &sig);
    pthread_mutex_lock(&held);
    die_by_signal(sig);
}

void signals_undo(void)
{
    static const int fatal[] = {SIGHUP, SIGINT, SIGTERM};

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&wanted);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        struct sigaction now;
        if (sigaction(fatal[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&wanted, fatal[i]);
    }
    pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    pthread_detach(thread_start(wait_for_signal, NULL));
}

void signals_hold(void)
{
    pthread_mutex_lock(&held);
}

void signals_release(void)
{
    pthread_mutex_unlock(&held);
}
