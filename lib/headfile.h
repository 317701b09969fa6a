/* headfile.h - layer 2: HEAD of a backup in a file, which can be replaced where it stands.
 *
 * The new one goes to `.NAME.head` beside the file first, and then over the old one; whatever ends that on
 * its way, one of the two is whole. So as long as there is such a file, with the same record and as long as
 * the file's own HEAD, it is the file's HEAD. `.NAME.head` lies where the file itself does: links are
 * followed.
 */
#ifndef BK_HEADFILE_H
#define BK_HEADFILE_H

#include "head.h"
#include "mem.h"

/* Opens a backup for reading. `first` gets magic and HEAD, from `.NAME.head` where that is to be used, and
 * the descriptor stands behind them (filter.h: ends.first). If there is no right HEAD, `first` is empty, and
 * all of it is left to the reader, who has words for that. Dies with status 1 if the file cannot be opened,
 * or is no regular file. */
int headfile_open(const char *path, struct buf *first);

/* A file whose HEAD is to be replaced: opened for writing, and locked. First finishes what an earlier one has
 * left. Dies with status 4 if another holds it, or if a `.NAME.head` is there that does not belong to it. */
struct headfile;
struct headfile *headfile_lock(const char *path);
/* At the beginning of the file. */
int headfile_fd(const struct headfile *f);

/* How many bytes magic and this HEAD are. */
size_t headfile_bytes(const struct head *h);

/* Replaces HEAD by one that has the same record and the same number of bytes. Dies with status 1 if that
 * fails; the file has its old HEAD then, or `.NAME.head` is there. */
void headfile_replace(const struct headfile *f, const struct head *h);

void headfile_close(struct headfile *f);

#endif
