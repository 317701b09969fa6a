/* Tests of sums.h and hash.h: each byte of leaf and root by hand, several leaves, and what the decoders
 * refuse. */
#include "sums.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "unit.h"

#define HEAD_TEXT                                                                                            \
    "format: 1\nid: 00112233445566778899aabbccddeeff\nkind: backup\ncreated: 2026-01-02T03:04:05Z\nstep: "   \
    "gzip\n"

static void begin_head(struct head *h)
{
    static const char text[] = HEAD_TEXT "commit: not of the record\n";

    CHECK_U64(head_decode(h, text, sizeof text - 1), HEAD_OK);
}

/* SHA-256 of a frame, by OpenSSL's one-shot function. */
static void sha256_frame(const struct frame *f, const char *body, uint8_t out[SHA256_BYTES])
{
    uint8_t bytes[FRAME_HEADER_BYTES + 100];

    frame_encode(f, body, bytes);
    memcpy(bytes + FRAME_HEADER_BYTES, body, f->length);
    SHA256(bytes, FRAME_HEADER_BYTES + f->length, out);
}

static void hash(void)
{
    /* FIPS 180-4's example "abc". */
    static const uint8_t abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                    0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                    0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t got[32];
    struct sha256 *s = sha256_open();

    for (int i = 0; i < 2; i++) { /* one context does for many */
        sha256_begin(s);
        sha256_add(s, "a", 1);
        sha256_add(s, "bc", 2);
        sha256_end(s, got);
        CHECK_BYTES(got, 32, abc, 32);
    }
    sha256_close(s);
}

static const struct frame item = {.type = FRAME_ITEM, .seq = 1, .item = 1, .length = 4};
static const struct frame data = {
    .type = FRAME_DATA, .flags = FRAME_MORE, .seq = 0x1122334455, .item = 7, .part = 9, .length = 3};

static void make_leaf(struct sums *s, struct buf *leaf)
{
    CHECK(sums_leaf_empty(s));
    sums_add(s, &item, "abcd", 0);
    sums_add(s, &data, "xyz", 0x0102030405);
    CHECK(!sums_leaf_empty(s) && !sums_leaf_full(s));
    sums_leaf(s, 0x99, 0x2000000000, leaf);
    CHECK(sums_leaf_empty(s));
}

static void leaf_by_hand(void)
{
    static const uint8_t first[32] = {1,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                      'I', 'T', 'E', 'M', 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0};
    static const uint8_t second[32] = {0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 5, 4, 3, 2, 1, 0, 0, 0,
                                       'D',  'A',  'T',  'A',  7,    0, 0, 0, 9, 0, 0, 0, 3, 0, 0, 0};
    struct head h;
    struct buf leaf = {0};
    uint8_t sha[SHA256_BYTES];

    begin_head(&h);
    struct sums *s = sums_open(&h);
    make_leaf(s, &leaf);
    CHECK_U64(leaf.len, 128);
    if (unit_good()) {
        CHECK_BYTES(leaf.data, 32, first, 32);
        sha256_frame(&item, "abcd", sha);
        CHECK_BYTES(leaf.data + 32, 32, sha, 32);
        CHECK_BYTES(leaf.data + 64, 32, second, 32);
        sha256_frame(&data, "xyz", sha);
        CHECK_BYTES(leaf.data + 96, 32, sha, 32);
    }
    buf_free(&leaf);
    sums_close(s);
    head_free(&h);
}

