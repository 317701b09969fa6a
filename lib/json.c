#include "json.h"

#include <inttypes.h>
#include <string.h>

#include "fields.h"

/* Only what RFC 8259, section 7, wants escaped; fields_encode_value() has left no control character. */
static void add_quoted(struct buf *out, const char *s)
{
    buf_addc(out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_addc(out, '\\');
        buf_addc(out, *s);
    }
    buf_addc(out, '"');
}

static void begin(struct json *j, const char *name)
{
    if (j->comma)
        buf_addc(&j->out, ',');
    if (name) {
        add_quoted(&j->out, name);
        buf_addc(&j->out, ':');
    }
    j->comma = true;
}

static void open_with(struct json *j, const char *name, char bracket)
{
    begin(j, name);
    buf_addc(&j->out, bracket);
    j->comma = false;
}

static void close_with(struct json *j, char bracket)
{
    buf_addc(&j->out, bracket);
    j->comma = true;
}

void json_object(struct json *j, const char *name)
{
    open_with(j, name, '{');
}

void json_object_end(struct json *j)
{
    close_with(j, '}');
}

void json_array(struct json *j, const char *name)
{
    open_with(j, name, '[');
}

void json_array_end(struct json *j)
{
    close_with(j, ']');
}

void json_string(struct json *j, const char *name, const char *value)
{
    struct buf plain = {0};

    begin(j, name);
    fields_encode_value(value, &plain);
    add_quoted(&j->out, buf_str(&plain));
    buf_free(&plain);
}

void json_u64(struct json *j, const char *name, uint64_t value)
{
    begin(j, name);
    buf_addf(&j->out, "%" PRIu64, value);
}

void json_bool(struct json *j, const char *name, bool value)
{
    begin(j, name);
    buf_adds(&j->out, value ? "true" : "false");
}

void json_end_line(struct json *j)
{
    buf_addc(&j->out, '\n');
    j->comma = false;
}
