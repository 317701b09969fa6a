/* verdict.h - layer 3: what selections (select.h) say of each thing in a backup: of the one that it was made
 * with, and of the one that it is loaded with. */
#ifndef BK_VERDICT_H
#define BK_VERDICT_H

#include <stdbool.h>

#include "contents.h"
#include "pg.h"
#include "select.h"
#include "toc.h"

/* Of item n at n - 1, and behind the items of each entry of the archive; NULL where nothing is said at all.
 */
struct verdict {
    bool *asked;   /* a pattern of -t or --schema fits; NULL: all are */
    bool *refused; /* --exclude-table */
    bool *without; /* --exclude-table-data */
};

/* What was left out of a backup cannot be asked for: complains with status 1 if a pattern of `s` fits
 * nothing. The server matches patterns; but tables whose rows are in the backup are what its own patterns
 * fitted in the source. */
struct verdict verdict_of(struct pg *pg, const struct selection *s, const struct selection *recorded,
                          const struct contents *contents, const struct toc *t);
void verdict_free(struct verdict *v);

#endif
