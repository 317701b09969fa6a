#include "archive.h"

struct child archive_start(const struct pgtool *pg_dump, const struct pg_child *c, const char *snapshot,
                           const char *encoding)
{
    char *argv[] = {pg_dump->path,
                    "--format=custom",
                    "--compress=0",
                    "--section=pre-data",
                    "--section=post-data",
                    "--no-blobs",
                    "--no-password",
                    "--lock-wait-timeout=60000", /* ms: another session's lock that waits for ours */
                    "--encoding",
                    (char *)encoding,
                    "--snapshot",
                    (char *)snapshot,
                    "--dbname",
                    c->conninfo,
                    NULL};

    return child_start("pg_dump", argv, c->env, CHILD_PIPE);
}
