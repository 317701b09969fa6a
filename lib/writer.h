/* writer.h - layer 2: writes a stream to a descriptor.
 *
 * Small frames are gathered; HEAD, large frames and END go out at once. If the program dies before END, an
 * ABRT frame with its words is the last thing written, so that every tool downstream fails with them. A write
 * that fails ends the program with status 1. Only one thread may write at a time (die() may come from any).
 */
#ifndef BK_WRITER_H
#define BK_WRITER_H

#include "frame.h"
#include "head.h"
#include "mem.h"

struct writer;

/* `fd` stays the caller's; `name` is for messages and must outlive the writer. Refuses a terminal (status 2).
 */
struct writer *writer_open(int fd, const char *name);

/* The magic and HEAD. */
void writer_head(struct writer *w, const struct head *h);

/* One frame. Its seq is set here; f->length bytes at `body`. */
void writer_frame(struct writer *w, struct frame f, const void *body);

/* `n` bytes of whole frames that are encoded already, with the numbers that are their turn; `numbered` of
 * them have one. */
void writer_encoded(struct writer *w, const void *bytes, size_t n, uint64_t numbered);

/* END: the lines of `end` that are the source's, our own size, and `sums` unless NULL. All has been written
 * when it returns; the writer is freed. */
void writer_end(struct writer *w, const struct fields *end, const char *sums);

/* Bytes since HEAD: where the next frame begins. */
uint64_t writer_size(const struct writer *w);
/* Numbered frames so far, HEAD included: what the next one's seq will be. */
uint64_t writer_seq(const struct writer *w);

/* From now on ABRT says this instead of this tool's name and what it dies of: what came from upstream is
 * passed on. The strings must outlive the program. */
void writer_abort_words(const char *tool, const char *why);

/* From now on ABRT says no more than this, whatever came from upstream or is died of. */
void writer_hush(const char *why);

#endif
