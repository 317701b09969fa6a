#include "tuple.h"

const uint8_t copy_header[COPY_HEADER_BYTES] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n'};
const uint8_t copy_trailer[COPY_TRAILER_BYTES] = {0xff, 0xff};

static const uint32_t null_length = UINT32_MAX; /* -1 */

/* Takes what is there of a number of `size` bytes. False: it goes on. */
static bool take_number(struct tuple *t, uint8_t size, const uint8_t **p, const uint8_t *end,
                        uint32_t *number)
{
    while (t->have < size && *p < end)
        t->number[t->have++] = *(*p)++;
    if (t->have < size)
        return false;
    *number = 0;
    for (uint8_t i = 0; i < size; i++)
        *number = *number << 8 | t->number[i];
    t->have = 0;
    return true;
}

static enum tuple_state read_count(struct tuple *t, const uint8_t **p, const uint8_t *end)
{
    if (!take_number(t, 2, p, end, &t->fields))
        return TUPLE_OPEN;
    t->counted = true;
    return t->fields <= INT16_MAX ? TUPLE_WHOLE : TUPLE_BAD;
}

/* A field: its length, unless that has been read, and its bytes. */
static enum tuple_state read_field(struct tuple *t, const uint8_t **p, const uint8_t *end)
{
    if (t->value == 0) {
        if (!take_number(t, 4, p, end, &t->value))
            return TUPLE_OPEN;
        t->fields--;
        if (t->value == null_length)
            t->value = 0;
        if (t->value > INT32_MAX)
            return TUPLE_BAD;
    }
    size_t there = (size_t)(end - *p), n = t->value < there ? t->value : there;
    *p += n;
    t->value -= (uint32_t)n;
    return t->value == 0 ? TUPLE_WHOLE : TUPLE_OPEN;
}

enum tuple_state tuple_read(struct tuple *t, const uint8_t *bytes, size_t n, size_t *used)
{
    const uint8_t *p = bytes, *end = bytes + n;
    enum tuple_state state = t->counted ? TUPLE_WHOLE : read_count(t, &p, end);

    while (state == TUPLE_WHOLE && (t->fields > 0 || t->value > 0))
        state = read_field(t, &p, end);
    if (state == TUPLE_WHOLE)
        *t = (struct tuple){0};
    *used = (size_t)(p - bytes);
    return state;
}
