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
    char path[32], *further[] = {"--section=pre-data", "--exit-on-error", NULL, NULL, NULL};

    if (r->list >= 0) {
        further[2] = "--use-list";
        further[3] = fd_path(r->list, path);
    }
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

/* A list of what is to be restored: of the archive's entries those that are (or are not) about the contents
 * of materialized views. */
struct list {
    bool views;
    int file;
    size_t lines;
};

static void list_line(void *ctx, struct buf *line)
{
    struct list *l = ctx;

    if (line->data[0] == ';' || is_view_data(buf_str(line)) != l->views)
        return;
    io_scratch_write(l->file, line->data, line->len);
    l->lines++;
}

static void write_list(const struct restore *r, const struct pgtool *tool, struct list *l)
{
    char archive[32], path[32], *env[] = {NULL};
    char *argv[] = {tool->path, "--list", "--section=post-data", fd_path(r->archive, archive), NULL,
                    NULL,       NULL};

    if (r->list >= 0) {
        argv[4] = "--use-list";
        argv[5] = fd_path(r->list, path);
    }
    struct child c = child_start("pg_restore", argv, env, CHILD_PIPE);

    child_lines(&c, list_line, l);
    char *failed = child_wait(&c);
    if (failed)
        die(FAILED, "pg_restore %s while listing the definitions; its own words stand above", failed);
}

/* Runs what the list says. NULL, or words how it failed. */
static char *run_listed(const struct restore *r, bool views)
{
    struct pgtool tool = find_tool(r);
    struct list list = {.views = views, .file = io_scratch_file()};
    char path[32], jobs[32], *failed = NULL;
    char *further[] = {"--section=post-data", "--use-list", fd_path(list.file, path), NULL, NULL};

    snprintf(jobs, sizeof jobs, "--jobs=%d", r->jobs);
    if (r->jobs > 1 && !views)
        further[3] = jobs;
    write_list(r, &tool, &list);
    if (list.lines > 0)
        failed = run(r, &tool, further);
    close(list.file);
    pgtool_free(&tool);
    return failed;
}

char *restore_post_data(const struct restore *r)
{
    return run_listed(r, false);
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
