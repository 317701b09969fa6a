/* source.h - layer 3: what every source does: HEAD, ITEMs, DATA, and from what was written DONEs and END.
 *
 * Only one thread may call at a time.
 */
#ifndef BK_SOURCE_H
#define BK_SOURCE_H

#include "digest.h"
#include "fields.h"
#include "head.h"

struct source;

/* A HEAD of this kind: format, a new random id, kind, created (as HEAD has it), label, tags, made-by (this
 * tool), host. */
void source_head(struct head *h, const char *kind, const char *created, const char *label,
                 const char *const *tag, size_t tags);

/* Writes HEAD to `fd` (`name` is for messages). */
struct source *source_open(int fd, const char *name, const struct head *h);

/* Is HEAD's kind `digests`? Then there is no DATA: source_data() takes rows and digests as ever, for DONEs
 * and END that tell of them, and writes nothing. Who brings a digest need not bring the rows. */
bool source_digests_only(const struct source *s);

/* Writes an ITEM and returns its number. All ITEMs come before the first DATA. */
uint32_t source_item(struct source *s, enum digest_kind kind, const struct fields *item);

/* Writes a DATA frame. `digest` holds the rows in it; NULL: they are counted here. With `more` the next call
 * goes on with the row. */
void source_data(struct source *s, uint32_t item, uint32_t part, bool more, const void *body, size_t n,
                 const struct digest *digest);

/* Writes all DONEs and END, and frees the source. */
void source_end(struct source *s);

#endif
