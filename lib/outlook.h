/* outlook.h - layer 3: what a dry run has found out, in words for somebody who reads them at night. */
#ifndef BK_OUTLOOK_H
#define BK_OUTLOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "choice.h"
#include "contents.h"
#include "head.h"
#include "load.h"

/* What the real run would refuse, and why (msg.h). */
struct complaint {
    enum status status;
    char *why, *hint; /* "": no hint */
};

struct outlook {
    const struct load_options *o;
    bool new_database;
    struct head head;
    struct contents contents;
    struct choice choice;
    struct buf target;     /* into what, in lines */
    struct buf server;     /* "PostgreSQL 15.18 at db1" */
    struct buf extensions; /* "" if there are none, or they do not matter */
    struct buf roles;      /* that would be made */
    bool older;            /* the server is, than the backup's */
    char *tool;            /* "pg_restore 15.18"; NULL: none is needed, or there */
    uint64_t objects;      /* large ones */
    double seconds;        /* that reading the stream took */
    struct complaint *complaint;
    size_t complaints;
};

/* Adds the report to `out`. With `all` each table is in it, not only the largest. */
void outlook_print(struct outlook *l, bool all, struct buf *out);

void outlook_free(struct outlook *l);

#endif
