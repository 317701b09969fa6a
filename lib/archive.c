#include "archive.h"

#include <stdio.h>

struct child archive_start(const struct pgtool *pg_dump, const struct pg_child *c, const char *snapshot,
                           const char *encoding, int lock_wait)
{
    char timeout[60];
    char *argv[] = {pg_dump->path,
                    "--format=custom",
                    "--compress=0",
                    "--section=pre-data",
                    "--section=post-data",
                    "--no-blobs",
                    "--no-password",
                    timeout, /* another session's lock that waits for ours */
                    "--encoding",
                    (char *)encoding,
                    "--snapshot",
                    (char *)snapshot,
                    "--dbname",
                    c->conninfo,
                    NULL};

    snprintf(timeout, sizeof timeout, "--lock-wait-timeout=%d000", lock_wait); /* ms */
    return child_start("pg_dump", argv, c->env, CHILD_PIPE);
}
