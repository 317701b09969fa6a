#define _XOPEN_SOURCE 700 /* realpath */
#include "headfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "msg.h"
#include "stream.h"

enum {
    CRC_BYTES = 4,
    CRC_OF_BODY = 28, /* where they stand in a frame's header: the rest of it is the same in both HEADs */
    CRC_OF_HEADER = 36,
    BODY_AT = MAGIC_BYTES + FRAME_HEADER_BYTES,
    MOST_BYTES = BODY_AT + FRAME_MAX_FIELDS,
};

struct headfile {
    int fd;
    char *path;   /* without links */
    char *folder; /* that it lies in */
    char *beside; /* .NAME.head there */
    mode_t mode;
    uid_t owner;
    gid_t group;
};

static struct headfile *open_file(const char *path, int flags)
{
    struct headfile *f = xcalloc(1, sizeof *f);
    struct stat st;

    f->path = realpath(path, NULL);
    f->fd = f->path ? open(f->path, flags | O_CLOEXEC) : -1;
    if (f->fd < 0)
        die_errno("cannot open '%s'%s", path, flags == O_RDWR ? " to write to it" : "");
    if (fstat(f->fd, &st) < 0)
        die_errno("cannot look at '%s'", path);
    if (!S_ISREG(st.st_mode))
        die(FAILED, "'%s' is not a file", path);
    f->mode = st.st_mode & 0777;
    f->owner = st.st_uid;
    f->group = st.st_gid;
    char *slash = strrchr(f->path, '/');
    f->beside = xasprintf("%.*s/.%s.head", (int)(slash - f->path), f->path, slash + 1);
    f->folder = slash == f->path ? xstrdup("/") : xasprintf("%.*s", (int)(slash - f->path), f->path);
    return f;
}

static void free_file(struct headfile *f)
{
    free(f->path);
    free(f->folder);
    free(f->beside);
    free(f);
}

/* Bytes of a right HEAD with the magic before it, at the beginning of these; 0: there is none. Makes `s`,
 * which is to be freed in any case. */
static size_t head_bytes(const struct buf *bytes, struct stream *s)
{
    struct frame f;

    *s = (struct stream){0};
    if (bytes->len < BODY_AT || stream_magic(bytes->data, MAGIC_BYTES) != STREAM_OK ||
        stream_header(s, bytes->data + MAGIC_BYTES, &f) != STREAM_OK || f.length > bytes->len - BODY_AT ||
        stream_body(s, &f, bytes->data + BODY_AT) != STREAM_OK)
        return 0;
    return BODY_AT + f.length;
}

/* How many of the bytes are in any HEAD that this one may replace: all that stands before the slots, but for
 * the two sums. 0: these are not magic and a HEAD with slots, and nothing else. */
static size_t same_bytes(const struct buf *bytes)
{
    struct stream s;
    struct buf text = {0};
    size_t n = head_bytes(bytes, &s);

    if (n > 0 && n == bytes->len && fields_get(&s.head.fields, "slot")) {
        struct fields before = {.line = s.head.fields.line};
        while (strcmp(before.line[before.count].name, "slot") != 0)
            before.count++;
        fields_encode(&before, &text);
        n = BODY_AT + text.len;
    } else {
        n = 0;
    }
    buf_free(&text);
    stream_free(&s);
    return n;
}

static void blank_sums(uint8_t *bytes)
{
    memset(bytes + MAGIC_BYTES + CRC_OF_BODY, 0, CRC_BYTES);
    memset(bytes + MAGIC_BYTES + CRC_OF_HEADER, 0, CRC_BYTES);
}

/* Do these begin as the file does? Its own HEAD may be half old and half new: what is compared is the same in
 * both. */
static bool belongs(const struct headfile *f, const struct buf *bytes)
{
    size_t n = same_bytes(bytes);
    struct buf own = {0}, other = {0};
    bool ok = n > 0 && io_read_at(f->fd, buf_room(&own, bytes->len), bytes->len, 0) == (ssize_t)bytes->len;

    if (ok) {
        buf_add(&other, bytes->data, n);
        blank_sums(own.data);
        blank_sums(other.data);
        ok = memcmp(own.data, other.data, n) == 0;
    }
    buf_free(&own);
    buf_free(&other);
    return ok;
}

enum beside {
    NOTHING,
    OURS,
    FOREIGN, /* or it cannot be read */
};

