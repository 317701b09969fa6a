#include "single.h"

#include <inttypes.h>

#include "msg.h"
#include "proof.h"
#include "property.h"
#include "signals.h"
#include "sweep.h"

bool single_check(struct pg *pg, const struct load_options *o)
{
    uint64_t objects = target_objects(pg);

    target_check_finished(pg);
    sweep_check(pg);
    if (objects > 0 && o->after_backup)
        proof_check(pg, o->after_backup);
    else if (objects > 0 && !o->no_backup) {
        hint("back it up, and say --after-backup FILE; or, if nothing in it is wanted, --no-backup");
        complain(GUARDED, "the database '%s' is not empty, and its %" PRIu64 " objects would be dropped",
                 pg_database(pg), objects);
    }
    return objects > 0;
}

void single_begin(struct pg *pg)
{
    pg_exec(pg, "begin a transaction", "BEGIN");
    pg_exec(pg, "begin a transaction",
            "CREATE TEMPORARY TABLE bk_transaction ON COMMIT DROP AS SELECT pg_catalog.txid_current() AS id");
}

void single_drop(struct pg *pg, bool empty, const struct load_options *o, struct fields *kept)
{
    if (empty)
        target_check_empty(pg);
    else
        info("dropping what is in '%s'; others will have to wait until all is done", pg_database(pg));
    sweep(pg, o->lock_wait, kept);
    property_reset(pg, &o->out);
}

/* An archive is SQL, and may have ended our transaction, if nobody should have made such a one. */
static void check_same(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look at the transaction",
                                 "SELECT FROM pg_temp.bk_transaction WHERE id = pg_catalog.txid_current()");

    if (pg_count(r) != 1)
        die(FAILED, "the backup's definitions have ended the transaction: the database '%s' is not complete",
            pg_database(pg));
    pg_free(r);
}

/* Nobody but the server knows, if it goes away just now, whether all is there or nothing. */
void single_commit(struct pg *pg)
{
    check_same(pg);
    signals_hold();
    hint("if the connection has broken just now, the database is either complete or as it was: look");
    pg_exec(pg, "commit", "SET LOCAL synchronous_commit = on; COMMIT");
    hint_forget();
    signals_release();
}