static void root_by_hand(void)
{
    static const uint8_t branch[40] = {1, 0, 0, 0, 0, 0, 0,    0, 0x55, 0x44, 0x33, 0x22, 0x11, 0,
                                       0, 0, 0, 0, 0, 0, 0x20, 0, 0,    0,    128,  0,    0,    0,
                                       1, 0, 0, 0, 7, 0, 0,    0, 0,    0,    0,    0};
    struct head h;
    struct buf leaf = {0}, root = {0};
    uint8_t sha[SHA256_BYTES], bytes[FRAME_HEADER_BYTES + 128];
    char line[SUMS_LINE_MAX], want[SUMS_LINE_MAX] = "77 104 ";

    begin_head(&h);
    struct sums *s = sums_open(&h);
    make_leaf(s, &leaf);
    sums_root(s, &root);
    CHECK_U64(root.len, 32 + 72);
    SHA256((const uint8_t *)HEAD_TEXT, sizeof HEAD_TEXT - 1, sha);
    CHECK_BYTES(root.data, 32, sha, 32);
    CHECK_BYTES(root.data + 32, 40, branch, 40);
    frame_encode(&(struct frame){.type = FRAME_SUMS, .seq = 0x99, .length = 128}, leaf.data, bytes);
    memcpy(bytes + FRAME_HEADER_BYTES, leaf.data, 128);
    SHA256(bytes, sizeof bytes, sha);
    CHECK_BYTES(root.data + 72, 32, sha, 32);
    sums_line(s, 0x98, 77, &root, line);
    frame_encode(&(struct frame){.type = FRAME_SUMS, .seq = 0x98, .length = 104}, root.data, bytes);
    memcpy(bytes + FRAME_HEADER_BYTES, root.data, 104);
    SHA256(bytes, FRAME_HEADER_BYTES + 104, sha);
    for (int i = 0; i < 32; i++)
        sprintf(want + strlen(want), "%02x", sha[i]);
    CHECK_STR(line, want);
    buf_free(&root);
    buf_free(&leaf);
    sums_close(s);
    head_free(&h);
}

static void two_leaves(void)
{
    struct head h;
    struct buf leaf[3] = {{0}}, root = {0};
    struct sums_entry *entry;
    struct sums_branch *branch;
    uint8_t record[SHA256_BYTES];
    size_t leaves = 0, count;

    begin_head(&h);
    struct sums *s = sums_open(&h);
    for (uint64_t seq = 1; seq <= SUMS_LEAF_ENTRIES + 1; seq++) {
        if (sums_leaf_full(s))
            sums_leaf(s, seq, seq * 50, &leaf[leaves++]);
        struct frame f = {.type = FRAME_DATA, .seq = seq, .item = seq == 5 ? 1 : 3, .length = 1};
        sums_add(s, &f, "x", seq * 50 + 1);
    }
    CHECK_U64(leaves, 1);
    sums_leaf(s, SUMS_LEAF_ENTRIES + 2, 1u << 30, &leaf[leaves++]);
    sums_root(s, &root);
    CHECK_U64(sums_leaf_decode(leaf[0].data, leaf[0].len, &entry, &count), SUMS_OK);
    CHECK_U64(count, 8192);
    CHECK_U64(entry[8191].seq, 8192);
    CHECK_U64(entry[8191].offset, 8192 * 50 + 1);
    free(entry);
    CHECK_U64(sums_leaf_decode(leaf[1].data, leaf[1].len, &entry, &count), SUMS_OK);
    CHECK_U64(count, 1);
    CHECK_U64(entry[0].seq, 8193);
    CHECK_U64(entry[0].item, 3);
    free(entry);
    CHECK_U64(sums_root_decode(root.data, root.len, record, &branch, &count), SUMS_OK);
    CHECK_U64(count, 2);
    CHECK_U64(branch[0].first_seq, 1);
    CHECK_U64(branch[0].last_seq, 8192);
    CHECK_U64(branch[0].offset, 8193 * 50);
    CHECK_U64(branch[0].lowest_item, 1);
    CHECK_U64(branch[0].highest_item, 3);
    CHECK_U64(branch[0].length, 8192 * 64);
    CHECK_U64(branch[1].first_seq, 8193);
    CHECK_U64(branch[1].last_seq, 8193);
    CHECK_U64(branch[1].lowest_item, 3);
    free(branch);
    for (size_t i = 0; i < leaves; i++)
        buf_free(&leaf[i]);
    buf_free(&root);
    sums_close(s);
    head_free(&h);
}

static enum sums_err try_leaf(const uint8_t *bytes, size_t n)
{
    struct sums_entry *e;
    size_t count;
    enum sums_err result = sums_leaf_decode(bytes, n, &e, &count);

    CHECK((result == SUMS_OK) == (e != NULL));
    free(e);
    return result;
}

