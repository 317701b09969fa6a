#include "head.h"

#include <string.h>

const char *head_strerror(enum head_err e)
{
    switch (e) {
    case HEAD_OK:
        return "no error";
    case HEAD_FIELDS:
        return "HEAD is not lines of 'name: value'";
    case HEAD_FORMAT:
        return "HEAD does not begin with its format";
    case HEAD_NEWER:
        return "a format that this bk does not know: made by a newer bk";
    case HEAD_TWICE:
        return "HEAD says twice what it may say once";
    case HEAD_ID:
        return "HEAD has no right id";
    case HEAD_KIND:
        return "HEAD has no kind";
    case HEAD_CREATED:
        return "HEAD has no right time of creation";
    case HEAD_LABEL:
        return "HEAD's label is none";
    case HEAD_ORDER:
        return "HEAD has a line where it must not be";
    }
    bug();
}

/* "2026-11-22T16:08:38Z": each digit of the picture stands for any digit. */
static bool right_time(const char *s)
{
    static const char picture[] = "0000-00-00T00:00:00Z";

    for (size_t i = 0; i < sizeof picture; i++) {
        bool digit = s[i] >= '0' && s[i] <= '9';
        if (picture[i] == '0' ? !digit : s[i] != picture[i])
            return false;
    }
    return true;
}

/* How many lines the record has. */
static size_t record_lines(const struct head *h)
{
    static const char *const after[] = {"commit", "sign", "quiet", "slot", "slots-mac", "pad", "partial"};

    for (size_t i = 0; i < h->fields.count; i++)
        for (size_t j = 0; j < sizeof after / sizeof after[0]; j++)
            if (strcmp(h->fields.line[i].name, after[j]) == 0)
                return i;
    return h->fields.count;
}

/* No line of the record stands behind it, where nothing vouches for it. */
static bool record_is_apart(const struct head *h)
{
    static const char *const names[] = {"format",  "id",   "kind",     "created", "label", "tag",
                                        "made-by", "host", "estimate", "base",    "step"};

    for (size_t i = record_lines(h); i < h->fields.count; i++)
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
            if (strcmp(h->fields.line[i].name, names[j]) == 0)
                return false;
    return true;
}

enum head_err head_decode(struct head *h, const void *bytes, size_t n)
{
    static const char *const single[] = {"format",  "id",        "kind",     "created", "label",
                                         "made-by", "host",      "estimate", "commit",  "sign",
                                         "quiet",   "slots-mac", "pad",      "partial", NULL};
    uint8_t id[ID_HEX / 2];

    *h = (struct head){0};
    if (fields_decode(&h->fields, bytes, n) != FIELDS_OK)
        return HEAD_FIELDS;
    if (h->fields.count == 0 || strcmp(h->fields.line[0].name, "format") != 0)
        return HEAD_FORMAT;
    if (strcmp(h->fields.line[0].value, "1") != 0)
        return HEAD_NEWER;
    if (fields_twice(&h->fields, single))
        return HEAD_TWICE;
    if (!head_id(h) || !parse_hex(head_id(h), id, sizeof id))
        return HEAD_ID;
    if (!head_kind(h))
        return HEAD_KIND;
    const char *created = fields_get(&h->fields, "created");
    if (!created || !right_time(created))
        return HEAD_CREATED;
    const char *label = fields_get(&h->fields, "label");
    if (label && !label_is_right(label))
        return HEAD_LABEL;
    return record_is_apart(h) ? HEAD_OK : HEAD_ORDER;
}

void head_encode(const struct head *h, struct buf *out)
{
    fields_encode(&h->fields, out);
}

void head_copy(struct head *to, const struct head *from)
{
    *to = (struct head){0};
    for (size_t i = 0; i < from->fields.count; i++)
        fields_add(&to->fields, from->fields.line[i].name, from->fields.line[i].value);
}

void head_free(struct head *h)
{
    fields_free(&h->fields);
}

const char *head_id(const struct head *h)
{
    return fields_get(&h->fields, "id");
}

const char *head_kind(const struct head *h)
{
    return fields_get(&h->fields, "kind");
}

bool head_kind_is(const struct head *h, const char *kind)
{
    return strcmp(head_kind(h), kind) == 0;
}

bool head_partial(const struct head *h)
{
    return fields_get(&h->fields, "partial") != NULL;
}

void head_record(const struct head *h, struct buf *out)
{
    struct fields record = {.line = h->fields.line, .count = record_lines(h)};

    fields_encode(&record, out);
}

size_t head_steps(const struct head *h)
{
    return fields_count(&h->fields, "step");
}

/* The line of the last step, or the number of lines if there is none. */
static size_t last_step_line(const struct head *h)
{
    for (size_t i = h->fields.count; i > 0; i--)
        if (strcmp(h->fields.line[i - 1].name, "step") == 0)
            return i - 1;
    return h->fields.count;
}

const char *head_last_step(const struct head *h)
{
    size_t at = last_step_line(h);

    return at < h->fields.count ? h->fields.line[at].value : NULL;
}

void head_push_step(struct head *h, const char *step)
{
    fields_insert(&h->fields, record_lines(h), "step", step);
}

void head_pop_step(struct head *h)
{
    fields_remove(&h->fields, last_step_line(h));
}

bool step_is(const char *step, const char *word)
{
    size_t n = strlen(word);

    return strncmp(step, word, n) == 0 && (step[n] == ' ' || step[n] == '\0');
}

bool step_has_only(const char *step, const char *word, const char *key)
{
    size_t n = strlen(word), k = strlen(key);
    uint64_t value;

    if (!step_is(step, word) || step[n] == '\0')
        return step_is(step, word);
    return strncmp(step + n + 1, key, k) == 0 && step[n + 1 + k] == '=' &&
           parse_u64(step + n + 2 + k, &value);
}

bool head_items_readable(const struct head *h)
{
    for (size_t i = 0; i < h->fields.count; i++)
        if (strcmp(h->fields.line[i].name, "step") == 0 && !step_is(h->fields.line[i].value, "gzip") &&
            !step_is(h->fields.line[i].value, "zstd"))
            return false;
    return true;
}

const char *step_undone_by(const char *step)
{
    if (step_is(step, "gzip"))
        return "bk-gz -d";
    if (step_is(step, "zstd"))
        return "bk-zstd -d";
    if (step_is(step, "seal"))
        return "bk-seal -d";
    return NULL;
}

static bool label_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

void label_from_name(const char *name, char *label)
{
    size_t n = 0;

    for (; *name && n < LABEL_MAX; name++)
        label[n++] = label_char(*name) ? *name : '_';
    if (n == 0)
        label[n++] = '_';
    if (label[0] == '.')
        label[0] = '_';
    label[n] = '\0';
}

bool label_is_right(const char *label)
{
    size_t n = strlen(label);

    for (size_t i = 0; i < n; i++)
        if (!label_char(label[i]))
            return false;
    return n >= 1 && n <= LABEL_MAX && label[0] != '.';
}
