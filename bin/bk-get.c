/* bk-get - reads a backup from a file, checks its frames, and writes it as a stream. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filter.h"
#include "mem.h"
#include "msg.h"
#include "opt.h"

static int open_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        die_errno("cannot open '%s'", path);
    if (fstat(fd, &st) < 0)
        die_errno("cannot look at '%s'", path);
    if (!S_ISREG(st.st_mode))
        die(FAILED, "'%s' is not a file", path);
    return fd;
}

int main(int argc, char **argv)
{
    static const struct cmd cmd = {
        .name = "bk-get",
        .brief = "read a backup from a file",
        .operands = "FILE",
        .min_operands = 1,
        .max_operands = 1,
        .example = "bk-get app.bk | bk-zstd -d | bk-load -d app_new",
    };
    static const struct tap only_passes = {0};
    const char *path = argv[opt_parse(&cmd, argc, argv)];
    struct ends ends = filter_stdio;
    char *name = xasprintf("'%s'", path);

    ends.in = open_file(path);
    ends.in_name = name;
    filter_tap(&only_passes, NULL, &ends);
    free(name);
    return DONE_OK;
}
