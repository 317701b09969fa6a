/* psql's patterns: what is taken is an expression that is anchored at both ends; and any name can be asked
 * for in quotes. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "mem.h"
#include "pattern.h"

/* Between its ends, without the backslashes in front of what they escape. */
static void unescape(const char *regex, struct buf *text)
{
    size_t n = strlen(regex);

    text->len = 0;
    for (size_t i = 2; i + 2 < n; i++) {
        i += regex[i] == '\\' && i + 3 < n;
        buf_addc(text, regex[i]);
    }
}

static void check_ends(const char *regex)
{
    size_t n = strlen(regex);

    MUST(n >= 4 && strncmp(regex, "^(", 2) == 0 && strcmp(regex + n - 2, ")$") == 0);
}

static size_t count(const char *text, char c)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == c;
    return n;
}

/* Of quotes only pairs within others are left: one of each. */
static size_t meant_quotes(const char *text)
{
    bool quoted = false;
    size_t n = 0;

    for (; *text; text++) {
        if (*text != '"')
            continue;
        if (quoted && text[1] == '"') {
            n++;
            text++;
        } else {
            quoted = !quoted;
        }
    }
    return n;
}

/* Outside of quotes nothing is lost but the quotes; no capital letter and no dollar is left as it was. */
static void check_text(const char *text)
{
    struct pattern p;

    if (!pattern_parse(&p, text)) {
        MUST(!p.schema && !p.name);
        return;
    }
    MUST(*text);
    check_ends(p.name);
    if (p.schema)
        check_ends(p.schema);
    MUST(count(p.name, '"') + (p.schema ? count(p.schema, '"') : 0) == meant_quotes(text));
    MUST(count(text, '"') % 2 == 0);
    MUST(strlen(p.name) + (p.schema ? strlen(p.schema) : 0) <= 2 * strlen(text) + 8);
    for (const char *c = p.name; *c && !strchr(text, '"'); c++)
        MUST(*c < 'A' || *c > 'Z');
    pattern_free(&p);
}

static void add_quoted(const char *name, struct buf *text)
{
    buf_addc(text, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_addc(text, '"');
        buf_addc(text, *name);
    }
    buf_addc(text, '"');
}

/* In quotes every name means itself, as schema and as name. */
static void check_name(const char *name)
{
    struct buf text = {0}, back = {0};
    struct pattern p;

    add_quoted(name, &text);
    MUST(pattern_parse(&p, buf_str(&text)));
    MUST(!p.schema);
    pattern_free(&p);
    buf_addc(&text, '.');
    add_quoted(name, &text);
    MUST(pattern_parse(&p, buf_str(&text)));
    MUST(p.schema && strcmp(p.schema, p.name) == 0);
    unescape(p.name, &back);
    MUST(strcmp(buf_str(&back), name) == 0);
    pattern_free(&p);
    buf_free(&text);
    buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = xmalloc(n + 1);

    if (n > 0)
        memcpy(text, bytes, n);
    text[n] = '\0';
    check_text(text);
    check_name(text);
    free(text);
    return 0;
}
