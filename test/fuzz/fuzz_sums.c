/* The index: leaf and root. What is taken holds what its decoder promises. */
#include "fuzz.h"

#include "sums.h"

static void check_leaf(const uint8_t *bytes, size_t n)
{
    struct sums_entry *e;
    size_t count;

    if (sums_leaf_decode(bytes, n, &e, &count) != SUMS_OK) {
        MUST(e == NULL);
        return;
    }
    MUST(count * SUMS_ENTRY_BYTES == n && count > 0 && count <= SUMS_LEAF_ENTRIES);
    for (size_t i = 1; i < count; i++)
        MUST(e[i].seq > e[i - 1].seq && e[i].offset > e[i - 1].offset);
    free(e);
}

static void check_root(const uint8_t *bytes, size_t n)
{
    struct sums_branch *b;
    size_t count;
    uint8_t record[SHA256_BYTES];

    if (sums_root_decode(bytes, n, record, &b, &count) != SUMS_OK) {
        MUST(b == NULL);
        return;
    }
    MUST(SHA256_BYTES + count * SUMS_BRANCH_BYTES == n);
    for (size_t i = 0; i < count; i++) {
        MUST(b[i].first_seq <= b[i].last_seq && b[i].lowest_item <= b[i].highest_item);
        if (i > 0)
            MUST(b[i].first_seq > b[i - 1].last_seq && b[i].offset > b[i - 1].offset);
    }
    free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    check_leaf(bytes, n);
    check_root(bytes, n);
    return 0;
}
