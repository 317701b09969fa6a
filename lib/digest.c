#include "digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "fields.h"
#include "msg.h"

void digest_begin(struct digest *d, enum digest_kind kind)
{
    *d = (struct digest){.kind = kind};
}

static void add_hash(struct digest *d, XXH128_hash_t h)
{
    d->low += h.low64;
    d->high += h.high64 + (d->low < h.low64);
    d->rows++;
}

static void open_add(struct digest *d, const void *bytes, size_t n)
{
    if (!d->open) {
        d->open = XXH3_createState();
        if (!d->open || XXH3_128bits_reset(d->open) == XXH_ERROR)
            die(FAILED, "out of memory");
    }
    if (XXH3_128bits_update(d->open, bytes, n) == XXH_ERROR)
        bug();
}

void digest_row(struct digest *d, const void *row, size_t n)
{
    add_hash(d, XXH3_128bits(row, n));
    d->bytes += n;
}

/* Adds the next bytes of a row, to its end if it `ends` with them. */
static void add_piece(struct digest *d, const void *bytes, size_t n, bool ends)
{
    if (!d->open && ends) {
        digest_row(d, bytes, n);
        return;
    }
    open_add(d, bytes, n);
    d->bytes += n;
    if (ends) {
        add_hash(d, XXH3_128bits_digest(d->open));
        digest_free(d);
    }
}

static void add_rows(struct digest *d, const char *s, size_t n)
{
    while (n > 0) {
        const char *newline = memchr(s, '\n', n);
        size_t len = newline ? (size_t)(newline + 1 - s) : n;
        add_piece(d, s, len, newline);
        s += len;
        n -= len;
    }
}

static bool add_tuples(struct digest *d, const uint8_t *s, size_t n)
{
    while (n > 0) {
        size_t len;
        enum tuple_state state = tuple_read(&d->tuple, s, n, &len);
        if (state == TUPLE_BAD)
            return false;
        add_piece(d, s, len, state == TUPLE_WHOLE);
        s += len;
        n -= len;
    }
    return true;
}

bool digest_add(struct digest *d, const void *body, size_t n, bool more)
{
    if (d->kind == DIGEST_BYTES) {
        open_add(d, body, n);
        d->bytes += n;
        return !more;
    }
    if (d->kind == DIGEST_ROWS)
        add_rows(d, body, n);
    else if (!add_tuples(d, body, n))
        return false;
    return more == (d->open != NULL);
}

void digest_merge(struct digest *d, const struct digest *part)
{
    d->low += part->low;
    d->high += part->high + (d->low < part->low);
    d->rows += part->rows;
    d->bytes += part->bytes;
}

char *digest_text(const struct digest *d, char out[DIGEST_TEXT_MAX])
{
    XXH128_hash_t h = {.low64 = d->low, .high64 = d->high};

    if (d->kind == DIGEST_BYTES)
        h = d->open ? XXH3_128bits_digest(d->open) : XXH3_128bits("", 0);
    snprintf(out, DIGEST_TEXT_MAX, "%s %016" PRIx64 "%016" PRIx64,
             d->kind == DIGEST_BYTES ? "xxh3-128" : "xxh3-128-sum", (uint64_t)h.high64, (uint64_t)h.low64);
    return out;
}

bool digest_parse(const char *text, struct digest *d)
{
    static const char kind[] = "xxh3-128-sum ";
    enum { KIND = sizeof kind - 1 };
    uint8_t sum[16];

    digest_begin(d, DIGEST_ROWS);
    if (strncmp(text, kind, KIND) != 0 || !parse_hex(text + KIND, sum, sizeof sum))
        return false;
    for (size_t i = 0; i < 8; i++) {
        d->high = d->high << 8 | sum[i];
        d->low = d->low << 8 | sum[8 + i];
    }
    return true;
}

void digest_free(struct digest *d)
{
    XXH3_freeState(d->open);
    d->open = NULL;
}
