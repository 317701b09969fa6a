/* ask.h - layer 1: a question to whoever sits at the terminal, as standard input is the stream. */
#ifndef BK_ASK_H
#define BK_ASK_H

#include <stdbool.h>

/* Complains (msg.h) with status 4 if there is nobody to ask; `instead` is the hint, what answers beforehand.
 */
void ask_possible(const char *instead);

/* Asks, on /dev/tty, and dies with status 4 unless the answer is "yes". */
void ask(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
