/* Archives: their table of contents, what is picked from it, and their time. The first byte says what is
 * asked for: as seed of a wish for each entry. */
#include "fuzz.h"

#include <string.h>

#include "mem.h"
#include "pick.h"
#include "toc.h"

enum { MOST_ENTRIES = 2000 };

static void check_toc(const struct toc *t, size_t n)
{
    MUST(t->count <= n / 40);
    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *e = &t->entry[i], *found = toc_find(t, e->id);
        MUST(e->id > 0 && found && found->id == e->id);
        MUST(strlen(e->type) + strlen(e->name) + strlen(e->schema) + strlen(e->owner) <= n);
        MUST(e->need_count <= n / 6);
        for (size_t k = 0; k < e->need_count; k++)
            MUST(e->needs[k] >= 0);
        MUST(i == 0 || t->by_id[i - 1]->id <= t->by_id[i]->id);
    }
}

/* What is wanted has what it needs, and nothing refused comes. */
static void check_picks(const struct toc *t, const enum pick *in, const enum pick *out)
{
    const struct toc_entry **parent = pick_parents(t);

    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *e = &t->entry[i];
        MUST(in[i] != PICK_REFUSED || out[i] == PICK_REFUSED);
        MUST(in[i] != PICK_WANTED || out[i] == PICK_WANTED || out[i] == PICK_REFUSED);
        MUST(out[i] != PICK_LACKING || pick_belongs(e) || strcmp(e->type, "SEQUENCE") == 0);
        for (size_t k = 0; k < e->need_count; k++) {
            const struct toc_entry *n = toc_find(t, e->needs[k]);
            if (!n || parent[i] == n) /* a partition is made as a table, and then attached */
                continue;
            MUST(out[i] != PICK_WANTED || out[n - t->entry] == PICK_WANTED);
            MUST(out[n - t->entry] != PICK_REFUSED || out[i] == PICK_REFUSED);
        }
    }
    free(parent);
}

static void pick_some(const struct toc *t, uint8_t seed)
{
    static const enum pick wishes[] = {PICK_NOTHING, PICK_WANTED, PICK_NOTHING, PICK_REFUSED};
    enum pick *in = xcalloc(t->count, sizeof in[0]), *out = xcalloc(t->count, sizeof out[0]);

    for (size_t i = 0; i < t->count; i++)
        in[i] = out[i] = wishes[(seed >> (2 * (i % 4))) & 3];
    pick(t, out);
    check_picks(t, in, out);
    free(in);
    free(out);
}

/* The time is all that changes, and the archive is as good or bad as it was. */
static void check_time(const uint8_t *bytes, size_t n, bool good)
{
    uint8_t *copy = xmalloc(n);
    struct toc t;

    if (n > 0)
        memcpy(copy, bytes, n);
    if (toc_set_time(copy, n, "2026-11-22T02:17:09Z")) {
        for (size_t i = 0; i < n; i++)
            MUST(copy[i] == bytes[i] || (i > 10 && i < 83));
        if (good) {
            MUST(toc_decode(&t, copy, n));
            toc_free(&t);
        }
    } else {
        MUST(!good);
        MUST(n == 0 || memcmp(copy, bytes, n) == 0);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct toc t;

    if (n < 1)
        return 0;
    bool good = toc_decode(&t, bytes + 1, n - 1);
    check_time(bytes + 1, n - 1, good);
    if (!good) {
        MUST(t.entry == NULL && t.count == 0);
        return 0;
    }
    check_toc(&t, n - 1);
    if (t.count <= MOST_ENTRIES)
        pick_some(&t, bytes[0]);
    toc_free(&t);
    return 0;
}
