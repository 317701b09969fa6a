/* progress.h - layer 1: one line on a terminal that says how far a tool has come.
 *
 * Only where standard error is a terminal, and at most five times a second. In a pipe of several tools just
 * the first and the last show one. progress_end() clears the line; a die() in between leaves it, above its
 * words.
 */
#ifndef BK_PROGRESS_H
#define BK_PROGRESS_H

#include <stdint.h>

/* `total` in bytes, 0 where it is not known; it may be an estimate. Shows nothing where messages are QUIET.
 */
void progress_begin(uint64_t total);
void progress_add(uint64_t bytes);
void progress_end(void);

/* A number of bytes in words, as "1.2 GiB", into `out` of at least 16 bytes. Returns `out`. */
char *format_size(uint64_t bytes, char out[16]);

/* "1234567" as "1,234,567", into `out` of at least 40 bytes. Returns `out`. */
char *format_grouped(const char *digits, char out[40]);

/* A time in words, as "50 s", "5 minutes", "20 hours" or "3 days", into `out` of at least 32 bytes: of two or
 * more, so that rounding does not matter much. Returns `out`. */
char *format_span(double seconds, char out[32]);

/* The same: how long `at`, in seconds since 1970, is after the time `created` as in HEAD. */
char *format_age(const char *created, double at, char out[32]);

#endif
