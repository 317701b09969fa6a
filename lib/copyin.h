/* copyin.h - layer 3: bodies of rows into tables, by several connections.
 *
 * Each connection takes the next body and COPYs it: rows in a body are whole, so any connection may, but for
 * a row that goes on, whose bodies one connection takes in turn. A body whose rows the server refuses is put
 * off, and tried again when all others are in: a CHECK may call a function that reads another table. What was
 * sent is counted and hashed, and so is what the server says that it took.
 */
#ifndef BK_COPYIN_H
#define BK_COPYIN_H

#include <stdbool.h>
#include <stdint.h>

#include "contents.h"
#include "pg.h"

struct copyin;

/* `pg` is the caller's connection, `jobs` how many connections load in all; 1: no others, and no threads
 * (within a transaction of the caller's it must be 1: a body that is refused then undoes itself alone).
 * Others are opened when they are wanted, with this client_encoding (NULL: the database's). Results go to
 * `contents` (item.found), which has all its items. */
struct copyin *copyin_open(struct pg *pg, const char *encoding, int jobs, struct contents *contents);

/* Adds the COPY statement that loads a table's rows, into the table above all its partitions if it must be
 * so, or with `by_root`, and if that is there. Dies if rows in binary do not fit its columns. */
void copyin_sql(struct pg *pg, const struct item *i, bool by_root, struct buf *sql);

/* The COPY statement of an item, which must be of the item's format; taken over, and freed. */
void copyin_statement(struct copyin *c, uint32_t item, char *sql);

/* Loads a body. With `here`, by the caller's connection, before it returns; else by any, some time. */
void copyin_put(struct copyin *c, uint32_t item, bool more, bool here, const void *body, size_t n);

/* Waits for all, and tries what was put off, as long as some of it gets in each time. Dies with the server's
 * words if something does not, and if the server counted other rows than were sent. Frees it. */
void copyin_finish(struct copyin *c);

#endif
