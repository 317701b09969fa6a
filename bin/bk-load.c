/* bk-load - loads a backup into a database, and holds it to what the backup says.
 *
 * The database is there and empty, or is made (newdb.h). With --into-existing rows go into tables that are
 * there and empty, in one transaction. With --single-transaction all that is there is replaced, in one
 * transaction (single.h).
 */
#include <stdlib.h>

#include "load.h"
#include "msg.h"
#include "newdb.h"
#include "opt.h"
#include "pg.h"
#include "preview.h"
#include "select.h"
#include "session.h"
#include "signals.h"

enum { MOST_SECONDS = 2000000 }; /* as bk-dump; in milliseconds it is an int still */

struct options {
    struct load_options load;
    struct newdb_options newdb;
    bool create, swap_back;
    bool dry; /* only say what would be done */
};

/* Whatever is not wanted would be dropped all the same. */
static void check_single(const struct load_options *o)
{
    const struct selection *s = &o->selection;
    bool chosen = s->tables.count + s->schemas.count + s->without_tables.count + s->without_data.count > 0 ||
                  s->data_only || s->schema_only;

    if (!o->single_transaction && (o->no_backup || o->after_backup))
        opt_wrong("--no-backup and --after-backup go with --single-transaction");
    if (o->no_backup && o->after_backup)
        opt_wrong("--no-backup and --after-backup contradict each other");
    if (o->single_transaction && chosen)
        opt_wrong("--single-transaction replaces all of the database, so nothing can be chosen");
}

/* Exactly one target. */
static void check_options(const struct options *o)
{
    int targets =
        o->create + o->newdb.replace + o->load.into_existing + o->swap_back + o->load.single_transaction;

    if (!o->newdb.conninfo)
        opt_wrong("say with -d which database to load into");
    if (targets > 1)
        opt_wrong("--create, --replace, --into-existing, --single-transaction and --swap-back exclude each "
                  "other");
    check_single(&o->load);
    if (!o->create && !o->newdb.replace && !o->swap_back && (o->newdb.maintenance || o->newdb.yes))
        opt_wrong("--maintenance-db and --yes go with --create, --replace and --swap-back");
    if (!o->newdb.replace && !o->swap_back && o->newdb.disconnect)
        opt_wrong("--disconnect goes with --replace and --swap-back");
    if (o->dry && o->swap_back)
        opt_wrong("-n is for what a load would do, and --swap-back loads nothing");
    selection_check(&o->load.selection);
    if (o->newdb.replace && (!selection_is_all(&o->load.selection) || o->load.selection.schema_only ||
                             o->load.selection.without_data.count > 0))
        opt_wrong("--replace takes the place of a whole database, and loads all of the backup");
    if (o->load.selection.schema_only && o->load.into_existing)
        opt_wrong("--into-existing loads rows, and --schema-only has none");
    if (o->load.selection.data_only && !o->load.into_existing) {
        hint("--into-existing says so");
        die(GUARDED, "rows alone would go into tables that are there, which has to be asked for");
    }
    if (o->load.create_roles && o->load.into_existing)
        opt_wrong("--create-roles makes what --into-existing does not need");
}

static void load(const struct options *o)
{
    struct newdb *newdb = NULL;
    struct pg *pg = NULL;

    if (o->create || o->newdb.replace)
        newdb = newdb_begin(&o->newdb);
    else
        pg = session_open(o->newdb.conninfo, "bk-load");
    load_stream(&o->load, pg, newdb);
}

int main(int argc, char **argv)
{
    const char *database = NULL;
    struct options o = {.load.jobs = opt_cores(4), .load.lock_wait = 60};
    struct left_out *out = &o.load.out;
    enum status status = DONE_OK;
    const struct opt opt[] = {
        {OPT_STRING, 'd', NULL, "DB", "the database: name, conninfo, URI, or env:VAR", &database, 0, 0},
        {OPT_NUMBER, 'j', NULL, "N", "connections (cores, at most 4); 1: no threads", &o.load.jobs, 1, 256},
        {OPT_FLAG, 'n', NULL, NULL, "say what would be done, and do nothing", &o.dry, 0, 0},
        {OPT_FLAG, 0, "create", NULL, "make the database", &o.create, 0, 0},
        {OPT_FLAG, 0, "replace", NULL, "make it anew, and take the old one's place in the end",
         &o.newdb.replace, 0, 0},
        {OPT_FLAG, 0, "into-existing", NULL, "rows only, into tables that are there and empty",
         &o.load.into_existing, 0, 0},
        {OPT_FLAG, 0, "single-transaction", NULL, "replace what is in the database, in one transaction",
         &o.load.single_transaction, 0, 0},
        {OPT_STRING, 0, "after-backup", "FILE", "with that: FILE is a backup of what is there",
         &o.load.after_backup, 0, 0},
        {OPT_FLAG, 0, "no-backup", NULL, "with that: what is there is not wanted", &o.load.no_backup, 0, 0},
        {OPT_NUMBER, 0, "lock-wait", "S", "with that: seconds to wait for others' locks (60)",
         &o.load.lock_wait, 1, MOST_SECONDS},
        {OPT_FLAG, 0, "swap-back", NULL, "load nothing, but undo --replace", &o.swap_back, 0, 0},
        {OPT_FLAG, 0, "yes", NULL, "do not ask", &o.newdb.yes, 0, 0},
        {OPT_FLAG, 0, "disconnect", NULL, "end sessions of the database that is replaced",
         &o.newdb.disconnect, 0, 0},
        {OPT_STRING, 0, "maintenance-db", "NAME", "connect to it meanwhile (postgres, or template1)",
         &o.newdb.maintenance, 0, 0},
        SELECTION_OPTIONS(o.load.selection),
        {OPT_FLAG, 0, "create-roles", NULL, "make the backup's roles that are not there",
         &o.load.create_roles, 0, 0},
        {OPT_FLAG, 0, "via-root", NULL, "rows of partitions into the partitioned table", &o.load.by_root, 0,
         0},
        {OPT_FLAG, 0, "allow-older-server", NULL, "load into an older major version", &o.load.older_server, 0,
         0},
        {OPT_FLAG, 0, "no-owner", NULL, "all belongs to the role that loads", &out->owners, 0, 0},
        {OPT_FLAG, 0, "no-acl", NULL, "leave access rights out", &out->acls, 0, 0},
        {OPT_FLAG, 0, "no-properties", NULL, "leave the database's own owner, rights, settings",
         &out->properties, 0, 0},
        {OPT_FLAG, 0, "no-tablespaces", NULL, "all in the database's own tablespace", &out->tablespaces, 0,
         0},
    };
    const struct cmd cmd = {
        .name = "bk-load",
        .brief = "load a backup into a database",
        .operands = "",
        .opt = opt,
        .opts = sizeof opt / sizeof opt[0],
        .example = "bk-get app.bk | bk-zstd -d | bk-load --create -d app_new",
    };

    opt_parse(&cmd, argc, argv);
    if (database)
        o.newdb.conninfo = pg_conninfo(database);
    check_options(&o);
    signals_undo();
    if (o.swap_back)
        newdb_swap_back(&o.newdb);
    else if (o.dry)
        status = preview_stream(&o.load, &o.newdb, o.create || o.newdb.replace);
    else
        load(&o);
    selection_free(&o.load.selection);
    return status;
}
