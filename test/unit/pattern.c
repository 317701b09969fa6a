/* Tests of pattern.h, against PostgreSQL's documentation of psql, "Patterns". */
#include "pattern.h"

#include <string.h>

#include "rng.h"
#include "unit.h"

static void check(const char *text, const char *schema, const char *name)
{
    struct pattern p;

    unit_about("%s", text);
    CHECK(pattern_parse(&p, text));
    CHECK_STR(p.schema, schema);
    CHECK_STR(p.name, name);
    pattern_free(&p);
    CHECK(p.schema == NULL && p.name == NULL);
}

static void plain_names(void)
{
    check("orders", NULL, "^(orders)$");
    check("shop.orders", "^(shop)$", "^(orders)$");
    check(" a b ", NULL, "^( a b )$");
    check("a_1-2", NULL, "^(a_1-2)$");
}

/* Only ASCII's letters: what the others are is for the server to know. */
static void folding(void)
{
    check("AZaz@[`{", NULL, "^(azaz@[`{)$");
    check("FOO.Bar", "^(foo)$", "^(bar)$");
    check("\xc3\x89t\xc3\xa9", NULL, "^(\xc3\x89t\xc3\xa9)$");
    check("\xc9", NULL, "^(\xc9)$");
    check("FOO\"FOO\"BAR", NULL, "^(fooFOObar)$"); /* the documentation's own example */
}

static void stars(void)
{
    check("*", NULL, "^(.*)$");
    check("?", NULL, "^(.)$");
    check("int*", NULL, "^(int.*)$");
    check("foo*.*bar*", "^(foo.*)$", "^(.*bar.*)$");
    check("**.??", "^(.*.*)$", "^(..)$");
}

static void dollars(void)
{
    check("a$b", NULL, "^(a\\$b)$");
    check("$", NULL, "^(\\$)$");
    check("\"$\"", NULL, "^(\\$)$");
}

/* What regular expressions know beside the dot, the star, the question mark and the dollar is left to them.
 */
static void regular_expressions(void)
{
    check("[0-9]+", NULL, "^([0-9]+)$");
    check("(a|b){2}^c", NULL, "^((a|b){2}^c)$");
    check("\\d\\D", NULL, "^(\\d\\d)$");
    check("(R|)", NULL, "^((r|))$");
    check("\\\"a\"", NULL, "^(\\a)$"); /* a backslash is none of SQL's quotes */
    check("[*]", NULL, "^([.*])$");
}

/* "[]" is more likely the end of a type's name. */
static void arrays(void)
{
    check("text[]", NULL, "^(text\\[])$");
    check("[][]", NULL, "^(\\[]\\[])$");
    check("[]a]", NULL, "^(\\[]a])$");
    check("e[[]]", NULL, "^(e[\\[]])$"); /* as psql has it: a class of one bracket, and another one */
    check("[^]]", NULL, "^([^]])$");
    check("[", NULL, "^([)$");
    check("[\"]\"", NULL, "^([\\])$");
}

static void quotes(void)
{
    check("\"Foo Bar\"", NULL, "^(Foo Bar)$");
    check("\"a.b\".\"c.d\"", "^(a\\.b)$", "^(c\\.d)$");
    check("\"a\".b", "^(a)$", "^(b)$");
    check("a\".\"B", NULL, "^(a\\.b)$");
    check("\"|*+?()[]{}.^$\\\"", NULL, "^(\\|\\*\\+\\?\\(\\)\\[\\]\\{\\}\\.\\^\\$\\\\)$");
    check("\"a\"*", NULL, "^(a.*)$");
    check("\"\"", NULL, "^()$");
    check("\"a\nb\"", NULL, "^(a\nb)$");
}

/* Two of them within quotes are one that is meant; outside, they are quotes with nothing in between. */
static void doubled_quotes(void)
{
    check("\"a\"\"b\"", NULL, "^(a\"b)$");
    check("\"\"\"\"", NULL, "^(\")$");
    check("\"\"\"\"\"\"", NULL, "^(\"\")$");
    check("a\"\"B", NULL, "^(ab)$");
    check("\"A\"\"\".b", "^(A\")$", "^(b)$");
}

/* As psql has it: such a part has no characters, and no name is like that. */
static void empty_parts(void)
{
    check(".a", "^()$", "^(a)$");
    check("a.", "^(a)$", "^()$");
    check("\"a.b.c\".", "^(a\\.b\\.c)$", "^()$");
    check(".", "^()$", "^()$");
}

static void refused(void)
{
    static const char *const wrong[] = {"",   "\"",  "\"a",      "a\"",    "\"a\"\"", "\"\"\"",    "a.b.c",
                                        "..", "a..", "a.\"b\".", ".a.b.c", "\"a.b",   "a.b.c\"\"", "a.b\".c"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct pattern p;
        unit_about("%s", wrong[i]);
        CHECK(!pattern_parse(&p, wrong[i]));
        CHECK(p.schema == NULL && p.name == NULL);
    }
}

/* Takes "^(...)$" away, and the backslashes. */
static void unescape(const char *regex, struct buf *text)
{
    size_t n = strlen(regex);

    text->len = 0;
    CHECK(n >= 4 && strncmp(regex, "^(", 2) == 0 && strcmp(regex + n - 2, ")$") == 0);
    for (size_t i = 2; i + 2 < n; i++) {
        i += regex[i] == '\\';
        buf_addc(text, regex[i]);
    }
}

static void quote(const char *name, struct buf *text)
{
    buf_addc(text, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_addc(text, '"');
        buf_addc(text, *name);
    }
    buf_addc(text, '"');
}

/* Any name at all can be asked for, as SQL quotes it. */
static void any_name(void)
{
    static const char odd[] = "ab\"\"..*?$|[](){}\\^+A \n'%_\xc3\xa9";
    uint64_t seed = 7;

    for (int i = 0; i < 5000; i++) {
        char schema[20] = {0}, name[20] = {0};
        struct buf text = {0}, back = {0};
        struct pattern p;
        for (size_t k = rng_below(&seed, sizeof name); k > 0; k--) {
            schema[k - 1] = odd[rng_below(&seed, sizeof odd - 1)];
            name[k - 1] = odd[rng_below(&seed, sizeof odd - 1)];
        }
        quote(schema, &text);
        buf_addc(&text, '.');
        quote(name, &text);
        unit_about("%s", buf_str(&text));
        CHECK(pattern_parse(&p, buf_str(&text)));
        unescape(p.schema, &back);
        CHECK_STR(buf_str(&back), schema);
        unescape(p.name, &back);
        CHECK_STR(buf_str(&back), name);
        pattern_free(&p);
        buf_free(&text);
        buf_free(&back);
    }
}

int main(void)
{
    RUN(plain_names);
    RUN(folding);
    RUN(stars);
    RUN(dollars);
    RUN(regular_expressions);
    RUN(arrays);
    RUN(quotes);
    RUN(doubled_quotes);
    RUN(empty_parts);
    RUN(refused);
    RUN(any_name);
    return unit_end();
}
