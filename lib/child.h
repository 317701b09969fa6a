/* child.h - layer 1: child programs: started with nothing but what they need, and never left behind.
 *
 * A child's standard input is /dev/null, its standard error is ours. It is killed when we die, and ended by
 * the kernel when the thread that started it ends in whatever way (prctl PR_SET_PDEATHSIG): so start children
 * from the main thread. Descriptors other than 0 to 2 are those that are not close-on-exec.
 */
#ifndef BK_CHILD_H
#define BK_CHILD_H

#include <sys/types.h>

#include "mem.h"

struct child {
    const char *name; /* for messages; owned by the caller */
    pid_t pid;
    int out; /* the reading end of its standard output, or -1 */
};

enum child_out { CHILD_PIPE, CHILD_NULL };

/* Starts argv[0] (a path). `env` holds NAME=value to set and NAME to unset, ended by NULL. Dies if that
 * fails. */
struct child child_start(const char *name, char *const argv[], char *const env[], enum child_out out);

/* Runs a command of the user's, by /bin/sh, gives it `n` bytes (at most 64 KiB) on its standard input, and
 * adds what it writes to `out`, up to `most` bytes. `env` as above. Dies with status 1 if it fails, or writes
 * more. */
void child_filter(const char *command, char *const env[], const void *in, size_t n, size_t most,
                  struct buf *out);

/* Calls `each` for every line of its standard output, until the end of it. The newline is part of the line
 * (the last one may have none), and buf_str() makes a string of it. Dies if reading fails. */
void child_lines(struct child *c, void (*each)(void *ctx, struct buf *line), void *ctx);

/* Waits for its end and closes `out`. NULL if its status was 0, else words ("failed with status 1"), to be
 * freed. */
char *child_wait(struct child *c);

#endif
