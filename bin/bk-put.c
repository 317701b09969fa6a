/* bk-put - keeps a stream in a file, which appears only when the whole stream has been seen. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filter.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "opt.h"
#include "reader.h"

static _Noreturn void die_not_new(const char *path)
{
    if (errno != EEXIST)
        die_errno("cannot write '%s'", path);
    hint("take another name; bk-put replaces no file");
    die(GUARDED, "'%s' is there already", path);
}

/* Makes `path`, a folder in `dir`, unless it is there; its name must be on the disk before a backup in it
 * counts. */
static void make_folder(const char *dir, const char *path)
{
    if (mkdir(path, 0700) < 0) {
        if (errno != EEXIST)
            die_errno("cannot make the folder '%s'", path);
    } else if (io_sync_folder(dir) < 0) {
        die_errno("cannot make the folder '%s' last", path);
    }
}

/* "DIR/" becomes DIR/<label>/<created>-<id8>.bk, the time without the characters that scp and make read
 * otherwise. Digests are no backup, and must not be the newest .bk there. */
static char *own_name(const char *dir, const struct head *h)
{
    const char *label = fields_get(&h->fields, "label");
    const char *created = fields_get(&h->fields, "created");
    struct buf name = {0};

    if (!label)
        opt_wrong("the stream has no label to name the file by; say which FILE");
    buf_addf(&name, "%s%s", dir, label);
    make_folder(dir, buf_str(&name));
    buf_addc(&name, '/');
    for (; *created; created++)
        if (*created != '-' && *created != ':')
            buf_addc(&name, *created);
    buf_addf(&name, "-%.8s.%s", head_id(h), head_kind_is(h, "digests") ? "digests" : "bk");
    return buf_str(&name);
}

struct copy {
    const char *operand;
    char *path;
    struct newfile *file;
    struct writer *writer;
};

static void drop_file(void *arg, enum status status, const char *why)
{
    (void)status, (void)why;
    newfile_drop(arg);
}

/* The file is opened only now, for HEAD may be needed to name it. */
static void begin(void *ctx, const struct head *h)
{
    struct copy *c = ctx;
    size_t n = strlen(c->operand);

    c->path = c->operand[n - 1] == '/' ? own_name(c->operand, h) : xstrdup(c->operand);
    c->file = newfile_open(c->path);
    if (!c->file)
        die_not_new(c->path);
    undo_on_die(drop_file, c->file);
    c->writer = writer_open(newfile_fd(c->file), c->path);
    writer_head(c->writer, h);
}

static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct copy *c = ctx;

    (void)out;
    writer_frame(c->writer, *f, body);
    return true;
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct copy *c = ctx;

    (void)out;
    writer_end(c->writer, end, fields_get(end, "sums"));
    undo_forget(drop_file, c->file);
    if (newfile_commit(c->file) < 0)
        die_not_new(c->path);
    info("%s", c->path);
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct cmd cmd = {
        .name = "bk-put",
        .brief = "keep a stream in a file, once it is whole",
        .operands = "FILE|DIR/",
        .min_operands = 1,
        .max_operands = 1,
        .example = "bk-dump -d app | bk-zstd | bk-sum | bk-put /var/backups/app/",
    };
    static const struct tap tap = {begin, see, end};
    struct copy c = {.operand = argv[opt_parse(&cmd, argc, argv)]};

    if (!*c.operand)
        opt_wrong("FILE|DIR/ is empty");
    filter_tap(&tap, &c, &filter_stdin_only);
    free(c.path);
    return DONE_OK;
}
