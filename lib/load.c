#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "choice.h"
#include "connections.h"
#include "contents.h"
#include "copyin.h"
#include "filter.h"
#include "io.h"
#include "lo.h"
#include "msg.h"
#include "progress.h"
#include "property.h"
#include "refill.h"
#include "restore.h"
#include "rights.h"
#include "roles.h"
#include "sequences.h"
#include "single.h"

struct load {
    const struct load_options *o;
    struct newdb *newdb; /* that makes the database; NULL: it is there */
    struct pg *pg;       /* NULL: it is not made yet */
    struct contents contents;
    struct choice choice;
    const char *encoding; /* load_encoding() */
    bool prepared;        /* all ITEMs are there */
    bool was_empty;       /* the database, though it need not be */
    struct restore restore;
    struct copyin *copyin; /* NULL: schemas and tables are not there yet */
};

void load_check_begin(const struct load_options *o, const struct head *h, struct pg *pg, bool new_database)
{
    if (strcmp(head_kind(h), "backup") != 0)
        die(GUARDED, "this is no backup, but a stream of kind '%s'", head_kind(h));
    filter_want_plain(h);
    if (o->into_existing)
        target_check_finished(pg);
    else if (!new_database && !o->single_transaction)
        target_check_empty(pg);
    if (!o->into_existing && !o->single_transaction)
        connections_check(pg, o->jobs);
}

static struct pg *server(const struct load *l)
{
    return l->pg ? l->pg : newdb_server(l->newdb);
}

static void begin(void *ctx, const struct head *h)
{
    struct load *l = ctx;
    uint64_t estimate = 0;

    load_check_begin(l->o, h, server(l), l->newdb);
    fields_get_u64(&h->fields, "estimate", &estimate);
    progress_begin(estimate);
}

void load_check_item(const struct item *i)
{
    if (i->type == ITEM_OTHER)
        die(BAD_DATA, "the backup has an item of type '%s', which this bk does not know: made by a newer bk",
            item_get(i, "type"));
    contents_want_format(i);
}

/* A part of a database takes nobody's place. */
static void check_whole(const struct fields *database)
{
    const char *part = fields_get(database, "select");

    if (part) {
        hint("--create makes a database of its own from it; --into-existing fills empty tables");
        complain(
            GUARDED,
            "the backup is of a part of its database (%s), which is not to take the place of a whole one",
            part);
    }
}

void load_check_items(const struct load_options *o, const struct contents *c, struct pg *pg, bool replaces)
{
    if (c->count == 0 || c->item[0].type != ITEM_DATABASE)
        die(BAD_DATA, "the backup does not say of which database it is");
    if (!contents_find(c, ITEM_SCHEMA) && !o->into_existing) {
        hint("bk-load --into-existing loads rows into empty tables that are there");
        complain(GUARDED, "this backup has rows only, and no definitions");
    }
    if (o->create_roles && !contents_find(c, ITEM_ROLES)) {
        hint("make them by hand; the next time: bk-dump --globals");
        complain(GUARDED, "this backup has no roles");
    }
    if (!o->into_existing && !o->older_server)
        target_check_version(pg, &c->item[0].fields);
    if (replaces)
        check_whole(&c->item[0].fields);
}

/* Without a conversion the bytes must be right as they are: the server checks. */
const char *load_encoding(const struct contents *c)
{
    const char *encoding = item_get(&c->item[0], "encoding");

    return *encoding && strcmp(encoding, "SQL_ASCII") != 0 ? encoding : NULL;
}

/* Of the rows, and of all else in the backup. Our session forgets it when it is set up anew (restore.h). */
static void set_encoding(struct load *l)
{
    if (l->encoding)
        pg_set_encoding(l->pg, l->encoding);
}

/* All ITEMs are there: what is in them must be what this call is for. */
static void prepare(struct load *l)
{
    const struct item *schema = contents_find(&l->contents, ITEM_SCHEMA);

    load_check_items(l->o, &l->contents, server(l),
                     l->o->single_transaction || (l->newdb && newdb_replaces(l->newdb)));
    l->encoding = load_encoding(&l->contents);
    if (schema)
        l->restore.made_with = item_get(schema, "made-with");
    if (l->newdb)
        l->pg = newdb_create(l->newdb, &l->contents.item[0].fields);
    pg_loads(l->pg);
    set_encoding(l);
    if (l->o->create_roles)
        roles_begin(l->pg);
    l->prepared = true;
}

static void make_statements(struct load *l)
{
    for (uint32_t n = 1; n <= l->contents.count; n++) {
        const struct item *i = &l->contents.item[n - 1];
        struct buf sql = {0};
        if (!l->choice.rows[n - 1])
            continue;
        if (i->type == ITEM_TABLE)
            copyin_sql(l->pg, i, l->o->by_root, &sql);
        if (i->type == ITEM_SEQUENCES)
            buf_adds(&sql, sequences_copy_in);
        if (i->type == ITEM_LARGE_OBJECTS)
            buf_adds(&sql, lo_copy_in);
        if (sql.len > 0)
            copyin_statement(l->copyin, n, buf_str(&sql));
    }
}