static void leaf_refused(void)
{
    static uint8_t big[(SUMS_LEAF_ENTRIES + 1) * SUMS_ENTRY_BYTES];

    for (size_t i = 0; i <= SUMS_LEAF_ENTRIES; i++) {
        put_u64(big + i * SUMS_ENTRY_BYTES, i + 1);
        put_u64(big + i * SUMS_ENTRY_BYTES + 8, i * 100);
    }
    CHECK_U64(try_leaf(big, 0), SUMS_LENGTH);
    CHECK_U64(try_leaf(big, 63), SUMS_LENGTH);
    CHECK_U64(try_leaf(big, 64), SUMS_OK);
    CHECK_U64(try_leaf(big, 65), SUMS_LENGTH);
    CHECK_U64(try_leaf(big, sizeof big - SUMS_ENTRY_BYTES), SUMS_OK);
    CHECK_U64(try_leaf(big, sizeof big), SUMS_LENGTH);
    put_u64(big + 64, 1); /* the same seq as before */
    CHECK_U64(try_leaf(big, 128), SUMS_ORDER);
    put_u64(big + 64, 2);
    put_u64(big + 72, 0); /* the same offset */
    CHECK_U64(try_leaf(big, 128), SUMS_ORDER);
    put_u64(big + 72, 1);
    CHECK_U64(try_leaf(big, 128), SUMS_OK);
}

static enum sums_err try_root(const uint8_t *bytes, size_t n)
{
    struct sums_branch *b;
    size_t count;
    uint8_t record[SHA256_BYTES];
    enum sums_err result = sums_root_decode(bytes, n, record, &b, &count);

    CHECK((result == SUMS_OK) == (b != NULL));
    free(b);
    return result;
}

static void put_branch(uint8_t *p, uint64_t first, uint64_t last, uint64_t offset, uint32_t low,
                       uint32_t high)
{
    put_u64(p, first);
    put_u64(p + 8, last);
    put_u64(p + 16, offset);
    put_u32(p + 28, low);
    put_u32(p + 32, high);
}

static void root_refused(void)
{
    uint8_t root[32 + 3 * 72] = {0};
    uint8_t *second = root + 32 + 72;

    put_branch(root + 32, 1, 5, 100, 1, 2);
    put_branch(second, 6, 6, 200, 2, 2);
    CHECK_U64(try_root(root, 0), SUMS_LENGTH);
    CHECK_U64(try_root(root, 31), SUMS_LENGTH);
    CHECK_U64(try_root(root, 32 + 71), SUMS_LENGTH);
    CHECK_U64(try_root(root, 32 + 72), SUMS_OK);
    CHECK_U64(try_root(root, 32 + 2 * 72), SUMS_OK);
    CHECK_U64(try_root(root, 32 + 2 * 72 + 1), SUMS_LENGTH);
    CHECK_U64(try_root(root, sizeof root), SUMS_ORDER); /* zeros come after 6 */
    put_branch(second, 5, 6, 200, 2, 2);
    CHECK_U64(try_root(root, 32 + 2 * 72), SUMS_ORDER);
    put_branch(second, 7, 6, 200, 2, 2);
    CHECK_U64(try_root(root, 32 + 2 * 72), SUMS_ORDER);
    put_branch(second, 6, 6, 100, 2, 2);
    CHECK_U64(try_root(root, 32 + 2 * 72), SUMS_ORDER);
    put_branch(second, 6, 6, 101, 3, 2);
    CHECK_U64(try_root(root, 32 + 2 * 72), SUMS_ORDER);
    put_branch(second, 6, 6, 101, 2, 3);
    CHECK_U64(try_root(root, 32 + 2 * 72), SUMS_OK);
    put_u32(second + 36, 1); /* reserved */
    CHECK_U64(try_root(root, 32 + 2 * 72), SUMS_ORDER);
}

int main(void)
{
    RUN(hash);
    RUN(leaf_by_hand);
    RUN(root_by_hand);
    RUN(two_leaves);
    RUN(leaf_refused);
    RUN(root_refused);
    return unit_end();
}
