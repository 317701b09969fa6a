/* preview.h - layer 3: a dry run: what load.h would do, and what would stand against it.
 *
 * It looks where the load looks, by the same functions (load.h, newdb.h, target.h, refill.h), and hears their
 * complaints (msg.h). It changes nothing and asks nothing: its session is read only, and has no transaction,
 * no temporary table and no lock that lasts.
 */
#ifndef BK_PREVIEW_H
#define BK_PREVIEW_H

#include <stdbool.h>

#include "load.h"
#include "newdb.h"

/* Reads the stream on standard input to its END, checks it, and prints a report to standard output. With
 * `new_database` that is for one that `newdb` says how to make, else for the one that it names. Returns the
 * status of the first complaint, as the real run would end, or DONE_OK. Dies as the real run does where there
 * is nothing to report on: no server, a pattern that is none, a bad stream. */
enum status preview_stream(const struct load_options *o, const struct newdb_options *newdb,
                           bool new_database);

#endif
