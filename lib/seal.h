/* seal.h - layer 2: a stream that is sealed: its keys, the lines that it adds to HEAD and END, and its
 * frames.
 *
 * man/bk-stream.5, SEALED STREAMS, is the norm. No I/O, and nothing random: both are the caller's. Functions
 * that check return NULL, or words for what is wrong.
 */
#ifndef BK_SEAL_H
#define BK_SEAL_H

#include <stdint.h>

#include "crypt.h"
#include "fields.h"
#include "frame.h"
#include "head.h"
#include "pkey.h"

enum { SEAL_BLOCK = 4096, SEAL_FREE = 2048 }; /* of magic and HEAD: whole blocks, and room for more slots */

/* The keys of one stream. */
struct seal;

/* What a sealed HEAD's step says. */
const char *seal_decode_step(const char *step, enum aead_kind *kind, uint8_t salt[KEY_BYTES]);
/* The same from `kind` and `salt`: added to `out`. */
void seal_encode_step(enum aead_kind kind, const uint8_t salt[KEY_BYTES], struct buf *out);

/* Keys from the data key, for a HEAD whose last step is the seal's. Freed, and wiped, with seal_close(). */
struct seal *seal_open(const struct head *h, const uint8_t dek[KEY_BYTES]);
void seal_close(struct seal *s);

/* Takes label, tag and host out of HEAD, before the step is added; to be given to seal_add_lines(). */
void seal_take_quiet(struct head *h, struct fields *quiet);

/* Adds the seal's lines: commit, sign (`signer` may be NULL), quiet (unless it is NULL), the slots' values,
 * slots-mac, pad. Dies with status 2 if HEAD would be too long. */
void seal_add_lines(struct head *h, const struct seal *s, const struct pkey *signer,
                    const struct fields *quiet, const struct fields *slots);
/* Only the last two: for a HEAD whose slots have changed. */
void seal_add_mac(struct head *h, const struct seal *s);
/* Puts these slots in the place of those that a sealed HEAD has, and makes the last two lines anew. With
 * `whole` other than 0, magic and HEAD together are that many bytes then; false if they cannot be. */
bool seal_set_slots(struct head *h, const struct seal *s, const struct fields *slots, size_t whole);

/* Is it sealed, in a way that this bk knows, and are the seal's lines these, in this order? Then all of its
 * slots are sound, too. */
const char *seal_check_head(const struct head *h);
/* Is it the data key of this stream, and are the slots those that were made with it? */
const char *seal_check(const struct head *h, const struct seal *s);
/* Was this HEAD signed by the holder of this key? Needs no data key: `commit` stands for it. */
const char *seal_check_signature(const struct head *h, const uint8_t public[PKEY_RAW_BYTES]);
/* Takes the seal's lines and its step away, and puts the quiet ones back. */
const char *seal_strip(struct head *h, const struct seal *s);

/* The cipher of one worker. */
struct aead *seal_aead(const struct seal *s);
/* Add the body of `f`, sealed or unsealed, to `out`. */
void seal_body(const struct seal *s, struct aead *a, const struct frame *f, const uint8_t *body,
               struct buf *out);
const char *seal_unbody(const struct seal *s, struct aead *a, const struct frame *f, const uint8_t *body,
                        struct buf *out);

/* Adds `mac` to END's lines; or checks it, and takes it away. */
void seal_end(const struct seal *s, struct fields *end);
const char *seal_unend(const struct seal *s, struct fields *end);

#endif
