/* bk-get - reads a backup from a file, checks its frames, and writes it as a stream. */
#include <stdlib.h>

#include "filter.h"
#include "headfile.h"
#include "mem.h"
#include "opt.h"

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
    struct buf first = {0};

    ends.in = headfile_open(path, &first);
    ends.in_name = name;
    ends.first = &first;
    filter_tap(&only_passes, NULL, &ends);
    buf_free(&first);
    free(name);
    return DONE_OK;
}
