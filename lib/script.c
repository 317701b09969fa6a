#include "script.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "msg.h"

static bool begins(const struct buf *line, const char *word)
{
    size_t n = strlen(word);

    return line->len >= n && memcmp(line->data, word, n) == 0;
}

static bool is_blank(const struct buf *line)
{
    return line->len == 1 && line->data[0] == '\n';
}

/* The rest of a line behind `word`, without its newline; to be freed. */
static char *rest_of(const struct buf *line, const char *word)
{
    size_t from = strlen(word), n = line->len - from;

    if (n > 0 && line->data[line->len - 1] == '\n')
        n--;
    return xasprintf("%.*s", (int)n, (const char *)line->data + from);
}

/* Is the line one of those before the first object, which has its name above it? Timeouts are off already
 * (pg.c), and an older server does not know the newest. */
static bool take_head(struct script *s, const struct buf *line)
{
    static const char restrict_word[] = "\\restrict ";

    if (begins(line, "-- Name: "))
        return false;
    if (is_blank(line) || begins(line, "--") || begins(line, "SET transaction_timeout "))
        return true;
    if (begins(line, restrict_word) && !s->key && s->settings.len == 0) {
        s->key = rest_of(line, restrict_word);
        return true;
    }
    if (!begins(line, "SET ") && !begins(line, "SELECT pg_catalog.set_config('search_path', '', false);"))
        return false;
    buf_add(&s->settings, line->data, line->len);
    return true;
}

void script_line(struct script *s, const struct buf *line)
{
    if (s->body.len > 0 || !take_head(s, line))
        buf_add(&s->body, line->data, line->len);
}

/* "\unrestrict KEY" is the last line but for blank ones, and has a blank one in front. */
void script_end(struct script *s)
{
    char *line = xasprintf("\n\\unrestrict %s\n", s->key ? s->key : "");
    size_t n = strlen(line), end = s->body.len;

    while (end > 1 && s->body.data[end - 1] == '\n' && s->body.data[end - 2] == '\n')
        end--;
    if (s->key && end >= n && memcmp(s->body.data + end - n, line, n) == 0)
        s->body.len = end - n + 1;
    free(line);
}

static void each_line(void *ctx, struct buf *line)
{
    script_line(ctx, line);
}

void script_read(struct script *s, char *const argv[])
{
    char *no_edits[] = {NULL};
    struct child c = child_start("pg_restore", argv, no_edits, CHILD_PIPE);

    child_lines(&c, each_line, s);
    char *failed = child_wait(&c);
    if (failed)
        die(FAILED, "pg_restore %s while writing the definitions; its own words stand above", failed);
    script_end(s);
}

void script_free(struct script *s)
{
    buf_free(&s->settings);
    buf_free(&s->body);
    free(s->key);
    *s = (struct script){0};
}