/* Reads what lies beside the file. */
static enum beside look_beside(const struct headfile *f, struct buf *bytes)
{
    int fd = open(f->beside, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    if (fd < 0)
        return errno == ENOENT || errno == ENAMETOOLONG ? NOTHING : FOREIGN;
    ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MOST_BYTES
                    ? io_read(fd, buf_room(bytes, MOST_BYTES), MOST_BYTES)
                    : -1;
    close(fd);
    bytes->len = n > 0 ? (size_t)n : 0;
    return belongs(f, bytes) ? OURS : FOREIGN;
}

/* The file's own HEAD, if it is right. */
static bool take_own(const struct headfile *f, struct buf *first)
{
    struct stream s;
    ssize_t n = io_read_at(f->fd, buf_room(first, MOST_BYTES), MOST_BYTES, 0);

    first->len = n > 0 ? (size_t)n : 0;
    first->len = head_bytes(first, &s);
    stream_free(&s);
    return first->len > 0;
}

static bool take_beside(const struct headfile *f, struct buf *first)
{
    enum beside what = look_beside(f, first);

    if (what == OURS)
        info("HEAD is read from '%s': bk-slots is at work on '%s', or was killed", f->beside, f->path);
    if (what == FOREIGN)
        warning("'%s' is not a HEAD of '%s', and is not looked at", f->beside, f->path);
    if (what != OURS)
        first->len = 0;
    return what == OURS;
}

/* Between two looks a bk-slots may begin, and be at it when the file's own is read: then a third one finds
 * what lies beside, or the file's own whole again. */
int headfile_open(const char *path, struct buf *first)
{
    struct headfile *f = open_file(path, O_RDONLY);
    int fd = f->fd;

    if (!take_beside(f, first) && !take_own(f, first))
        take_beside(f, first);
    if (lseek(fd, (off_t)first->len, SEEK_SET) < 0)
        die_errno("cannot read '%s'", path);
    free_file(f);
    return fd;
}

/* Reads it from the disk and not from memory, where the system is willing. */
static bool was_written(const struct headfile *f, const struct buf *bytes)
{
    struct buf own = {0};

    posix_fadvise(f->fd, 0, (off_t)bytes->len, POSIX_FADV_DONTNEED);
    bool ok = io_read_at(f->fd, buf_room(&own, bytes->len), bytes->len, 0) == (ssize_t)bytes->len &&
              memcmp(own.data, bytes->data, bytes->len) == 0;
    buf_free(&own);
    return ok;
}

/* The second half: what lies beside the file becomes its HEAD. */
static void write_over(const struct headfile *f, const struct buf *bytes)
{
    hint("the new HEAD is in '%s': bk-get uses it, and the next bk-slots --rewrap finishes this", f->beside);
    if (io_write_at(f->fd, bytes->data, bytes->len, 0) < 0 || fsync(f->fd) < 0)
        die_errno("cannot write to '%s'", f->path);
    if (!was_written(f, bytes))
        die(FAILED, "'%s' does not hold what was written to it", f->path);
    if (unlink(f->beside) < 0 || io_sync_folder(f->folder) < 0)
        die_errno("cannot take '%s' away", f->beside);
    hint_forget();
}

struct headfile *headfile_lock(const char *path)
{
    struct headfile *f = open_file(path, O_RDWR);
    struct buf left = {0};

    if (flock(f->fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            die(GUARDED, "another bk-slots is at work on '%s'", path);
        die_errno("cannot lock '%s'", path);
    }
    enum beside what = look_beside(f, &left);
    if (what == FOREIGN) {
        hint("look what it is, and take it away");
        die(GUARDED, "'%s' is there, and is not a HEAD of '%s'", f->beside, path);
    }
    if (what == OURS) {
        write_over(f, &left);
        info("finished what an earlier bk-slots had begun with '%s'", path);
    }
    buf_free(&left);
    return f;
}

int headfile_fd(const struct headfile *f)
{
    return f->fd;
}

/* The magic and HEAD's frame. */
static void encode(const struct head *h, struct buf *out)
{
    struct buf body = {0};
    uint8_t header[FRAME_HEADER_BYTES];

    head_encode(h, &body);
    frame_encode(&(struct frame){.type = FRAME_HEAD, .length = (uint32_t)body.len}, body.data, header);
    buf_add(out, frame_magic, MAGIC_BYTES);
    buf_add(out, header, sizeof header);
    buf_add(out, body.data, body.len);
    buf_free(&body);
}

size_t headfile_bytes(const struct head *h)
{
    struct buf bytes = {0};

    encode(h, &bytes);
    size_t n = bytes.len;
    buf_free(&bytes);
    return n;
}

static void drop(void *arg, enum status status, const char *why)
{
    (void)status, (void)why;
    newfile_drop(arg);
}

/* The first half. Who may read the file may read this. */
static void write_beside(const struct headfile *f, const struct buf *bytes)
{
    struct newfile *new = newfile_open(f->beside);

    if (!new)
        die_errno("cannot write '%s'", f->beside);
    undo_on_die(drop, new);
    int fd = newfile_fd(new);
    int unused = fchown(fd, f->owner, f->group); /* only root may, and it is not needed where it fails */
    (void)unused;
    if (fchmod(fd, f->mode) < 0 || io_write(fd, bytes->data, bytes->len) < 0)
        die_errno("cannot write '%s'", f->beside);
    undo_forget(drop, new);
    if (newfile_commit(new) < 0)
        die_errno("cannot write '%s'", f->beside);
}

void headfile_replace(const struct headfile *f, const struct head *h)
{
    struct buf bytes = {0};

    encode(h, &bytes);
    if (!belongs(f, &bytes))
        bug();
    write_beside(f, &bytes);
    write_over(f, &bytes);
    buf_free(&bytes);
}

void headfile_close(struct headfile *f)
{
    close(f->fd);
    free_file(f);
}
