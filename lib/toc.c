#include "toc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "mem.h"

enum {
    OLDEST = 12, /* minor versions of the format, whose major one is 1 */
    NEWEST = 16,
    CUSTOM = 1,       /* archCustom in pg_backup.h */
    TIME_PARTS = 7,   /* second, minute, hour, day, month, year, daylight saving */
    LEAST_ENTRY = 40, /* bytes that every entry takes at least, and more */
};

/* What is left to read. `bad` stays once it is set, and all that is read from then on is 0 or "". */
struct in {
    const uint8_t *p, *end;
    size_t int_size, offset_size;
    int minor;
    bool bad;
};

static const uint8_t *take(struct in *in, size_t n)
{
    if (in->bad || (size_t)(in->end - in->p) < n) {
        in->bad = true;
        return NULL;
    }
    in->p += n;
    return in->p - n;
}

static int take_byte(struct in *in)
{
    const uint8_t *p = take(in, 1);

    return p ? *p : 0;
}

/* WriteInt(): a sign, and the bytes of the absolute value, the lowest first. */
static int take_int(struct in *in)
{
    const uint8_t *p = take(in, 1 + in->int_size);
    uint64_t value = 0;

    for (size_t i = in->int_size; p && i > 0; i--)
        value = value << 8 | p[i];
    if (value > INT_MAX) {
        in->bad = true;
        return 0;
    }
    return p && p[0] ? -(int)value : (int)value;
}

/* WriteStr(): the length, -1 for NULL, and the bytes. False: NULL, or bad. */
static bool take_text(struct in *in, const uint8_t **text, size_t *n)
{
    int length = take_int(in);

    *n = length > 0 ? (size_t)length : 0;
    *text = take(in, *n);
    return length >= 0 && !in->bad;
}

static void skip_text(struct in *in)
{
    const uint8_t *text;
    size_t n;

    take_text(in, &text, &n);
}

/* Never NULL; owned by the caller. */
static char *take_string(struct in *in)
{
    const uint8_t *text;
    size_t n;

    if (!take_text(in, &text, &n))
        n = 0;
    if (n > 0 && memchr(text, 0, n))
        in->bad = true;
    char *s = xmalloc(n + 1);
    if (n > 0)
        memcpy(s, text, n);
    s[n] = '\0';
    return s;
}

/* A number that is written as text. */
static uint32_t take_number(struct in *in)
{
    char *s = take_string(in);
    uint64_t value = 0;

    if (!parse_u64(s, &value) || value > UINT32_MAX)
        in->bad = true;
    free(s);
    return in->bad ? 0 : (uint32_t)value;
}

/* WriteHead(). Leaves `in` behind the compression, at the time. */
static void take_version(struct in *in)
{
    const uint8_t *magic = take(in, 5);

    if (!magic || memcmp(magic, "PGDMP", 5) != 0 || take_byte(in) != 1)
        in->bad = true;
    in->minor = take_byte(in);
    take_byte(in); /* revision */
    in->int_size = (size_t)take_byte(in);
    in->offset_size = (size_t)take_byte(in);
    if (in->minor < OLDEST || in->minor > NEWEST || (in->int_size != 4 && in->int_size != 8) ||
        in->offset_size > 8 || take_byte(in) != CUSTOM)
        in->bad = true;
    if (in->minor >= 15)
        take_byte(in); /* the compression's method; up to then its level */
    else
        take_int(in);
}

/* Ids as text; NULL ends them. */
static void take_needs(struct in *in, struct toc_entry *e)
{
    const uint8_t *text;
    size_t n, room = 0;

    while (take_text(in, &text, &n)) {
        char digits[12];
        uint64_t id;
        snprintf(digits, sizeof digits, "%.*s", (int)(n < 11 ? n : 11), (const char *)text);
        if (!parse_u64(digits, &id) || id > INT_MAX) {
            in->bad = true;
            return;
        }
        if (e->need_count == room)
            e->needs = xrealloc(e->needs, room = room ? room * 2 : 4, sizeof e->needs[0]);
        e->needs[e->need_count++] = (int)id;
    }
}

