/* reader.h - layer 2: reads a stream from a descriptor, checks it by stream.h, and dies of what is wrong with
 * it.
 *
 * What is wrong with the bytes ends the program with status 3 and the place; a read that fails, with
 * status 1. An ABRT frame ends it too, with the words in it, which go into our own ABRT as well (writer.h).
 */
#ifndef BK_READER_H
#define BK_READER_H

#include "frame.h"
#include "mem.h"
#include "stream.h"

struct reader;

/* Reads the magic and HEAD from `fd`, which stays the caller's; `name` is for messages and must outlive the
 * reader. Refuses a terminal (status 2). */
struct reader *reader_open(int fd, const char *name);

/* The same where the stream begins with the bytes in `first`, at most magic and HEAD, and goes on at `fd`. */
struct reader *reader_open_behind(const struct buf *first, int fd, const char *name);

/* Reads the next frame and adds its body to the end of `body`. False at END: then the whole stream was right,
 * and nothing follows it. */
bool reader_next(struct reader *r, struct frame *f, struct buf *body);

/* HEAD from the beginning; END's lines once reader_next() was false. Lives as long as the reader. */
const struct stream *reader_stream(const struct reader *r);

void reader_close(struct reader *r);

#endif
