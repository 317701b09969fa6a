#include "restore.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "msg.h"
#include "oids.h"
#include "script.h"

enum {
    MOST_ARGUMENTS = 16,
    LIST_PIECE = 64 << 10, /* bytes */
};

enum part { DEFINITIONS, BEHIND_ROWS, VIEWS };

/* Within a savepoint. NULL, or words of the server: then nothing else is undone. */
static char *try_script(struct pg *pg, struct script *script)
{
    char state[6], *words = NULL;

    pg_exec(pg, "set a savepoint", "SAVEPOINT bk_script");
    bool ok = pg_try(pg, buf_str(&script->body), state, &words);
    pg_exec(pg, "end a savepoint", ok ? "RELEASE bk_script" : "ROLLBACK TO bk_script; RELEASE bk_script");
    return words;
}

/* By our own connection. NULL, or words how it failed. */
static char *run_script(const struct restore *r, enum part part, char *const argv[])
{
    struct script script = {0};
    char *failed = NULL;

    script_read(&script, argv);
    pg_exec(r->pg, "set up the session", buf_str(&script.settings));
    if (part == VIEWS)
        failed = try_script(r->pg, &script);
    else
        pg_exec(r->pg, part == DEFINITIONS ? "make schemas and tables" : "make indexes and constraints",
                buf_str(&script.body));
    pg_reset(r->pg);
    script_free(&script);
    return failed;
}

/* Runs pg_restore on the archive with these further arguments. NULL, or words how it failed. */
static char *run(const struct restore *r, enum part part, const struct pgtool *tool, char *const further[])
{
    char archive[32], *argv[MOST_ARGUMENTS] = {tool->path, "--no-password", "--dbname", r->child.conninfo};
    size_t n = 4;

    if (r->pg) {
        argv[2] = "--file";
        argv[3] = "-";
    }
    if (r->out.owners)
        argv[n++] = "--no-owner";
    if (r->out.acls)
        argv[n++] = "--no-privileges";
    if (r->out.tablespaces)
        argv[n++] = "--no-tablespaces";
    for (; *further && n < MOST_ARGUMENTS - 2; further++)
        argv[n++] = *further;
    argv[n] = fd_path(r->archive, archive);
    if (r->pg)
        return run_script(r, part, argv);
    struct child c = child_start("pg_restore", argv, r->child.env, CHILD_NULL);
    return child_wait(&c);
}

struct pgtool restore_tool(const struct restore *r)
{
    const char *version = strncmp(r->made_with, "pg_dump ", 8) == 0 ? r->made_with + 8 : "1";
    char *why = xasprintf("the backup's definitions were made with %s", r->made_with);
    struct pgtool tool = pgtool_find("pg_restore", pgtool_major(version), why);

    free(why);
    return tool;
}

/* A line of `pg_restore -l`, as "3372; 0 16431 MATERIALIZED VIEW DATA public name owner", or "5; 0 0 COMMENT
 * - EXTENSION name owner": what stands behind the numbers. */
static const char *text_of(const char *line)
{
    int at = 0;

    sscanf(line, "%*d; %*u %*u %n", &at);
    return line + at;
}

static bool is_view_data(const char *text)
{
    return strncmp(text, "MATERIALIZED VIEW DATA ", 23) == 0;
}

static bool is_foreign_comment(const struct restore *r, const char *text)
{
    static const char comment[] = "COMMENT - EXTENSION ";
    enum { LENGTH = sizeof comment - 1 };

    for (size_t i = 0; i < r->foreign.count && strncmp(text, comment, LENGTH) == 0; i++) {
        const char *name = r->foreign.line[i].value;
        size_t n = strlen(name);
        if (strncmp(text + LENGTH, name, n) == 0 && text[LENGTH + n] == ' ')
            return true;
    }
    return false;
}

/* Line ends within a name stand as blanks in a list. */
static bool is_kept_schema(const struct restore *r, const char *text)
{
    static const char schema[] = "SCHEMA - ";
    enum { LENGTH = sizeof schema - 1 };

    for (size_t i = 0; i < r->kept.count && strncmp(text, schema, LENGTH) == 0; i++) {
        const char *name = r->kept.line[i].value, *at = text + LENGTH;
        for (; *name && (*name == *at || (strchr("\n\r", *name) && *at == ' ')); name++)
            at++;
        if (!*name && *at == ' ')
            return true;
    }
    return false;
}

/* A list of what is to be restored, of one part. */
struct list {
    const struct restore *restore;
    enum part part;
    int file;
    size_t lines;
    struct oids wanted; /* numbers of entries, if not all are */
    struct fields line; /* each by itself, if it is of views */
};

