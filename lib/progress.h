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

#endif
