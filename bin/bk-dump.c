/* bk-dump - writes a PostgreSQL database as a stream.
 *
 * One snapshot, shared by pg_dump (definitions) and copyout.h's connections (rows).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "binary.h"
#include "connections.h"
#include "copyout.h"
#include "deadline.h"
#include "describe.h"
#include "io.h"
#include "lo.h"
#include "locks.h"
#include "msg.h"
#include "opt.h"
#include "pg.h"
#include "progress.h"
#include "roles.h"
#include "rows.h"
#include "select.h"
#include "sequences.h"
#include "session.h"
#include "snapshot.h"
#include "source.h"
#include "toc.h"

enum {
    MOST_SECONDS = 2000000, /* the server takes milliseconds, in 31 bits */
};

struct options {
    const char *database, *label;
    struct opt_list tags;
    struct selection selection;
    bool globals, passwords;
    bool digests; /* no rows and no definitions, but what DONE says of the rows */
    int jobs;
    int lock_wait, max_time; /* seconds; 0: no limit */
};

struct dump {
    const struct options *options;
    struct snapshot snapshot;
    struct child *pg_dump; /* NULL: no definitions */
    uint32_t roles_item;   /* and the next one are the tablespaces; 0: none */
    uint32_t archive_item;
    uint32_t first_item; /* of table 0 */
    struct source *source;
    struct copyout *copyout;
    struct pg *leader;
};

/* A lock that waits for the leader's is in pg_dump's way. The leader's connection is in use. */
static _Noreturn void die_pg_dump(struct dump *d, const char *failed)
{
    char *words;
    struct pg *pg = pg_connect_again(d->leader, "bk-dump", &words);
    char *who = pg ? locks_in_the_way(pg) : NULL;

    if (d->snapshot.standby)
        hint("%s", pg_standby_advice);
    if (d->snapshot.no_room)
        hint("%s", d->snapshot.no_room);
    if (who)
        hint("for pg_dump a lock is in the way (--lock-wait is how long it waits): %s", who);
    die(FAILED, "pg_dump %s; its own words stand above", failed);
}

/* The archive goes out before all rows. */
static bool write_archive(void *ctx)
{
    struct dump *d = ctx;
    bool first = true;
    ssize_t n;

    if (!d->pg_dump)
        return false;
    uint8_t *body = xmalloc(BODY_BYTES);
    while ((n = io_read(d->pg_dump->out, body, BODY_BYTES)) > 0) {
        if (first && !toc_set_time(body, (size_t)n, d->snapshot.created))
            die(FAILED, "pg_dump wrote an archive of a form that this bk does not know");
        first = false;
        source_data(d->source, d->archive_item, 0, false, body, (size_t)n, NULL);
    }
    if (n < 0)
        die_errno("cannot read from pg_dump");
    char *failed = child_wait(d->pg_dump);
    if (failed)
        die_pg_dump(d, failed);
    free(body);
    return true;
}

static void write_sequences(struct dump *d, uint32_t item)
{
    struct buf sql = {0};

    for (uint64_t after = 0; (after = sequences_copy_out(d->leader, &d->snapshot, after, &sql)) > 0;
         sql.len = 0) {
        pg_exec(d->leader, "read the sequences", "SAVEPOINT bk");
        copyout_query(d->copyout, item, "read the sequences", buf_str(&sql));
        pg_exec(d->leader, "let go of the sequences", "ROLLBACK TO bk; RELEASE bk"); /* their locks */
    }
    buf_free(&sql);
}

/* As pg_dump has it: large objects belong to the whole database, not to a part of it. */
static bool wants_large_objects(const struct selection *s)
{
    return s->tables.count + s->schemas.count == 0 && !s->schema_only;
}

