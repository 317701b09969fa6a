#include "archive.h"

#include <stdio.h>
#include <string.h>

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

/* An integer in an archive: a sign and `size` bytes, the lowest first. */
static size_t put_int(uint8_t *p, size_t size, int value)
{
    p[0] = value < 0;
    for (size_t i = 0; i < size; i++)
        p[1 + i] = i < 4 ? (uint8_t)((unsigned)(value < 0 ? -value : value) >> (8 * i)) : 0;
    return 1 + size;
}

/* WriteHead() in PostgreSQL's pg_backup_archiver.c: "PGDMP", the version's three bytes, the size of integers
 * and of offsets, the format; then the compression (an integer up to version 1.14, one byte from 1.15 on);
 * then the parts of the time. */
bool archive_set_time(uint8_t *bytes, size_t n, const char *created)
{
    enum { VERSION_AT = 5, SIZE_AT = 8, COMPRESSION_AT = 11 };
    int year, month, day, hour, minute, second;

    if (n < ARCHIVE_HEADER_BYTES || memcmp(bytes, "PGDMP", 5) != 0 || bytes[VERSION_AT] != 1 ||
        sscanf(created, "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour, &minute, &second) != 6)
        return false;
    size_t size = bytes[SIZE_AT];
    if (size != 4 && size != 8)
        return false;
    uint8_t *p = bytes + COMPRESSION_AT + (bytes[VERSION_AT + 1] >= 15 ? 1 : 1 + size);
    const int parts[] = {second, minute, hour, day, month - 1, year - 1900, 0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        p += put_int(p, size, parts[i]);
    return true;
}
