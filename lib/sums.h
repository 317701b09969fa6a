/* sums.h - layer 3: the index of a stream: where each frame lies, and its SHA-256.
 *
 *     leaf  = 1*8192( entry )           one after every 8,192 numbered frames, and one for the rest before
 * the root entry = seq u64, offset u64, type u32, item u32, part u32, length u32, SHA-256         64 bytes
 *     root  = SHA-256 of HEAD's record, *( branch )
 *     branch = first seq u64, last seq u64, offset u64, length u32, lowest item u32, highest item u32, 0 u32,
 * SHA-256 of the leaf
 *
 * Offsets count from the first byte after HEAD. `length` is the body's, as in the frame's header; SHA-256 is
 * over header and body. HEAD and END have no entry. What the frames are decides each byte of the index, so
 * bk-verify builds it once more and compares. END's `sums: OFFSET LENGTH SHA256` says where the root lies.
 */
#ifndef BK_SUMS_H
#define BK_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "hash.h"
#include "head.h"
#include "mem.h"

enum { SUMS_LEAF_ENTRIES = 8192, SUMS_ENTRY_BYTES = 64, SUMS_BRANCH_BYTES = 72, SUMS_LINE_MAX = 128 };

struct sums_entry {
    uint64_t seq, offset;
    uint32_t type, item, part, length;
    uint8_t sha256[SHA256_BYTES];
};

struct sums_branch {
    uint64_t first_seq, last_seq, offset;
    uint32_t length, lowest_item, highest_item;
    uint8_t sha256[SHA256_BYTES];
};

/* Builds the index of a stream, frame by frame. */
struct sums;
struct sums *sums_open(const struct head *h);

/* Adds a numbered frame that lies at `offset`. */
void sums_add(struct sums *s, const struct frame *f, const void *body, uint64_t offset);

/* Is it time for a leaf? Before anything else is written. */
bool sums_leaf_full(const struct sums *s);
bool sums_leaf_empty(const struct sums *s);

/* Adds the leaf's body to `out`; the leaf lies at `offset`, in a frame with this seq. Begins the next one. */
void sums_leaf(struct sums *s, uint64_t seq, uint64_t offset, struct buf *out);

/* Adds the root's body to `out`, once there is no leaf left to write. */
void sums_root(const struct sums *s, struct buf *out);

/* The value of END's line for a root at `offset` in a frame with this seq, into `line` of SUMS_LINE_MAX. */
void sums_line(struct sums *s, uint64_t seq, uint64_t offset, const struct buf *root, char *line);
void sums_close(struct sums *s);

enum sums_err { SUMS_OK, SUMS_LENGTH, SUMS_ORDER };

/* Pure decoders: the entries of a leaf, the branches of a root, to `*out` (freed by the caller). They check
 * that the body has a whole number of them, and that seqs and offsets rise. */
enum sums_err sums_leaf_decode(const uint8_t *body, size_t n, struct sums_entry **out, size_t *count);
enum sums_err sums_root_decode(const uint8_t *body, size_t n, uint8_t record[SHA256_BYTES],
                               struct sums_branch **out, size_t *count);

#endif
