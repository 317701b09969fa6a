#include "restore.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "msg.h"
#include "pgtool.h"

enum { MOST_ARGUMENTS = 16 };

/* Runs pg_restore on the archive with these further arguments. NULL, or words how it failed. */
static char *run(const struct restore *r, const struct pgtool *tool, char *const further[])
{
    char archive[32], *argv[MOST_ARGUMENTS] = {tool->path, "--no-password", "--dbname", r->child.conninfo};
    size_t n = 4;

    if (r->out.owners)
        argv[n++] = "--no-owner";
    if (r->out.acls)
        argv[n++] = "--no-privileges";
    if (r->out.tablespaces)
        argv[n++] = "--no-tablespaces";
    for (; *further && n < MOST_ARGUMENTS - 2; further++)
        argv[n++] = *further;
    argv[n] = fd_path(r->archive, archive);
    struct child c = child_start("pg_restore", argv, r->child.env, CHILD_NULL);
    return child_wait(&c);
}

static struct pgtool find_tool(const struct restore *r)
{
    const char *version = strncmp(r->made_with, "pg_dump ", 8) == 0 ? r->made_with + 8 : "1";
    char *why = xasprintf("the backup's definitions were made with %s", r->made_with);
    struct pgtool tool = pgtool_find("pg_restore", pgtool_major(version), why);

    free(why);
    return tool;
}

void restore_pre_data(const struct restore *r)
{
    struct pgtool tool = find_tool(r);
    char *further[] = {"--section=pre-data", "--exit-on-error", NULL};
    char *failed = run(r, &tool, further);

    if (failed)
        die(FAILED, "pg_restore %s while making schemas and tables; its own words stand above", failed);
    pgtool_free(&tool);
}

/* A line of `pg_restore -l`: "3372; 0 16431 MATERIALIZED VIEW DATA public name owner". */
static bool is_view_data(const char *line)
{
    static const char description[] = "MATERIALIZED VIEW DATA ";
    int at = -1;

    return sscanf(line, "%*d; %*u %*u %n", &at) == 0 && at > 0 &&
           strncmp(line + at, description, sizeof description - 1) == 0;
}

static void put_line(int fd, const struct buf *line)
{
    if (io_write(fd, line->data, line->len) < 0)
        die_errno("cannot write a temporary file");
}

/* Writes those lines of the archive's list of post-data that are (or are not) about the contents of
 * materialized views into `list`. Returns how many there are. */
static size_t write_list(const struct restore *r, const struct pgtool *tool, bool views, int list)
{
    char archive[32], bytes[64 << 10];
    char *argv[] = {tool->path, "--list", "--section=post-data", fd_path(r->archive, archive), NULL},
         *env[] = {NULL};
    struct child c = child_start("pg_restore", argv, env, CHILD_PIPE);
    struct buf line = {0};
    size_t lines = 0;
    ssize_t n;

    while ((n = io_read_some(c.out, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            buf_addc(&line, bytes[i]);
            if (bytes[i] != '\n')
                continue;
            bool wanted = line.data[0] != ';' && is_view_data(buf_str(&line)) == views;
            if (wanted)
                put_line(list, &line);
            lines += wanted;
            line.len = 0;
        }
    }
    if (n < 0)
        die_errno("cannot read from pg_restore");
    char *failed = child_wait(&c);
    if (failed)
        die(FAILED, "pg_restore %s while listing the definitions; its own words stand above", failed);
    buf_free(&line);
    return lines;
}

/* Runs what the list says. NULL, or words how it failed. */
static char *run_listed(const struct restore *r, bool views)
{
    struct pgtool tool = find_tool(r);
    int list = io_scratch_file();
    char path[32], jobs[32], *failed = NULL;
    char *further[] = {"--section=post-data", "--use-list", fd_path(list, path), NULL, NULL};

    snprintf(jobs, sizeof jobs, "--jobs=%d", r->jobs);
    if (r->jobs > 1 && !views)
        further[3] = jobs;
    if (write_list(r, &tool, views, list) > 0)
        failed = run(r, &tool, further);
    close(list);
    pgtool_free(&tool);
    return failed;
}

void restore_post_data(const struct restore *r)
{
    char *failed = run_listed(r, false);

    if (failed)
        die(FAILED, "pg_restore %s while making indexes and constraints; its own words stand above", failed);
}

void restore_views(const struct restore *r)
{
    char *failed = run_listed(r, true);

    if (failed)
        warning(
            "not all materialized views could be filled (pg_restore %s); REFRESH them when that is mended",
            failed);
    free(failed);
}
