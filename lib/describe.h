/* describe.h - layer 3: ITEM bodies of a backup, and the SQL that reads what they name. */
#ifndef BK_DESCRIBE_H
#define BK_DESCRIBE_H

#include "fields.h"
#include "pg.h"
#include "snapshot.h"

/* The database, its server, settings, rights and extensions; and the settings that COPY text depends on. */
void describe_database(struct pg *pg, struct fields *item);

/* Adds what tells this very database from all others: `server-id` (unless the role may not know it) and
 * `oid`. */
void describe_identity(struct pg *pg, struct fields *item);

/* Reads columns and ancestors of all tables into the snapshot. Columns are sorted by the bytes of their
 * names, without generated ones: a copy whose columns stand in another order has the same text, and so the
 * same digest. */
void describe_read_columns(struct pg *pg, struct snapshot *s);

void describe_table(const struct table *t, uint32_t parts, struct fields *item);

/* Quoted for SQL, added to `sql`: schema and name; the columns between `before` and `after`, or nothing if
 * there are none. */
void describe_table_name(struct pg *pg, const struct table *t, struct buf *sql);
/* A statement that the server refuses if the name of `t` is that of another table by now. */
void describe_name_check(struct pg *pg, const struct table *t, struct buf *sql);
void describe_columns(struct pg *pg, const struct table *t, const char *before, const char *after,
                      struct buf *sql);

#endif