/* Roles before all; rows by `jobs` connections while the archive is written; then the rest. */
static void write_data(struct dump *d)
{
    uint32_t behind = d->first_item + (uint32_t)d->snapshot.tables;
    bool large = wants_large_objects(&d->options->selection);

    if (d->roles_item) {
        copyout_query(d->copyout, d->roles_item, "read the roles", roles_copy_out(d->options->passwords));
        copyout_query(d->copyout, d->roles_item + 1, "read the tablespaces", tablespaces_copy_out);
    }
    copyout_tables(d->copyout, d->first_item, d->options->jobs, write_archive, d);
    write_sequences(d, behind);
    const char *copy = large ? lo_copy_out(d->leader) : NULL;
    if (copy)
        copyout_query(d->copyout, behind + 1, "read the large objects", copy);
}

static bool wants_definitions(const struct options *o)
{
    return !o->selection.data_only && !o->digests;
}

static uint32_t write_item(struct source *s, enum digest_kind kind, struct fields *item)
{
    uint32_t number = source_item(s, kind, item);

    fields_free(item);
    return number;
}

/* An ITEM that is no more than its type. */
static uint32_t write_rows_item(struct source *s, const char *type)
{
    struct fields item = {0};

    fields_add(&item, "type", type);
    return write_item(s, DIGEST_ROWS, &item);
}

/* In the order of the design: the database, roles, definitions, the tables, the sequences, the large objects.
 */
static void write_items(struct dump *d, struct pg *pg, const struct pgtool *pg_dump)
{
    struct fields item = {0};

    describe_database(pg, &item);
    selection_describe(&d->options->selection, &item);
    d->first_item = write_item(d->source, DIGEST_BYTES, &item) + 1;
    if (d->options->globals) {
        d->roles_item = write_rows_item(d->source, "roles");
        d->first_item = write_rows_item(d->source, "tablespaces") + 1;
    }
    if (wants_definitions(d->options)) {
        fields_add(&item, "type", "schema");
        fields_add(&item, "format", "pg_dump custom");
        fields_addf(&item, "made-with", "pg_dump %s", pg_dump->version);
        d->archive_item = write_item(d->source, DIGEST_BYTES, &item);
        d->first_item = d->archive_item + 1;
    }
    for (size_t i = 0; i < d->snapshot.tables; i++) {
        describe_table(&d->snapshot.table[i], copyout_parts(&d->snapshot.table[i]), &item);
        write_item(d->source, d->snapshot.table[i].binary ? DIGEST_TUPLES : DIGEST_ROWS, &item);
    }
    write_rows_item(d->source, "sequences");
    write_rows_item(d->source, "large-objects");
}

static void make_head(struct head *h, const struct options *o, const struct snapshot *s, const char *database)
{
    char label[LABEL_MAX + 1];

    label_from_name(database, label);
    source_head(h, o->digests ? "digests" : "backup", s->created, o->label ? o->label : label, o->tags.value,
                o->tags.count);
    if (!o->digests)
        fields_addf(&h->fields, "estimate", "%" PRIu64, s->bytes);
}

static void check_options(const struct options *o)
{
    selection_check(&o->selection);
    if (o->digests && (o->selection.data_only || o->selection.schema_only))
        opt_wrong("--digests are of rows: they do not go with --data-only or --schema-only");
    if (o->passwords && !o->globals)
        opt_wrong("--role-passwords goes with --globals");
    if (o->label && !label_is_right(o->label))
        opt_wrong("--label takes 1 to 64 of A-Z a-z 0-9 . _ - with no dot first, not '%s'", o->label);
    for (size_t i = 0; i < o->tags.count; i++) {
        const char *equals = strchr(o->tags.value[i], '=');
        if (!equals || equals == o->tags.value[i])
            opt_wrong("--tag takes NAME=VALUE, not '%s'", o->tags.value[i]);
    }
}

/* What must be known of the tables beside their list. */
static void read_further(struct pg *pg, struct snapshot *s)
{
    snapshot_check_plans(pg, s, COPYOUT_PART_PAGES);
    describe_read_columns(pg, s);
    binary_choose(pg, s);
}