/* Roles and the database's properties: now only to see whether the server will let us. */
static void rehearse(struct load *l)
{
    bool within = pg_in_transaction(l->pg);

    pg_exec(l->pg, "begin a transaction", within ? "SAVEPOINT bk_rehearsal" : "BEGIN");
    hint("--no-properties leaves those of the database as they are; --no-owner, --no-acl leave a part of "
         "them out");
    if (l->o->create_roles)
        roles_create(l->pg, false);
    if (within)
        property_reset(l->pg, &l->restore.out);
    property_apply(l->pg, &l->contents.item[0].fields, &l->restore.out);
    hint_forget();
    pg_exec(l->pg, "end a transaction",
            within ? "ROLLBACK TO bk_rehearsal; RELEASE bk_rehearsal" : "ROLLBACK");
}

/* Each of them is for all that follows, by connections of pg_restore's as well. */
static void prepare_target(struct load *l)
{
    rehearse(l);
    if (l->o->create_roles) {
        pg_exec(l->pg, "begin a transaction", "BEGIN");
        roles_create(l->pg, true);
        pg_exec(l->pg, "make the roles", "COMMIT");
    }
    pg_exec(l->pg, "set up the session", "SET synchronous_commit = off"); /* target_unmark() waits for all */
    target_mark(l->pg, l->newdb != NULL);
    l->restore.child = pg_child(l->pg, true);
}

/* In one transaction, which has not ended until all is there. */
static void replace_target(struct load *l)
{
    single_begin(l->pg);
    rehearse(l);
    single_drop(l->pg, l->was_empty, l->o, &l->restore.kept);
    if (l->o->create_roles)
        roles_create(l->pg, true);
    l->restore.pg = l->pg;
}

/* Makes schemas and tables. From here on the target is not empty. */
static void define(struct load *l)
{
    if (l->restore.archive < 0)
        die(BAD_DATA, "the backup has no definitions");
    l->restore.list = l->choice.list;
    target_check_needs(l->pg, &l->choice.needs, &l->restore.out, l->o->create_roles ? roles_names : NULL,
                       false);
    struct pgtool tool = restore_tool(&l->restore); /* if there is none, nothing is begun */
    pgtool_free(&tool);
    rights_foreign_extensions(l->pg, &l->restore.foreign);
    if (l->o->single_transaction)
        replace_target(l);
    else
        prepare_target(l);
    restore_pre_data(&l->restore);
    set_encoding(l);
}

static int connections(const struct load *l)
{
    return l->o->into_existing || l->o->single_transaction ? 1 : l->o->jobs;
}

/* The definitions are there: makes tables, or looks at those that are there; and is ready for rows. */
static void begin_rows(struct load *l)
{
    if (!l->prepared)
        prepare(l);
    choice_make(&l->choice, l->pg, &l->o->selection, &l->contents, l->restore.archive);
    l->restore.out.properties |= !l->choice.all;
    if (l->o->into_existing)
        refill_begin(l->pg, &l->contents, l->choice.rows);
    else
        define(l);
    sequences_begin(l->pg);
    lo_begin(l->pg);
    l->copyin = copyin_open(l->pg, l->encoding, connections(l), &l->contents);
    make_statements(l);
}

static const char *take_archive(struct load *l, const struct frame *f, const uint8_t *body)
{
    if (l->copyin)
        return "definitions come after rows";
    if (l->o->into_existing)
        return contents_digest(&l->contents, f, body);
    if (l->restore.archive < 0)
        l->restore.archive = io_scratch_file();
    io_scratch_write(l->restore.archive, body, f->length);
    return contents_digest(&l->contents, f, body);
}

/* Roles are needed before all else. */
static const char *take_roles(struct load *l, const struct frame *f, const uint8_t *body)
{
    uint64_t rows;
    char *words;

    if (l->copyin)
        return "roles come after rows";
    if (l->o->create_roles) {
        pg_copy_in(l->pg, "take the roles", roles_copy_in);
        pg_copy_put(l->pg, body, f->length);
        if (!pg_copy_end_try(l->pg, &rows, &words))
            die(FAILED, "cannot take the roles: %s", words);
    }
    return contents_digest(&l->contents, f, body);
}

/* Configuration tables of extensions have rows, keys and triggers already, and go first, one after the other.
 * Sequences' places are kept for the end. Large objects are made as their rows come. All that by our own
 * connection, tables by any. */
static const char *take_rows(struct load *l, const struct frame *f, const uint8_t *body)
{
    const struct item *i = &l->contents.item[f->item - 1];
    bool more = f->flags & FRAME_MORE;
    bool here = i->type != ITEM_TABLE || fields_get(&i->fields, "extension");

    if (!l->copyin)
        begin_rows(l);
    if (!l->choice.rows[f->item - 1])
        return contents_digest(&l->contents, f, body);
    copyin_put(l->copyin, f->item, more, here, body, f->length);
    if (i->type == ITEM_LARGE_OBJECTS && !more)
        lo_apply(l->pg);
    return NULL;
}

