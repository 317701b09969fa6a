/* Tests of deadline.h: what waits for ever ends, with the words and status 1. */
#include <pthread.h>
#include <unistd.h>

#include "deadline.h"
#include "unit.h"

/* In time: nothing happens, then or later. */
static void in_time(void *arg)
{
    (void)arg;
    msg_init("t");
    for (int i = 0; i < 100; i++)
        deadline_end(deadline_begin(1000, "late", "none"));
    deadline_end(NULL);
    info("done");
}

static void waits(void *arg)
{
    (void)arg;
    msg_init("t");
    deadline_begin(1, "not done within 1 s", "do this");
    for (;;)
        pause();
}

/* As write_abrt() does while another thread writes to a pipe that nobody reads. */
static void stuck(void *arg, enum status status, const char *why)
{
    (void)arg, (void)status, (void)why;
    for (;;)
        pause();
}

static void cannot_undo(void *arg)
{
    undo_on_die(stuck, NULL);
    waits(arg);
}

static void *fail(void *arg)
{
    (void)arg;
    die(BAD_DATA, "something else");
}

/* Another thread is dying already, and gets nowhere. */
static void dying(void *arg)
{
    pthread_t thread;

    msg_init("t");
    undo_on_die(stuck, NULL);
    pthread_create(&thread, NULL, fail, NULL);
    waits(arg);
}

static void ends(void)
{
    CHECK_CHILD(in_time, NULL, DONE_OK, "t: done\n");
    CHECK_CHILD(waits, NULL, FAILED, "t: not done within 1 s\nt: hint: do this\n");
    CHECK_CHILD(cannot_undo, NULL, FAILED, "t: not done within 1 s\nt: hint: do this\n");
    CHECK_CHILD(dying, NULL, FAILED, "t: something else\n");
}

int main(void)
{
    RUN(ends);
    return unit_end();
}
