/* restore.h - layer 3: the definitions of an archive, made in a database by pg_restore: by a connection of
 * its own; or, all within a transaction of ours, by our connection, which runs what pg_restore writes. */
#ifndef BK_RESTORE_H
#define BK_RESTORE_H

#include "pg.h"
#include "pgtool.h"
#include "target.h"

struct restore {
    int archive;           /* a file that holds it; the caller's */
    struct pg_child child; /* where to, if `pg` is NULL */
    struct pg *pg;         /* has begun a transaction; set up anew each time (pg_reset) */
    const char *made_with; /* "pg_dump 15.18": pg_restore must not be older */
    int jobs;
    int list; /* a file for --use-list, which entries are wanted; -1: all */
    struct left_out out;
    struct fields foreign; /* rights_foreign_extensions(): their comments are left out */
    struct fields kept;    /* schemas that are there already (sweep.h), and not to be made */
};

/* The pg_restore that will do it (pgtool.h). Only `made_with` need be known. */
struct pgtool restore_tool(const struct restore *r);

/* What there must be before rows are loaded: schemas, types, tables. Dies at the first thing that cannot be
 * made. */
void restore_pre_data(const struct restore *r);

/* What rows must be there for: indexes, constraints, triggers, rules, policies. Makes all that can be made.
 * NULL, or words how pg_restore failed (to be freed): something could not be made. Within a transaction of
 * ours, dies of that instead. */
char *restore_post_data(const struct restore *r);

/* Fills materialized views, in the order of their dependencies. What cannot be filled is a warning: a view
 * can be refreshed later, and what it shows is not lost. */
void restore_views(const struct restore *r);

#endif
