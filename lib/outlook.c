#include "outlook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"
#include "progress.h"

enum { MOST_TABLES = 20 };

/* MiB of rows a second, from the first definition to the last index, or to the last row. Measured with
 * PostgreSQL 15.18 on its usual settings (fsync and synchronous_commit on, shared_buffers 128 MB,
 * max_wal_size 1 GB), the server and bk-load on the same machine of 2 cores with a virtual disk, others at
 * work on it, the backup in memory. A database that is made or empty, -j 1 and -j 2, twice each: pgbench -s
 * 10, 20 (with foreign keys) and 30: 40 to 97; 314 MiB in rows of 2 KB with a primary key: 40 to 121; 161 MiB
 * in rows of 110 bytes with five indexes: 22 to 35. (Up to the last row, without indexes: 41 to 171.) Into
 * tables that are there, with their indexes, once each: 49, 59 and 8. */
struct rate {
    double slow, fast;
};
static const struct rate into_new = {20, 120}, into_existing = {8, 60};

/* A line, with what it is about in front if that is not said yet. */
static void line(struct buf *out, const char *about, const char *text)
{
    char *plain = xstrdup(text);

    msg_plain(plain);
    buf_addf(out, "%-12s%s\n", about, plain);
    free(plain);
}

static void lines(struct buf *out, const char *about, struct buf *text)
{
    char *copy = xstrdup(buf_str(text)), *rest = copy;

    while (rest) {
        char *end = strchr(rest, '\n');
        if (end)
            *end++ = '\0';
        line(out, about, rest);
        about = "";
        rest = end;
    }
    free(copy);
}

static void linef(struct buf *out, const char *about, const char *fmt, ...) PRINTF(3, 4);
static void linef(struct buf *out, const char *about, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    lines(out, about, &text);
    buf_free(&text);
}

static const char *get(const struct fields *f, const char *name)
{
    const char *value = fields_get(f, name);

    return value ? value : "-";
}

static uint64_t number(const struct item *i, const char *name)
{
    uint64_t n = 0;

    fields_get_u64(&i->done, name, &n);
    return n;
}

static char *grouped(uint64_t n, char out[40])
{
    char digits[32];

    snprintf(digits, sizeof digits, "%" PRIu64, n);
    return format_grouped(digits, out);
}

static void print_backup(struct buf *out, const struct outlook *l)
{
    const struct fields *f = &l->head.fields, *database = &l->contents.item[0].fields;
    const struct item *schema = contents_find(&l->contents, ITEM_SCHEMA);
    const char *created = get(f, "created");
    char age[32];

    linef(out, "backup", "%s, of the database '%s' on %s, PostgreSQL %s, %s", get(f, "label"),
          get(database, "name"), get(f, "host"), get(database, "server-version"), get(database, "encoding"));
    linef(out, "", "made %.10s %.8s UTC, %s ago, by %s%s%s", created, created + 11,
          format_age(created, (double)time(NULL), age), get(f, "made-by"), schema ? " and " : "",
          schema ? get(&schema->fields, "made-with") : "");
    linef(out, "", "id %s; read to its END, and whole", head_id(&l->head));
}

static void print_options(struct buf *out, const char *about, const char *words, const struct fields *f)
{
    struct buf text = {0};

    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->line[i].name, "select") == 0)
            buf_addf(&text, "%s%s", text.len ? ", " : words, f->line[i].value);
    if (text.len > 0)
        line(out, about, buf_str(&text));
    buf_free(&text);
}

static void print_choice(struct buf *out, const struct outlook *l)
{
    struct fields chosen = {0};

    selection_describe(&l->o->selection, &chosen);
    print_options(out, "takes", "only: ", &chosen);
    print_options(out, chosen.count ? "" : "takes",
                  chosen.count ? "of a backup that was limited to: "
                               : "all of a backup that was limited to: ",
                  &l->contents.item[0].fields);
    fields_free(&chosen);
    if (l->o->into_existing)
        return;
    if (l->choice.entries > 0)
        linef(out, "definitions", "%zu of %zu", l->choice.picked, l->choice.entries);
    else
        line(out, "definitions", "all");
    if (l->tool)
        linef(out, "", "made by %s", l->tool);
}

/* What of a backup is loaded. */
struct sum {
    uint64_t tables, rows, bytes;
};

static struct sum sum_tables(const struct outlook *l)
{
    struct sum s = {0};

    for (uint32_t i = 0; i < l->contents.count; i++) {
        const struct item *item = &l->contents.item[i];
        if (item->type != ITEM_TABLE || !l->choice.rows[i])
            continue;
        s.tables++;
        s.rows += number(item, "rows");
        s.bytes += number(item, "bytes");
    }
    return s;
}

/* Bytes of large objects, as they are in the stream; 0 if they are not loaded. */
static uint64_t object_bytes(const struct outlook *l)
{
    const struct item *i = contents_find(&l->contents, ITEM_LARGE_OBJECTS);

    return i && l->choice.rows[i - l->contents.item] ? number(i, "bytes") : 0;
}

static void print_rows(struct buf *out, const struct outlook *l)
{
    const struct item *sequences = contents_find(&l->contents, ITEM_SEQUENCES);
    struct sum s = sum_tables(l);
    char tables[40], rows[40], size[16];
    uint64_t bytes = object_bytes(l);

    if (l->o->selection.schema_only) {
        line(out, "rows", "none");
        return;
    }
    linef(out, "rows", "%s in %s table%s, %s", grouped(s.rows, rows), grouped(s.tables, tables),
          s.tables == 1 ? "" : "s", format_size(s.bytes, size));
    if (sequences && l->choice.all)
        linef(out, "sequences", "%s", grouped(number(sequences, "rows"), rows));
    else if (sequences)
        line(out, "sequences", "those of what is taken");
    if (l->objects > 0 && bytes > 0)
        linef(out, "large objs", "%s, %s in the backup", grouped(l->objects, rows), format_size(bytes, size));
    else if (l->objects > 0)
        linef(out, "large objs", "none of the backup's %s", grouped(l->objects, rows));
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = number(*(const struct item *const *)a, "bytes"),
             y = number(*(const struct item *const *)b, "bytes");

    return (x < y) - (x > y);
}

