/* head.h - layer 2: HEAD, the first frame: what a stream is, and the steps that were taken with it.
 *
 * HEAD is fields. `format` comes first; the lines up to the first of the seal's (or `partial`) are the
 * record. A tool changes only lines of its own: a map adds its step as the last line of the record, or takes
 * it away again. All other lines, known or not, go on byte for byte (fields.h makes that so: a line decoded
 * and encoded again is the same).
 */
#ifndef BK_HEAD_H
#define BK_HEAD_H

#include <stdbool.h>

#include "fields.h"
#include "mem.h"

enum { ID_HEX = 32, LABEL_MAX = 64 };

struct head {
    struct fields fields; /* owned */
};

enum head_err {
    HEAD_OK,
    HEAD_FIELDS,  /* not fields */
    HEAD_FORMAT,  /* no `format` first */
    HEAD_NEWER,   /* a format that is not ours */
    HEAD_TWICE,   /* a name that may come once comes twice */
    HEAD_ID,      /* no id, or not 32 hex digits */
    HEAD_KIND,    /* no kind */
    HEAD_CREATED, /* no time, or not in the one form */
    HEAD_LABEL,   /* a label that is none */
    HEAD_ORDER,   /* a line of the record behind the record */
};
const char *head_strerror(enum head_err e);

/* Pure. On an error `h` is to be freed all the same. */
enum head_err head_decode(struct head *h, const void *bytes, size_t n);
void head_encode(const struct head *h, struct buf *out);
/* Makes `to` a copy, which is freed by itself. */
void head_copy(struct head *to, const struct head *from);
void head_free(struct head *h);

const char *head_id(const struct head *h);
const char *head_kind(const struct head *h);
bool head_kind_is(const struct head *h, const char *kind);
bool head_partial(const struct head *h);

/* The record's bytes: what the seal and the index stand for. */
void head_record(const struct head *h, struct buf *out);

/* Steps, in the order in which they were taken. The last is what has to be undone first. */
size_t head_steps(const struct head *h);
const char *head_last_step(const struct head *h); /* NULL: none */
void head_push_step(struct head *h, const char *step);
void head_pop_step(struct head *h);

/* Is `step` this word, and behind it at most the one parameter `key`, a number? Else a newer bk made it. */
bool step_has_only(const char *step, const char *word, const char *key);

/* Is the first word of `step` this one? */
bool step_is(const char *step, const char *word);

/* Can ITEM and DONE be read as the source wrote them? Compressors leave them so; a seal, or a step that is
 * newer than this bk, may not. */
bool head_items_readable(const struct head *h);

/* What undoes a step, as a command: "bk-zstd -d". NULL for a step that this bk does not know. */
const char *step_undone_by(const char *step);

/* A label made of any name: [A-Za-z0-9._-]{1,64}, no dot first. `label` has room for LABEL_MAX + 1. */
void label_from_name(const char *name, char *label);
bool label_is_right(const char *label);

#endif
