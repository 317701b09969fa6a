/* snapshot.h - layer 3: one consistent view of a whole database, that other sessions can share.
 *
 * Locks first, then the snapshot, then a check. A table that is truncated or rewritten after a snapshot was
 * taken and before it is locked looks empty in that snapshot, without any error: so all tables are locked
 * (ACCESS SHARE) before the snapshot exists, and then no table may have another file than the snapshot says,
 * nor be one that is not locked. If that is so, all is done again. (PostgreSQL's documentation: "Caveats" of
 * MVCC; TRUNCATE and table rewrites are not MVCC-safe.)
 */
#ifndef BK_SNAPSHOT_H
#define BK_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fields.h"
#include "pg.h"

/* SQL: user relations (tables, sequences) of this persistence as c, n their schema, e their extension if they
 * are one's and it says that their rows are the user's (pg_extension.extconfig), a their access method. A
 * sequence of such a table belongs to it: pg_dump leaves that out, and the next key after a restore is one
 * that is taken. */
/* clang-format off */
#define FROM_RELATIONS(persistence) \
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace" \
    " LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass" \
    "   AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'" \
    "   AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass" \
    " LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid" \
    " LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam" \
    " WHERE c.relpersistence IN (" persistence ") AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'" \
    "   AND (e.oid IS NULL OR c.oid = ANY (e.extconfig) OR (c.relkind = 'S' AND EXISTS" \
    "     (SELECT FROM pg_catalog.pg_depend o WHERE o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass" \
    "      AND o.objid = c.oid AND o.deptype IN ('a', 'i') AND o.refobjid = ANY (e.extconfig))))"

/* A standby has the definitions of unlogged ones, but neither rows nor values. */
#define FROM_USER_RELATIONS \
    FROM_RELATIONS("'p', CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'p' ELSE 'u' END")
#define FROM_RELATIONS_LEFT_OUT FROM_RELATIONS("CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'u' END")
/* clang-format on */

/* by_root: which partition a row belongs to may depend on a hash of enum values, that is of their oids, and a
 * restore makes other oids. Such rows are loaded into the root of the partitions. (pg_dump:
 * forcePartitionRootLoad.) */
struct table {
    uint32_t oid;
    char *schema, *name;
    bool unlogged;
    char *extension;       /* whose configuration table it is; NULL: none */
    char *condition;       /* which of its rows are the user's ("WHERE ..."); NULL: all */
    bool by_root;          /* see above */
    bool binary;           /* copy it in binary; set by binary.h */
    struct fields columns; /* a pair of lines each, column and column-type; set by describe.h */
    struct fields
        ancestors;  /* a pair each, ancestor-schema and ancestor-name, the root last; set by describe.h */
    uint64_t pages; /* of its heap, when it was asked; 0 if it cannot be read by page ranges */
};

struct snapshot {
    char *relations, *rows; /* SQL: which are wanted, and with their rows (select.h); the caller's */
    bool standby;           /* of a server in recovery */
    char *left_out;         /* names of what a standby does not have, for people; NULL: nothing */
    char *no_room;          /* advice if the server may have too few locks; NULL: it has enough */
    char *id;               /* for SET TRANSACTION SNAPSHOT */
    char created[32];       /* UTC, as in HEAD */
    uint64_t bytes;         /* of all tables, about */
    struct table *table;
    size_t tables; /* configuration tables of extensions first, those that others refer to before these; then
                      the rest in order of creation */
};

/* Takes it on `pg`, whose transaction must stay open as long as the snapshot is used. `relations` and `rows`
 * are set. `read` is part of that: it reads what else must be known of the tables. Waits for locks for up to
 * `lock_wait` seconds in all. What passes (DDL in between, a standby's recovery that is in conflict with it)
 * makes it begin again, a few times. Refuses (die) what would not be a whole backup: rows that row security
 * hides, tables that may not be read, an unfinished load. Warns of what a standby does not have. */
void snapshot_take(struct pg *pg, struct snapshot *s, void (*read)(struct pg *pg, struct snapshot *s),
                   int lock_wait);

/* Can a SELECT read it? None can be planned where an index has an expression that needs a search_path, as the
 * planner looks into the functions that it calls. A COPY of the whole table has no plan. */
bool snapshot_can_select(struct pg *pg, const struct table *t);

/* Sets `pages` to 0 for those of the tables of more than `large` pages that no SELECT can read. */
void snapshot_check_plans(struct pg *pg, struct snapshot *s, uint64_t large);

/* Begins a transaction on another connection with the same view. In it, who waits for a lock is refused after
 * a second (SQLSTATE 55P03): the lock may be one that waits for the first connection's. */
void snapshot_join(struct pg *pg, const char *id);

/* Dies if something in the snapshot has another name by now, or is not there any more: tables, views,
 * sequences, types, functions. No lock keeps most of them, and pg_dump looks into the snapshot for some of
 * what it writes and at the present state for the rest: what comes of both may be definitions that cannot be
 * made. To be called when pg_dump is through. (PostgreSQL's documentation of pg_dump says so in "Notes";
 * pg_get_viewdef() and its like see the present.) */
void snapshot_check_definitions(struct pg *pg);
void snapshot_free(struct snapshot *s);

#endif