static void print_tables(struct buf *out, const struct outlook *l, bool all)
{
    const struct item **some = xcalloc(l->contents.count, sizeof some[0]);
    size_t n = 0, shown = 0;
    uint64_t rest = 0;
    char rows[40], size[16];

    for (uint32_t i = 0; i < l->contents.count; i++)
        if (l->contents.item[i].type == ITEM_TABLE && l->choice.rows[i])
            some[n++] = &l->contents.item[i];
    qsort(some, n, sizeof some[0], by_size);
    if (n > 0)
        buf_adds(out, "\n           rows       size  table\n");
    for (; shown < n && (all || shown < MOST_TABLES); shown++) {
        char *name = item_name(some[shown]);
        buf_addf(out, "%15s %10s  %s\n", grouped(number(some[shown], "rows"), rows),
                 format_size(number(some[shown], "bytes"), size), name);
        free(name);
    }
    for (size_t i = shown; i < n; i++)
        rest += number(some[i], "bytes");
    if (shown < n)
        buf_addf(out, "%15s %10s  and %zu more; -v shows all\n", "", format_size(rest, size), n - shown);
    free(some);
}

static void print_complaints(struct buf *out, const struct outlook *l)
{
    if (l->complaints > 0)
        buf_adds(out, "\nWhat stands against it, with the exit status of each:\n\n");
    for (size_t i = 0; i < l->complaints; i++) {
        const struct complaint *c = &l->complaint[i];
        msg_plain(c->why);
        msg_plain(c->hint);
        buf_addf(out, "  %d  %s\n", c->status, c->why);
        if (*c->hint)
            buf_addf(out, "     hint: %s\n", c->hint);
    }
}

/* The real run would try it within a transaction, or make it; a dry run changes nothing. */
static void print_untried(struct buf *out, const struct outlook *l)
{
    const struct fields *database = &l->contents.item[0].fields;

    buf_addc(out, '\n');
    line(out, "not tried", "whether the server's disk has room");
    if (l->new_database)
        linef(out, "", "whether the server has the locale: %s, %s", get(database, "collate"),
              get(database, "ctype"));
    if (l->o->create_roles)
        line(out, "", "whether this role may make roles");
    if (!l->o->into_existing && !l->o->out.properties && l->choice.all)
        line(out, "", "whether this role may set the database's owner, rights and settings");
    if (l->o->into_existing)
        line(out, "", "whether this role may write to the tables");
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* The stream has to be read in any case. */
static void print_time(struct buf *out, const struct outlook *l)
{
    const struct rate *rate = l->o->into_existing ? &into_existing : &into_new;
    double size = (double)(sum_tables(l).bytes + object_bytes(l)) / 1048576;
    double least = larger(size / rate->fast, l->seconds), most = larger(size / rate->slow, l->seconds);
    char read[32], from[32], to[32];

    linef(out, "time", "reading the stream took %s, and it has to be read again",
          format_span(l->seconds, read));
    if (size <= 0)
        return;
    if (strcmp(format_span(least, from), format_span(most, to)) == 0)
        linef(out, "", "loading may take about %s", to);
    else
        linef(out, "", "loading may take from about %s to %s", from, to);
    linef(out, "",
          "(where that was measured, rows and their indexes went in at %.0f to %.0f MiB/s, with %s; it",
          rate->slow, rate->fast, l->o->into_existing ? "-j 1" : "-j 1 and 2");
    line(out, "", "depends on the server, its disk, and on how many tables and indexes there are)");
}

static void print_verdict(struct buf *out, const struct outlook *l)
{
    if (l->complaints == 0)
        buf_adds(out, "bk-load would load this backup.");
    else
        buf_addf(out, "bk-load would not load this backup: %zu %s against it.", l->complaints,
                 l->complaints == 1 ? "thing stands" : "things stand");
    buf_adds(out, " Nothing was changed.\n");
}

void outlook_print(struct outlook *l, bool all, struct buf *out)
{
    print_verdict(out, l);
    print_complaints(out, l);
    buf_addc(out, '\n');
    print_backup(out, l);
    lines(out, "target", &l->target);
    linef(out, "server", "%s, %s", buf_str(&l->server),
          l->older ? "older than the backup's" : "not older than the backup's");
    print_choice(out, l);
    print_rows(out, l);
    if (l->extensions.len > 0)
        line(out, "extensions", buf_str(&l->extensions));
    if (l->o->create_roles)
        line(out, "roles", l->roles.len > 0 ? buf_str(&l->roles) : "none to be made");
    print_tables(out, l, all);
    print_untried(out, l);
    print_time(out, l);
}

void outlook_free(struct outlook *l)
{
    for (size_t i = 0; i < l->complaints; i++) {
        free(l->complaint[i].why);
        free(l->complaint[i].hint);
    }
    free(l->complaint);
    free(l->tool);
    buf_free(&l->target);
    buf_free(&l->server);
    buf_free(&l->extensions);
    buf_free(&l->roles);
    choice_free(&l->choice);
    contents_free(&l->contents);
    head_free(&l->head);
}
