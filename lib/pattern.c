#include "pattern.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* One character outside of quotes. Only ASCII letters are folded, as the server does with names in most
 * encodings. */
static void add_plain(struct buf *b, const char *s)
{
    if (s[0] == '*')
        buf_adds(b, ".*");
    else if (s[0] == '?')
        buf_addc(b, '.');
    else if (s[0] == '$')
        buf_adds(b, "\\$");
    else if (s[0] == '[' && s[1] == ']') /* of an array's type; a bracket that closes nothing is plain */
        buf_adds(b, "\\[");
    else
        buf_addc(b, s[0] >= 'A' && s[0] <= 'Z' ? (char)(s[0] - 'A' + 'a') : s[0]);
}

static void add_quoted(struct buf *b, char c)
{
    if (strchr("|*+?()[]{}.^$\\", c))
        buf_addc(b, '\\');
    buf_addc(b, c);
}

static char *finish(struct buf *b)
{
    buf_adds(b, ")$");
    return buf_str(b);
}

static void begin(struct buf *b)
{
    *b = (struct buf){0};
    buf_adds(b, "^(");
}

bool pattern_parse(struct pattern *p, const char *text)
{
    struct buf b;
    bool quoted = false;
    size_t dots = 0;

    *p = (struct pattern){0};
    begin(&b);
    for (const char *s = text; *s;) {
        if (*s == '"' && quoted && s[1] == '"') {
            buf_addc(&b, '"');
            s += 2;
        } else if (*s == '"') {
            quoted = !quoted;
            s++;
        } else if (quoted) {
            add_quoted(&b, *s++);
        } else if (*s == '.') {
            free(p->schema);
            p->schema = finish(&b);
            begin(&b);
            dots++;
            s++;
        } else {
            add_plain(&b, s++);
        }
    }
    p->name = finish(&b);
    if (*text && !quoted && dots <= 1)
        return true;
    pattern_free(p);
    return false;
}

void pattern_free(struct pattern *p)
{
    free(p->schema);
    free(p->name);
    *p = (struct pattern){0};
}
