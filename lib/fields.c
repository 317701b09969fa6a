#include "fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

const char *fields_strerror(enum fields_err e)
{
    switch (e) {
    case FIELDS_OK:
        return "no error";
    case FIELDS_NO_NEWLINE:
        return "its last line does not end";
    case FIELDS_NAME:
        return "it has a line without a right name";
    case FIELDS_COLON:
        return "it has a name without ': ' behind it";
    case FIELDS_VALUE:
        return "it has a value that is not encoded as it must be";
    }
    bug();
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static size_t name_length(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && name_char(s[i]))
        i++;
    return i;
}

/* How many bytes of valid UTF-8 that is no control character stand at `s`: 0 where a byte must be written
 * \xHH. The ranges are those of RFC 3629, section 4 (no overlong forms, no surrogates, nothing above
 * U+10FFFF). */
static size_t plain_utf8(const uint8_t *s, size_t n)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t more;

    if (s[0] < 0x80)
        return s[0] >= 0x20 && s[0] != 0x7f;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        more = 1;
        if (s[0] == 0xc2)
            low = 0xa0; /* U+0080..U+009F are control characters */
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        more = 2;
        if (s[0] == 0xe0)
            low = 0xa0;
        if (s[0] == 0xed)
            high = 0x9f;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        more = 3;
        if (s[0] == 0xf0)
            low = 0x90;
        if (s[0] == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (n < more + 1 || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i <= more; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return more + 1;
}

void fields_encode_value(const char *value, struct buf *out)
{
    const uint8_t *s = (const uint8_t *)value;
    size_t n = strlen(value), step;

    for (size_t i = 0; i < n; i += step) {
        step = plain_utf8(s + i, n - i);
        if (s[i] == '\\')
            buf_adds(out, "\\\\");
        else if (step)
            buf_add(out, s + i, step);
        else if (s[i] == '\n')
            buf_adds(out, "\\n");
        else if (s[i] == '\t')
            buf_adds(out, "\\t");
        else
            buf_addf(out, "\\x%02x", s[i]);
        if (!step)
            step = 1;
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Decodes one escape, at the backslash. Returns its length, or 0 if it is none. */
static size_t decode_escape(const char *s, size_t n, char *c)
{
    if (n >= 2 && s[1] == 'n')
        return *c = '\n', 2;
    if (n >= 2 && s[1] == 't')
        return *c = '\t', 2;
    if (n >= 2 && s[1] == '\\')
        return *c = '\\', 2;
    if (n < 4 || s[1] != 'x' || hex_digit(s[2]) < 0 || hex_digit(s[3]) < 0)
        return 0;
    *c = (char)(hex_digit(s[2]) << 4 | hex_digit(s[3]));
    return *c ? 4 : 0;
}

/* Decodes `n` bytes into `value`, which has room for n + 1. True only if encoding that again gives the same
 * bytes. */
static bool decode_value(const char *s, size_t n, char *value)
{
    struct buf again = {0};
    size_t len = 0, step;

    for (size_t i = 0; i < n; i += step) {
        step = 1;
        value[len] = s[i];
        if (s[i] == '\\')
            step = decode_escape(s + i, n - i, &value[len]);
        if (step == 0 || value[len] == '\0')
            return false;
        len++;
    }
    value[len] = '\0';
    fields_encode_value(value, &again);
    bool same = again.len == n && (n == 0 || memcmp(again.data, s, n) == 0);
    buf_free(&again);
    return same;
}

/* Takes over name and value. */
static void insert_line(struct fields *f, size_t at, char *name, char *value)
{
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 16;
        f->line = xrealloc(f->line, f->cap, sizeof f->line[0]);
    }
    memmove(&f->line[at + 1], &f->line[at], (f->count - at) * sizeof f->line[0]);
    f->line[at] = (struct field){.name = name, .value = value};
    f->count++;
}

static char *copy_string(const char *s, size_t n)
{
    char *copy = xmalloc(n + 1);

    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

static enum fields_err decode_line(struct fields *f, const char *s, size_t n)
{
    size_t name = name_length(s, n);

    if (name == 0 || name > NAME_MAX_BYTES)
        return FIELDS_NAME;
    if (n < name + 2 || s[name] != ':' || s[name + 1] != ' ')
        return FIELDS_COLON;
    char *value = xmalloc(n - name - 1);
    if (!decode_value(s + name + 2, n - name - 2, value)) {
        free(value);
        return FIELDS_VALUE;
    }
    insert_line(f, f->count, copy_string(s, name), value);
    return FIELDS_OK;
}

enum fields_err fields_decode(struct fields *f, const void *bytes, size_t n)
{
    const char *s = bytes;

    while (n > 0) {
        const char *newline = memchr(s, '\n', n);
        if (!newline)
            return FIELDS_NO_NEWLINE;
        enum fields_err e = decode_line(f, s, (size_t)(newline - s));
        if (e)
            return e;
        n -= (size_t)(newline + 1 - s);
        s = newline + 1;
    }
    return FIELDS_OK;
}

void fields_encode(const struct fields *f, struct buf *out)
{
    for (size_t i = 0; i < f->count; i++) {
        buf_adds(out, f->line[i].name);
        buf_adds(out, ": ");
        fields_encode_value(f->line[i].value, out);
        buf_addc(out, '\n');
    }
}

void fields_insert(struct fields *f, size_t at, const char *name, const char *value)
{
    size_t n = strlen(name);

    if (n == 0 || n > NAME_MAX_BYTES || name_length(name, n) != n || at > f->count)
        bug();
    insert_line(f, at, xstrdup(name), xstrdup(value));
}

void fields_add(struct fields *f, const char *name, const char *value)
{
    fields_insert(f, f->count, name, value);
}

void fields_addf(struct fields *f, const char *name, const char *fmt, ...)
{
    struct buf value = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vaddf(&value, fmt, ap);
    va_end(ap);
    fields_add(f, name, buf_str(&value));
    buf_free(&value);
}

void fields_remove(struct fields *f, size_t at)
{
    if (at >= f->count)
        bug();
    free(f->line[at].name);
    free(f->line[at].value);
    f->count--;
    memmove(&f->line[at], &f->line[at + 1], (f->count - at) * sizeof f->line[0]);
}

const char *fields_get(const struct fields *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->line[i].name, name) == 0)
            return f->line[i].value;
    return NULL;
}

size_t fields_count(const struct fields *f, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < f->count; i++)
        n += strcmp(f->line[i].name, name) == 0;
    return n;
}

const char *fields_twice(const struct fields *f, const char *const names[])
{
    for (; *names; names++)
        if (fields_count(f, *names) > 1)
            return *names;
    return NULL;
}

bool fields_get_u64(const struct fields *f, const char *name, uint64_t *value)
{
    const char *s = fields_get(f, name);

    return s && parse_u64(s, value);
}

void fields_free(struct fields *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->line[i].name);
        free(f->line[i].value);
    }
    free(f->line);
    *f = (struct fields){0};
}

bool parse_u64(const char *s, uint64_t *value)
{
    uint64_t v = 0;

    if (*s == '\0' || (*s == '0' && s[1] != '\0'))
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        uint64_t digit = (uint64_t)(*s - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *value = v;
    return true;
}

bool parse_hex(const char *s, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(s[2 * i]);
        int low = high < 0 ? -1 : hex_digit(s[2 * i + 1]);
        if (low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return s[2 * n] == '\0';
}

void format_hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}