static void take_entry(struct in *in, struct toc_entry *e)
{
    e->id = take_int(in);
    take_int(in); /* is there data? */
    e->catalog = take_number(in);
    e->oid = take_number(in);
    e->name = take_string(in);
    e->type = take_string(in);
    take_int(in); /* section */
    for (int i = 0; i < 3; i++)
        skip_text(in); /* definition, DROP, COPY */
    e->schema = take_string(in);
    skip_text(in); /* tablespace */
    if (in->minor >= 14)
        skip_text(in); /* access method */
    if (in->minor >= 16)
        take_int(in); /* kind of relation */
    e->owner = take_string(in);
    skip_text(in); /* WITH OIDS, of old */
    take_needs(in, e);
    take(in, 1 + in->offset_size); /* where its data are */
    if (e->id < 1)
        in->bad = true;
}

static int compare_ids(const void *a, const void *b)
{
    int x = (*(struct toc_entry *const *)a)->id, y = (*(struct toc_entry *const *)b)->id;

    return (x > y) - (x < y);
}

static void sort_ids(struct toc *t)
{
    t->by_id = xcalloc(t->count, sizeof t->by_id[0]);
    for (size_t i = 0; i < t->count; i++)
        t->by_id[i] = &t->entry[i];
    qsort(t->by_id, t->count, sizeof t->by_id[0], compare_ids);
}

struct toc_entry *toc_find(const struct toc *t, int id)
{
    const struct toc_entry wanted = {.id = id}, *key = &wanted;
    struct toc_entry **found = bsearch(&key, t->by_id, t->count, sizeof key, compare_ids);

    return found ? *found : NULL;
}

bool toc_decode(struct toc *t, const void *bytes, size_t n)
{
    struct in in = {.p = bytes, .end = (const uint8_t *)bytes + n};

    *t = (struct toc){0};
    take_version(&in);
    for (int i = 0; i < TIME_PARTS; i++)
        take_int(&in);
    for (int i = 0; i < 3; i++)
        skip_text(&in); /* the database, the server's version, pg_dump's version */
    int count = take_int(&in);
    if (in.bad || count < 0 || (size_t)count > n / LEAST_ENTRY)
        return false;
    t->entry = xcalloc((size_t)count, sizeof t->entry[0]);
    for (; t->count < (size_t)count && !in.bad; t->count++)
        take_entry(&in, &t->entry[t->count]);
    if (in.bad) {
        toc_free(t);
        return false;
    }
    sort_ids(t);
    return true;
}

void toc_free(struct toc *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->entry[i].type);
        free(t->entry[i].schema);
        free(t->entry[i].name);
        free(t->entry[i].owner);
        free(t->entry[i].needs);
    }
    free(t->by_id);
    free(t->entry);
    *t = (struct toc){0};
}

static void put_int(uint8_t *p, size_t size, int value)
{
    p[0] = value < 0;
    for (size_t i = 0; i < size; i++)
        p[1 + i] = i < 4 ? (uint8_t)((unsigned)(value < 0 ? -value : value) >> (8 * i)) : 0;
}

bool toc_set_time(uint8_t *bytes, size_t n, const char *created)
{
    struct in in = {.p = bytes, .end = bytes + n};
    int year, month, day, hour, minute, second;

    take_version(&in);
    size_t at = (size_t)(in.p - bytes);
    take(&in, TIME_PARTS * (1 + in.int_size));
    if (in.bad || sscanf(created, "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour, &minute, &second) != 6)
        return false;
    const int parts[TIME_PARTS] = {second, minute, hour, day, month - 1, year - 1900, 0};
    for (int i = 0; i < TIME_PARTS; i++, at += 1 + in.int_size)
        put_int(bytes + at, in.int_size, parts[i]);
    return true;
}
