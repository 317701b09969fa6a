#include "sums.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sums {
    struct sha256 *sha256;
    uint8_t record[SHA256_BYTES];
    struct buf leaf;        /* the entries so far, encoded */
    struct buf branches;    /* of the leaves so far, encoded */
    struct sums_branch now; /* first_seq, last_seq and items of the leaf that is being made */
};

static void hash_bytes(struct sha256 *s, const void *bytes, size_t n, uint8_t out[SHA256_BYTES])
{
    sha256_begin(s);
    sha256_add(s, bytes, n);
    sha256_end(s, out);
}

static void hash_frame(struct sha256 *s, const struct frame *f, const void *body, uint8_t out[SHA256_BYTES])
{
    uint8_t header[FRAME_HEADER_BYTES];

    frame_encode(f, body, header);
    sha256_begin(s);
    sha256_add(s, header, sizeof header);
    sha256_add(s, body, f->length);
    sha256_end(s, out);
}

struct sums *sums_open(const struct head *h)
{
    struct sums *s = xcalloc(1, sizeof *s);
    struct buf record = {0};

    s->sha256 = sha256_open();
    head_record(h, &record);
    hash_bytes(s->sha256, record.data, record.len, s->record);
    buf_free(&record);
    return s;
}

void sums_add(struct sums *s, const struct frame *f, const void *body, uint64_t offset)
{
    uint8_t *p = buf_room(&s->leaf, SUMS_ENTRY_BYTES);

    if (s->leaf.len == 0)
        s->now = (struct sums_branch){.first_seq = f->seq, .lowest_item = f->item, .highest_item = f->item};
    s->now.last_seq = f->seq;
    if (f->item < s->now.lowest_item)
        s->now.lowest_item = f->item;
    if (f->item > s->now.highest_item)
        s->now.highest_item = f->item;
    put_u64(p, f->seq);
    put_u64(p + 8, offset);
    put_u32(p + 16, f->type);
    put_u32(p + 20, f->item);
    put_u32(p + 24, f->part);
    put_u32(p + 28, f->length);
    hash_frame(s->sha256, f, body, p + 32);
    s->leaf.len += SUMS_ENTRY_BYTES;
}

bool sums_leaf_full(const struct sums *s)
{
    return s->leaf.len == (size_t)SUMS_LEAF_ENTRIES * SUMS_ENTRY_BYTES;
}

bool sums_leaf_empty(const struct sums *s)
{
    return s->leaf.len == 0;
}

static struct frame sums_frame(uint64_t seq, size_t length)
{
    return (struct frame){.type = FRAME_SUMS, .seq = seq, .length = (uint32_t)length};
}

void sums_leaf(struct sums *s, uint64_t seq, uint64_t offset, struct buf *out)
{
    struct frame f = sums_frame(seq, s->leaf.len);
    uint8_t *p = buf_room(&s->branches, SUMS_BRANCH_BYTES);

    put_u64(p, s->now.first_seq);
    put_u64(p + 8, s->now.last_seq);
    put_u64(p + 16, offset);
    put_u32(p + 24, f.length);
    put_u32(p + 28, s->now.lowest_item);
    put_u32(p + 32, s->now.highest_item);
    put_u32(p + 36, 0);
    hash_frame(s->sha256, &f, s->leaf.data, p + 40);
    s->branches.len += SUMS_BRANCH_BYTES;
    if (s->branches.len + SHA256_BYTES > FRAME_MAX_BODY)
        die(FAILED, "the stream has more frames than an index can list");
    buf_add(out, s->leaf.data, s->leaf.len);
    s->leaf.len = 0;
}

void sums_root(const struct sums *s, struct buf *out)
{
    buf_add(out, s->record, sizeof s->record);
    buf_add(out, s->branches.data, s->branches.len);
}

void sums_line(struct sums *s, uint64_t seq, uint64_t offset, const struct buf *root, char *line)
{
    struct frame f = sums_frame(seq, root->len);
    uint8_t sha256[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];

    hash_frame(s->sha256, &f, root->data, sha256);
    format_hex(sha256, sizeof sha256, hex);
    snprintf(line, SUMS_LINE_MAX, "%" PRIu64 " %zu %s", offset, root->len, hex);
}

void sums_close(struct sums *s)
{
    sha256_close(s->sha256);
    buf_free(&s->leaf);
    buf_free(&s->branches);
    free(s);
}

static void decode_entry(const uint8_t *p, struct sums_entry *e)
{
    e->seq = get_u64(p);
    e->offset = get_u64(p + 8);
    e->type = get_u32(p + 16);
    e->item = get_u32(p + 20);
    e->part = get_u32(p + 24);
    e->length = get_u32(p + 28);
    memcpy(e->sha256, p + 32, SHA256_BYTES);
}

enum sums_err sums_leaf_decode(const uint8_t *body, size_t n, struct sums_entry **out, size_t *count)
{
    *count = n / SUMS_ENTRY_BYTES;
    *out = NULL;
    if (n == 0 || n % SUMS_ENTRY_BYTES != 0 || *count > SUMS_LEAF_ENTRIES)
        return SUMS_LENGTH;
    struct sums_entry *e = xcalloc(*count, sizeof *e);
    for (size_t i = 0; i < *count; i++) {
        decode_entry(body + i * SUMS_ENTRY_BYTES, &e[i]);
        if (i > 0 && (e[i].seq <= e[i - 1].seq || e[i].offset <= e[i - 1].offset)) {
            free(e);
            return SUMS_ORDER;
        }
    }
    *out = e;
    return SUMS_OK;
}

/* False if it contradicts itself. */
static bool decode_branch(const uint8_t *p, struct sums_branch *b)
{
    b->first_seq = get_u64(p);
    b->last_seq = get_u64(p + 8);
    b->offset = get_u64(p + 16);
    b->length = get_u32(p + 24);
    b->lowest_item = get_u32(p + 28);
    b->highest_item = get_u32(p + 32);
    memcpy(b->sha256, p + 40, SHA256_BYTES);
    return b->first_seq <= b->last_seq && b->lowest_item <= b->highest_item && get_u32(p + 36) == 0;
}

enum sums_err sums_root_decode(const uint8_t *body, size_t n, uint8_t record[SHA256_BYTES],
                               struct sums_branch **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    if (n < SHA256_BYTES || (n - SHA256_BYTES) % SUMS_BRANCH_BYTES != 0)
        return SUMS_LENGTH;
    memcpy(record, body, SHA256_BYTES);
    *count = (n - SHA256_BYTES) / SUMS_BRANCH_BYTES;
    struct sums_branch *b = xcalloc(*count, sizeof *b);
    for (size_t i = 0; i < *count; i++) {
        bool right = decode_branch(body + SHA256_BYTES + i * SUMS_BRANCH_BYTES, &b[i]);
        if (!right || (i > 0 && (b[i].first_seq <= b[i - 1].last_seq || b[i].offset <= b[i - 1].offset))) {
            free(b);
            return SUMS_ORDER;
        }
    }
    *out = b;
    return SUMS_OK;
}
