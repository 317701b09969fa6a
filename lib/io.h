/* io.h - layer 1: whole reads and writes, and files that appear whole or not at all.
 *
 * Interrupted and short calls are gone on with; a descriptor that somebody else made non-blocking is waited
 * for. Nothing here dies unless it says so: -1 means failed, and errno says why.
 */
#ifndef BK_IO_H
#define BK_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Reads up to `n` bytes, fewer only at the end of input. Returns how many, or -1. */
ssize_t io_read(int fd, void *bytes, size_t n);

/* Reads what there is, at least one byte unless at the end of input. Returns how many, 0 at the end, or -1.
 */
ssize_t io_read_some(int fd, void *bytes, size_t n);

/* Write all of it. Return 0, or -1. io_writev changes the entries of `iov`. */
int io_write(int fd, const void *bytes, size_t n);
int io_writev(int fd, struct iovec *iov, int count);

/* The same at a place in a file; the descriptor's own stays. io_read_at returns how many bytes, fewer only at
 * the end of the file, or -1; io_write_at 0, or -1. */
ssize_t io_read_at(int fd, void *bytes, size_t n, off_t at);
int io_write_at(int fd, const void *bytes, size_t n, off_t at);

/* Asks for a pipe of 1 MiB where `fd` is a pipe: between two processes that moves 3 to 5 times what the
 * default of 64 KiB does. A pipe that cannot grow stays as it is. */
void io_grow_pipe(int fd);

/* A file of no name, for this user alone, gone with its last descriptor. It lies in $TMPDIR, or /tmp. Dies
 * when it cannot be made. The descriptor is inherited by children. */
int io_scratch_file(void);

/* Writes to a scratch file. Dies, and says where it lies, when that fails. */
void io_scratch_write(int fd, const void *bytes, size_t n);

/* Memory that looks like such a file and holds `n` bytes: to give a child a secret that is on no disk and in
 * no argument. The child opens /dev/fd/N. Dies when it cannot be made. The descriptor is inherited by
 * children. */
int io_secret_file(const void *bytes, size_t n);

/* Brings the names in a folder to the disk. Returns 0, or -1. */
int io_sync_folder(const char *path);

/* A new file. Until newfile_commit() there is nothing of its name, whatever happens. */
struct newfile;

/* Opens it for writing, mode 0600 less the umask. NULL when it cannot be made; EEXIST when `path` is there.
 */
struct newfile *newfile_open(const char *path);
int newfile_fd(const struct newfile *f);

/* Brings the contents to the disk, then gives the file its name, then brings the name to the disk. Never
 * replaces a file: -1 with EEXIST. Ends `f` either way. */
int newfile_commit(struct newfile *f);

/* Ends `f`, and nothing is left of it. NULL is allowed. */
void newfile_drop(struct newfile *f);

#endif