static const char *take_data(struct load *l, const struct frame *f, const uint8_t *body)
{
    const struct item *i = &l->contents.item[f->item - 1];
    const char *wrong = contents_data(&l->contents, f);

    if (wrong)
        return wrong;
    if (!l->prepared)
        prepare(l);
    progress_add(f->length);
    switch (i->type) {
    case ITEM_SCHEMA:
        return take_archive(l, f, body);
    case ITEM_ROLES:
        return take_roles(l, f, body);
    case ITEM_TABLESPACES:
        return contents_digest(&l->contents, f, body);
    default:
        return take_rows(l, f, body);
    }
}

static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct load *l = ctx;
    const char *wrong = NULL;

    (void)out;
    if (f->type == FRAME_ITEM)
        wrong = contents_item(&l->contents, f, body);
    if (f->type == FRAME_ITEM && !wrong)
        load_check_item(&l->contents.item[f->item - 1]);
    if (f->type == FRAME_DATA)
        wrong = take_data(l, f, body);
    if (f->type == FRAME_DONE)
        wrong = contents_done(&l->contents, f, body);
    if (wrong)
        filter_die_frame(f, wrong);
    return true;
}

/* Of a part of a backup only those sequences that it made; of rows only, those of its tables. */
static void set_sequences(struct load *l)
{
    if (l->o->into_existing && !l->choice.all)
        refill_sequences(l->pg, &l->contents, l->choice.rows);
    else if (!l->choice.all)
        sequences_forget_missing(l->pg);
    sequences_set(l->pg);
}

/* The database's own event triggers come last of all. Those of an extension are there already, fire at each
 * command, and may read whatever they like: with several connections at it, they would wait for each other.
 */
static char *make_post_data(struct load *l)
{
    if (l->o->jobs > 1 && target_has_event_triggers(l->pg)) {
        detail("an extension has event triggers: indexes and constraints by one connection");
        l->restore.jobs = 1;
    }
    return restore_post_data(&l->restore);
}

/* With --no-properties they stay as they are, also where another database takes the place. */
static void set_properties(struct load *l)
{
    struct fields live = {0};
    const struct left_out all = {0};

    pg_exec(l->pg, "begin a transaction", "BEGIN");
    if (l->o->out.properties && l->newdb && newdb_properties(l->newdb, &live))
        property_apply(l->pg, &live, &all);
    else
        property_apply(l->pg, &l->contents.item[0].fields, &l->restore.out);
    pg_exec(l->pg, "set the database's properties", "COMMIT");
    fields_free(&live);
}

/* Rows are there: what may only be there behind them. */
static void finish(struct load *l)
{
    char *failed = make_post_data(l);
    if (!l->o->selection.schema_only)
        restore_views(&l->restore);
    set_properties(l);
    if (failed) {
        hint(l->newdb
                 ? "into a database that is there and empty (createdb -T template0) all else is loaded, and "
                   "left"
                 : "all else is there: make by hand what could not be made, then DROP SCHEMA bk_incomplete");
        die(FAILED, "pg_restore %s while making indexes and constraints; its own words stand above", failed);
    }
    target_unmark(l->pg);
    info("all is there; ANALYZE brings statistics at once");
}

/* Foreign keys that are checked at the end of the transaction would keep tables from being changed. */
static void finish_single(struct load *l)
{
    pg_exec(l->pg, "check constraints", "SET CONSTRAINTS ALL IMMEDIATE");
    restore_post_data(&l->restore);
    restore_views(&l->restore);
    set_encoding(l);
    property_apply(l->pg, &l->contents.item[0].fields, &l->restore.out);
    single_commit(l->pg);
    info("all is there; ANALYZE brings statistics at once");
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct load *l = ctx;

    (void)out;
    if (!l->copyin)
        begin_rows(l);
    copyin_finish(l->copyin);
    progress_end();
    contents_check(&l->contents, end, true);
    set_sequences(l);
    lo_finish(l->pg, &l->restore.out);
    if (l->o->into_existing) {
        refill_commit(l->pg);
        info("the rows are there and agree");
    } else {
        info("%s rows are there and agree; now indexes and constraints", fields_get(end, "rows"));
        if (l->o->single_transaction)
            finish_single(l);
        else
            finish(l);
    }
    return NULL;
}

static void free_load(struct load *l)
{
    pg_child_free(&l->restore.child);
    fields_free(&l->restore.foreign);
    fields_free(&l->restore.kept);
    close(l->restore.archive);
    choice_free(&l->choice);
    contents_free(&l->contents);
}

void load_stream(const struct load_options *o, struct pg *pg, struct newdb *newdb)
{
    static const struct tap tap = {begin, see, end};
    struct load l = {.o = o, .pg = pg, .newdb = newdb, .choice.list = -1};

    l.restore = (struct restore){.archive = -1, .list = -1, .made_with = "", .jobs = o->jobs, .out = o->out};
    l.was_empty = o->single_transaction && !single_check(pg, o);
    filter_tap(&tap, &l, &filter_stdin_only);
    if (newdb)
        newdb_finish(newdb, l.pg);
    else
        pg_close(l.pg);
    free_load(&l);
}