static void dump(struct dump *d, const struct options *o)
{
    struct pg *leader = d->leader = session_open(pg_conninfo(o->database), "bk-dump");
    struct pg_child child = pg_child(leader, false);
    struct pgtool tool = {0};
    struct child archive;
    struct head head;

    if (pg_version(leader) < 120000)
        die(FAILED, "the server is older than PostgreSQL 12, which this bk does not know");
    char *why = xasprintf("the server is of version %s", pg_parameter(leader, "server_version"));
    if (wants_definitions(o))
        tool = pgtool_find("pg_dump", pg_version(leader) / 10000, why);
    selection_try(leader, &o->selection, false);
    d->snapshot.relations = selection_relations(leader, &o->selection);
    d->snapshot.rows = selection_rows(leader, &o->selection);
    connections_check(leader, o->jobs);
    snapshot_take(leader, &d->snapshot, read_further, o->lock_wait);
    selection_check_used(leader, &o->selection);
    if (wants_definitions(o)) {
        archive = archive_start(&tool, &child, d->snapshot.id, pg_parameter(leader, "client_encoding"),
                                o->lock_wait);
        d->pg_dump = &archive;
    }
    make_head(&head, o, &d->snapshot, pg_database(leader));
    d->source = source_open(STDOUT_FILENO, "standard output", &head);
    progress_begin(d->snapshot.bytes);
    write_items(d, leader, &tool);
    d->copyout = copyout_open(leader, &d->snapshot, d->source);
    write_data(d);
    copyout_close(d->copyout);
    progress_end();
    source_end(d->source);
    pg_close(leader);
    pg_child_free(&child);
    pgtool_free(&tool);
    head_free(&head);
    snapshot_free(&d->snapshot);
    free(d->snapshot.relations);
    free(d->snapshot.rows);
    free(why);
}

int main(int argc, char **argv)
{
    struct options o = {.jobs = opt_cores(4), .lock_wait = 60};
    struct dump d = {.options = &o};
    const struct opt opt[] = {
        {OPT_STRING, 'd', NULL, "DB", "database: name, conninfo, URI, or env:VAR", &o.database, 0, 0},
        {OPT_NUMBER, 'j', NULL, "N", "connections (cores, at most 4); 1: no threads", &o.jobs, 1, 256},
        {OPT_STRING, 0, "label", "L", "what the backup is called (the database's name)", &o.label, 0, 0},
        {OPT_NUMBER, 0, "lock-wait", "S", "seconds to wait for locks (60)", &o.lock_wait, 1, MOST_SECONDS},
        {OPT_NUMBER, 0, "max-time", "S", "fail if not done after so many seconds", &o.max_time, 1,
         MOST_SECONDS},
        {OPT_LIST, 0, "tag", "NAME=VALUE", "a note in HEAD; may come several times", &o.tags, 0, 0},
        SELECTION_OPTIONS(o.selection),
        {OPT_FLAG, 0, "digests", NULL, "no rows, but their digests, for bk-cmp", &o.digests, 0, 0},
        {OPT_FLAG, 0, "globals", NULL, "the server's roles and tablespaces too", &o.globals, 0, 0},
        {OPT_FLAG, 0, "role-passwords", NULL, "with --globals: hashed passwords too", &o.passwords, 0, 0},
    };
    const struct cmd cmd = {
        .name = "bk-dump",
        .brief = "write a PostgreSQL database as a stream",
        .operands = "",
        .opt = opt,
        .opts = sizeof opt / sizeof opt[0],
        .example = "bk-dump -d app | bk-zstd | bk-sum | bk-put app.bk",
    };

    opt_parse(&cmd, argc, argv);
    check_options(&o);
    char *late = xasprintf("not done within %d s, as --max-time demands", o.max_time);
    struct deadline *deadline = NULL;
    if (o.max_time)
        deadline = deadline_begin(o.max_time, late, "give it more time, or more connections (-j)");
    dump(&d, &o);
    deadline_end(deadline);
    free(late);
    free(o.tags.value);
    selection_free(&o.selection);
    return DONE_OK;
}
