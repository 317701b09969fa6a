/* deadline.h - layer 1: a time by which something must be done, or the program fails.
 *
 * It may wait for anything meanwhile: a server, a lock, a child, a pipe that nobody reads. A thread of its
 * own watches the time. When that is up it dies in the usual way, but nothing that it does then, not even
 * saying why, may take longer than a few seconds: after those the process ends with status 1 all the same.
 */
#ifndef BK_DEADLINE_H
#define BK_DEADLINE_H

#include "msg.h"

struct deadline;

/* From now on: unless deadline_end() comes within so many seconds, the program dies (status 1) with `words`,
 * and `advice` for a hint. Both strings must live until then. */
struct deadline *deadline_begin(int seconds, const char *words, const char *advice);

/* It is done. If time is just up, this does not return. Frees the deadline; NULL is none. */
void deadline_end(struct deadline *d);

#endif
