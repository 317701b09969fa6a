#include "pgtool.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "mem.h"
#include "msg.h"

int pgtool_major(const char *version)
{
    return (int)strtol(version, NULL, 10);
}

char *fd_path(int fd, char path[32])
{
    snprintf(path, 32, "/dev/fd/%d", fd);
    return path;
}

/* The output of "pg_dump --version" is "pg_dump (PostgreSQL) 15.18 (Debian ...)". False if `path` does not
 * say so. */
static bool ask_version(const char *path, char version[32])
{
    char *argv[] = {(char *)path, "--version", NULL}, *env[] = {NULL};
    char line[200];
    struct child c = child_start(path, argv, env, CHILD_PIPE);
    ssize_t n = io_read(c.out, line, sizeof line - 1);
    char *failed = child_wait(&c);
    bool ok = !failed && n > 0;

    free(failed);
    line[n > 0 ? n : 0] = '\0';
    const char *number = strstr(line, "PostgreSQL) ");
    if (!ok || !number)
        return false;
    snprintf(version, 32, "%.*s", (int)strcspn(number + 12, " \n"), number + 12);
    return pgtool_major(version) > 0;
}

struct search {
    int min_major;
    int newest_seen;
    int best; /* the smallest major that will do, or 0 */
    struct pgtool found;
};

static void try_path(struct search *s, const char *path)
{
    char version[32];

    if (access(path, X_OK) != 0 || !ask_version(path, version))
        return;
    int major = pgtool_major(version);
    if (major > s->newest_seen)
        s->newest_seen = major;
    if (major < s->min_major || (s->best && major >= s->best))
        return;
    s->best = major;
    free(s->found.path);
    s->found.path = xstrdup(path);
    memcpy(s->found.version, version, sizeof version);
}

static void try_pattern(struct search *s, const char *folder, const char *name)
{
    char *pattern = xasprintf("%s/%s", folder, name);
    glob_t found;

    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            try_path(s, found.gl_pathv[i]);
        globfree(&found);
    }
    free(pattern);
}

static void try_search_path(struct search *s, const char *name)
{
    const char *dir = getenv("PATH");

    while (dir && *dir && !s->best) {
        size_t n = strcspn(dir, ":");
        char *path = xasprintf("%.*s/%s", (int)n, dir, name);
        if (n > 0)
            try_path(s, path);
        free(path);
        dir += n + (dir[n] == ':');
    }
}

struct pgtool pgtool_find(const char *name, int min_major, const char *why)
{
    struct search s = {.min_major = min_major};

    try_pattern(&s, "/usr/lib/postgresql/*/bin", name);
    if (!s.best)
        try_pattern(&s, "/usr/pgsql-*/bin", name);
    if (!s.best)
        try_search_path(&s, name);
    if (s.best) {
        detail("using %s (%s)", s.found.path, s.found.version);
        return s.found;
    }
    hint("install PostgreSQL's client programs of version %d or newer (Debian: postgresql-client-%d)",
         min_major, min_major);
    if (s.newest_seen)
        complain(FAILED, "the only %s here is of version %d, but %s", name, s.newest_seen, why);
    else
        complain(FAILED, "there is no %s here", name);
    return s.found;
}

void pgtool_free(struct pgtool *t)
{
    free(t->path);
    t->path = NULL;
}