static void list_line(void *ctx, struct buf *line)
{
    struct list *l = ctx;
    const char *text = text_of(buf_str(line));
    uint32_t number = (uint32_t)strtoul(buf_str(line), NULL, 10);

    if (line->data[0] == ';' || (l->restore->list >= 0 && !oids_have(&l->wanted, number)) ||
        (l->part == DEFINITIONS && is_foreign_comment(l->restore, text)) ||
        (l->part == DEFINITIONS && is_kept_schema(l->restore, text)) ||
        (l->part == BEHIND_ROWS && is_view_data(text)) || (l->part == VIEWS && !is_view_data(text)))
        return;
    io_scratch_write(l->file, line->data, line->len);
    l->lines++;
    if (l->part == VIEWS)
        fields_add(&l->line, "view", buf_str(line));
}

/* The numbers in the list of what is wanted. */
static struct oids read_wanted(int file)
{
    struct buf text = {0};
    ssize_t n;

    if (lseek(file, 0, SEEK_SET) < 0)
        die_errno("cannot read a temporary file");
    while ((n = io_read_some(file, buf_room(&text, LIST_PIECE), LIST_PIECE)) > 0)
        text.len += (size_t)n;
    if (n < 0)
        die_errno("cannot read a temporary file");
    struct oids wanted = oids_room(text.len);
    for (char *line = buf_str(&text); *line; line += strcspn(line, "\n"), line += *line == '\n')
        oids_add(&wanted, (uint32_t)strtoul(line, NULL, 10));
    oids_sort(&wanted);
    buf_free(&text);
    return wanted;
}

/* Not with --use-list: pg_restore moves what is on such a list behind all else, and takes an entry that has
 * no section, as a comment on a schema, to be of that of the entry in front of it. So the list is made
 * without, and used without --section. */
static void write_list(const struct pgtool *tool, struct list *l)
{
    const struct restore *r = l->restore;
    char archive[32], *env[] = {NULL};
    char *argv[] = {tool->path, "--list",
                    l->part == DEFINITIONS ? "--section=pre-data" : "--section=post-data",
                    fd_path(r->archive, archive), NULL};

    if (r->list >= 0)
        l->wanted = read_wanted(r->list);
    struct child c = child_start("pg_restore", argv, env, CHILD_PIPE);

    child_lines(&c, list_line, l);
    char *failed = child_wait(&c);
    if (failed)
        die(FAILED, "pg_restore %s while listing the definitions; its own words stand above", failed);
    oids_free(&l->wanted);
}

/* Restores what is on a list. NULL, or words how it failed. */
static char *run_list(const struct restore *r, const struct pgtool *tool, enum part part, int list)
{
    char path[32], jobs[32];
    char *further[] = {"--use-list", fd_path(list, path), NULL, NULL};

    snprintf(jobs, sizeof jobs, "--jobs=%d", r->jobs);
    if (part == DEFINITIONS)
        further[2] = "--exit-on-error";
    if (part == BEHIND_ROWS && r->jobs > 1)
        further[2] = jobs;
    return run(r, part, tool, further);
}

/* Each by itself, in the order of the list. Words of the last that failed, or NULL. */
static char *run_each_view(const struct restore *r, const struct pgtool *tool, const struct fields *view)
{
    char *failed = NULL;

    for (size_t i = 0; i < view->count; i++) {
        int list = io_scratch_file();
        io_scratch_write(list, view->line[i].value, strlen(view->line[i].value));
        char *words = run_list(r, tool, VIEWS, list);
        if (words) {
            warning("%s", words);
            free(failed);
            failed = xstrdup("the server's words stand above");
        }
        free(words);
        close(list);
    }
    return failed;
}

/* Restores a part. NULL, or words how it failed. */
static char *run_part(const struct restore *r, enum part part)
{
    struct pgtool tool = restore_tool(r);
    struct list list = {.restore = r, .part = part, .file = io_scratch_file()};
    char *failed = NULL;

    write_list(&tool, &list);
    if (part == VIEWS && r->pg)
        failed = run_each_view(r, &tool, &list.line);
    else if (list.lines > 0)
        failed = run_list(r, &tool, part, list.file);
    close(list.file);
    fields_free(&list.line);
    pgtool_free(&tool);
    return failed;
}

void restore_pre_data(const struct restore *r)
{
    char *failed = run_part(r, DEFINITIONS);

    if (failed)
        die(FAILED, "pg_restore %s while making schemas and tables; its own words stand above", failed);
}

char *restore_post_data(const struct restore *r)
{
    return run_part(r, BEHIND_ROWS);
}

void restore_views(const struct restore *r)
{
    char *failed = run_part(r, VIEWS);

    if (failed)
        warning("not all materialized views could be filled (%s%s); REFRESH them when that is mended",
                r->pg ? "" : "pg_restore ", failed);
    free(failed);
}
