/* Rows in binary: where tuples end is the same wherever bodies are cut, and as a plain loop over all of it
 * finds. The first byte says where the cuts are. */
#include "fuzz.h"

#include <string.h>

#include "digest.h"
#include "tuple.h"

static uint32_t get_be(const uint8_t *p, int n)
{
    uint32_t number = 0;

    for (int i = 0; i < n; i++)
        number = number << 8 | p[i];
    return number;
}

/* The length of the tuple at the beginning of these bytes; 0: it is not whole, or none. */
static size_t length(const uint8_t *bytes, size_t n)
{
    size_t at = 2;

    if (n < 2 || bytes[0] & 0x80)
        return 0;
    for (uint32_t fields = get_be(bytes, 2); fields > 0; fields--) {
        if (n - at < 4)
            return 0;
        uint32_t field = get_be(bytes + at, 4);
        at += 4;
        if (field == UINT32_MAX)
            continue;
        if (field > INT32_MAX || n - at < field)
            return 0;
        at += field;
    }
    return at;
}

/* Hands over the bytes in bodies of `body` bytes, of which the last has no MORE. False as soon as one is
 * refused. */
static bool add(struct digest *d, const uint8_t *bytes, size_t n, size_t body)
{
    struct tuple t = {0};

    for (size_t at = 0; at < n; at += body) {
        size_t piece = n - at < body ? n - at : body;
        bool more = false;
        for (size_t used, k = 0; k < piece; k += used) {
            enum tuple_state state = tuple_read(&t, bytes + at + k, piece - k, &used);
            MUST(used <= piece - k);
            if (state == TUPLE_BAD)
                break;
            more = state == TUPLE_OPEN;
            MUST(used > 0 && (!more || used == piece - k));
        }
        if (!digest_add(d, bytes + at, piece, more && at + piece < n))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct digest plain, cut;
    char a[DIGEST_TEXT_MAX], b[DIGEST_TEXT_MAX];
    size_t at = 0, size;

    if (n < 1)
        return 0;
    size_t body = (size_t)bytes[0] + 1;
    bytes++;
    n--;
    digest_begin(&plain, DIGEST_TUPLES);
    digest_begin(&cut, DIGEST_TUPLES);
    for (; at < n && (size = length(bytes + at, n - at)) > 0; at += size)
        digest_row(&plain, bytes + at, size);
    bool taken = add(&cut, bytes, n, body);
    MUST(taken == (at == n));
    if (taken) {
        MUST(cut.rows == plain.rows && cut.bytes == n && !cut.open);
        MUST(strcmp(digest_text(&plain, a), digest_text(&cut, b)) == 0);
    }
    digest_free(&cut);
    return 0;
}
