/* filter.h - layer 3: the loops of all filters. The loop, the threads, the order, END and ABRT are here; a
 * tool gives hooks.
 *
 * A map changes bodies and notes itself as a step, or undoes the last step. Type, flags, seq, item and part
 * stay; lower-case frames are dropped. Bodies are worked on by several threads, and leave in order.
 *
 * A tap looks at each frame before it goes on. It changes none, but may keep lower-case ones back or add
 * some.
 */
#ifndef BK_FILTER_H
#define BK_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"
#include "head.h"
#include "mem.h"
#include "writer.h"

struct map {
    const uint32_t *types; /* whose bodies are changed; ended by 0 */
    /* Refuses the stream (die), or changes HEAD's steps. */
    void (*head)(void *ctx, struct head *h);
    /* The state of one worker. */
    void *(*open)(void *ctx);
    /* Adds to `out` what the body becomes: at most FRAME_MAX_BODY bytes. NULL, or what is wrong with the
     * body. */
    const char *(*body)(void *ctx, void *state, const struct frame *f, const uint8_t *body, struct buf *out);
    void (*close)(void *ctx, void *state);
    /* How many bytes that will be, as far as can be told beforehand; SIZE_MAX: unknown. Keeps memory within
     * its bounds. */
    size_t (*size)(void *ctx, const uint8_t *body, size_t n);
    /* Changes END's lines, once all bodies have gone out. NULL, or what is wrong with them. May be NULL. */
    const char *(*end)(void *ctx, struct fields *end);
};

/* Runs the map from standard input to standard output with `jobs` workers. */
void filter_map(const struct map *map, void *ctx, int jobs);

struct tap {
    void (*head)(void *ctx, const struct head *h);
    /* Sees a frame before it is written to `out` (NULL if nothing is written). False keeps it back:
     * lower-case ones only. */
    bool (*see)(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body);
    /* The stream was whole; END follows. Gives END's `sums`, or NULL for none. */
    const char *(*end)(void *ctx, struct writer *out, const struct fields *end);
};

/* Runs the tap from `in` (`in_name` for messages) to `out` (-1: nothing is written). Any hook may be NULL. */
struct ends {
    int in;
    const char *in_name;
    int out;
    const char *out_name;
    const struct buf *first; /* what stands before `in`: reader_open_behind(); or NULL */
};
void filter_tap(const struct tap *tap, void *ctx, const struct ends *ends);

/* Passes all frames on from standard input to standard output, behind a HEAD in which `change` has changed
 * what is not the record. */
void filter_head(void (*change)(void *ctx, struct head *h), void *ctx);

/* Standard input, standard output; and standard input, nothing. */
extern const struct ends filter_stdio;
extern const struct ends filter_stdin_only;

/* Dies with status 3 of what a hook found wrong with a frame. */
_Noreturn void filter_die_frame(const struct frame *f, const char *why);

/* For what needs bodies as the source made them: if a step is left, ends with status 2 and says what undoes
 * it (3 for a step that this bk does not know). */
void filter_want_plain(const struct head *h);

/* The same for what needs only ITEM and DONE: compression may stay, for it leaves them as they are. */
void filter_want_items(const struct head *h);

/* For map.head: adds `step`, unless it or another compression is there already (status 2). */
void filter_compress_head(struct head *h, const char *step);

/* For map.head: takes the last step away, which must be `word` with a number for `key`: else ends with
 * status 2 and says what to run, or with 3 for what a newer bk made. */
void filter_undo_head(struct head *h, const char *word, const char *key);

#endif
