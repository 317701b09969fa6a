/* Fields: what is taken is the one encoding of what it means; any value can be encoded and comes back. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "head.h"
#include "json.h"

static void check_lines(const uint8_t *bytes, size_t n)
{
    struct fields f = {0};
    struct buf again = {0};
    enum fields_err e = fields_decode(&f, bytes, n);

    MUST(*fields_strerror(e));
    fields_encode(&f, &again);
    MUST(e == FIELDS_OK ? again.len == n : again.len < n);
    MUST(again.len == 0 || memcmp(again.data, bytes, again.len) == 0);
    buf_free(&again);
    fields_free(&f);
}

static void check_plain_text(const struct buf *b)
{
    for (size_t i = 0; i < b->len; i++)
        MUST(b->data[i] >= 0x20 && b->data[i] != 0x7f);
}

static void check_value(const char *value)
{
    struct fields f = {0}, back = {0};
    struct buf line = {0};
    struct json j = {0};

    fields_encode_value(value, &line);
    check_plain_text(&line);
    line.len = 0;
    fields_add(&f, "v", value);
    fields_encode(&f, &line);
    MUST(fields_decode(&back, line.data, line.len) == FIELDS_OK);
    MUST(back.count == 1 && strcmp(fields_get(&back, "v"), value) == 0);
    json_string(&j, NULL, value);
    check_plain_text(&j.out);
    buf_free(&j.out);
    buf_free(&line);
    fields_free(&f);
    fields_free(&back);
}

static void check_others(const char *text)
{
    uint64_t number;
    char label[LABEL_MAX + 1], decimal[30];
    uint8_t bytes[8];

    if (parse_u64(text, &number)) {
        snprintf(decimal, sizeof decimal, "%llu", (unsigned long long)number);
        MUST(strcmp(decimal, text) == 0);
    }
    if (parse_hex(text, bytes, sizeof bytes)) {
        format_hex(bytes, sizeof bytes, decimal);
        MUST(strcmp(decimal, text) == 0);
    }
    label_from_name(text, label);
    MUST(label_is_right(label));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = xmalloc(n + 1);

    if (n > 0)
        memcpy(text, bytes, n);
    text[n] = '\0';
    check_lines(bytes, n);
    check_value(text);
    check_others(text);
    free(text);
    return 0;
}
