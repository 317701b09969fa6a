/* Tests of fields.h: one encoding for each value, and nothing else is taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "unit.h"

static void check_encoding(const char *value, const char *encoded)
{
    struct buf out = {0};

    fields_encode_value(value, &out);
    CHECK_STR(buf_str(&out), encoded);
    buf_free(&out);
}

/* What `line` decodes to. */
static enum fields_err decode(const char *line, size_t n, struct fields *f)
{
    *f = (struct fields){0};
    return fields_decode(f, line, n);
}

static void check_back(const char *value, const char *encoded)
{
    struct fields f;
    struct buf line = {0};

    buf_addf(&line, "n: %s\n", encoded);
    CHECK_U64(decode((const char *)line.data, line.len, &f), FIELDS_OK);
    CHECK_STR(fields_get(&f, "n"), value);
    fields_free(&f);
    buf_free(&line);
}

/* The rule as the format's page has it, written down once more. */
static void expect(unsigned byte, char *out)
{
    if (byte == '\n')
        strcpy(out, "\\n");
    else if (byte == '\t')
        strcpy(out, "\\t");
    else if (byte == '\\')
        strcpy(out, "\\\\");
    else if (byte < 0x20 || byte >= 0x7f)
        sprintf(out, "\\x%02x", byte);
    else
        sprintf(out, "%c", (char)byte);
}

static void every_byte(void)
{
    for (unsigned byte = 1; byte < 256; byte++) {
        char alone[2] = {(char)byte, '\0'}, within[4] = {'a', (char)byte, 'b', '\0'};
        char one[8], three[12];
        unit_about("byte %02x", byte);
        expect(byte, one);
        snprintf(three, sizeof three, "a%sb", one);
        check_encoding(alone, one);
        check_back(alone, one);
        check_encoding(within, three);
        check_back(within, three);
    }
    check_encoding("", "");
    check_back("", "");
}

static void utf8(void)
{
    /* Each is plain, or all of its bytes are \xHH. RFC 3629, section 4. */
    static const char *const plain[] = {
        "\xc2\xa0",     "\xc3\xa4",         "\xdf\xbf",         "\xe0\xa0\x80",         "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xe2\x82\xac\xc3\xa4", "\xef\xbf\xbf",
    };
    static const char *const wrong[] = {
        "\xc2\x80",
        "\xc2\x9f",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xe2\x82",
        "\xf0\x90\x80",
        "\xc3",
        "\xff",
        "\x80",
        "\xc3\xc3",
    };

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        unit_about("plain %zu", i);
        check_encoding(plain[i], plain[i]);
        check_back(plain[i], plain[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char hex[40] = "";
        unit_about("wrong %zu", i);
        for (const char *c = wrong[i]; *c; c++)
            sprintf(hex + strlen(hex), "\\x%02x", (unsigned char)*c);
        check_encoding(wrong[i], hex);
        check_back(wrong[i], hex);
    }
    unit_about("half a character before a whole one");
    check_encoding("\xe2\x82\xc3\xa4", "\\xe2\\x82\xc3\xa4");
    check_back("\xe2\x82\xc3\xa4", "\\xe2\\x82\xc3\xa4");
}

static void malformed(void)
{
#define LINE(s, e)                                                                                           \
    {                                                                                                        \
        s, sizeof s - 1, e                                                                                   \
    }
    static const struct {
        const char *line;
        size_t n;
        enum fields_err want;
    } bad[] = {
        LINE("a: b", FIELDS_NO_NEWLINE),
        LINE("a: b\nc", FIELDS_NO_NEWLINE),
        LINE("\n", FIELDS_NAME),
        LINE(": b\n", FIELDS_NAME),
        LINE(" a: b\n", FIELDS_NAME),
        LINE("A: b\n", FIELDS_NAME),
        LINE("_: b\n", FIELDS_NAME),
        LINE("a\n", FIELDS_COLON),
        LINE("a:\n", FIELDS_COLON),
        LINE("a:b\n", FIELDS_COLON),
        LINE("a :b\n", FIELDS_COLON),
        LINE("a;  b\n", FIELDS_COLON),
        LINE("a:\tb\n", FIELDS_COLON),
        LINE("a: b\r\n", FIELDS_VALUE),        /* a raw control character */
        LINE("a: \x7f\n", FIELDS_VALUE),       /* another */
        LINE("a: b\tc\n", FIELDS_VALUE),       /* a raw tab */
        LINE("a: b\0c\n", FIELDS_VALUE),       /* NUL */
        LINE("a: \\x00\n", FIELDS_VALUE),      /* NUL */
        LINE("a: \\\n", FIELDS_VALUE),         /* an escape that does not end */
        LINE("a: \\x\n", FIELDS_VALUE),        /* another */
        LINE("a: \\x0\n", FIELDS_VALUE),       /* another */
        LINE("a: \\x0g\n", FIELDS_VALUE),      /* no hex */
        LINE("a: \\a\n", FIELDS_VALUE),        /* no such escape */
        LINE("a: \\X07\n", FIELDS_VALUE),      /* another */
        LINE("a: \\x41\n", FIELDS_VALUE),      /* A second way to write "A", */
        LINE("a: \\x0a\n", FIELDS_VALUE),      /* a newline, */
        LINE("a: \\x09\n", FIELDS_VALUE),      /* a tab, */
        LINE("a: \\x5c\n", FIELDS_VALUE),      /* a backslash, */
        LINE("a: \\x1B\n", FIELDS_VALUE),      /* an escape character, */
        LINE("a: \xe9\n", FIELDS_VALUE),       /* the byte e9, */
        LINE("a: \xc2\x80\n", FIELDS_VALUE),   /* a C1 control character, */
        LINE("a: \\xc3\\xa4\n", FIELDS_VALUE), /* a letter. */
        LINE("a: \\xc3\xa4\n", FIELDS_VALUE),
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fields f;
        unit_about("line %zu", i);
        CHECK_U64(decode(bad[i].line, bad[i].n, &f), bad[i].want);
        CHECK(*fields_strerror(bad[i].want) != '\0');
        fields_free(&f);
    }
}

/* All texts of up to five of these bytes: whatever is taken is the one encoding of what it means. */
static void one_encoding(void)
{
    static const char byte[] = {'\\', 'x', 'n', '0', '9', 'a', '\xc3', '\xa4'};
    enum { BYTES = sizeof byte, LONGEST = 5 };
    size_t taken = 0;

    for (size_t n = 0; n <= LONGEST; n++) {
        size_t texts = 1;
        for (size_t i = 0; i < n; i++)
            texts *= BYTES;
        for (size_t t = 0; t < texts; t++) {
            char line[LONGEST + 5] = "a: ";
            for (size_t i = 0, rest = t; i < n; i++, rest /= BYTES)
                line[3 + i] = byte[rest % BYTES];
            line[3 + n] = '\n';
            struct fields f;
            struct buf again = {0};
            if (decode(line, n + 4, &f) == FIELDS_OK) {
                taken++;
                fields_encode(&f, &again);
                CHECK_BYTES(again.data, again.len, line, n + 4);
            }
            buf_free(&again);
            fields_free(&f);
        }
    }
    CHECK(taken > 1000); /* and not because nothing was */
}

static void lines_before_a_bad_one(void)
{
    struct fields f;

    CHECK_U64(decode("a: 1\nb: 2\nC: 3\nd: 4\n", 20, &f), FIELDS_NAME);
    CHECK_U64(f.count, 2);
    CHECK_STR(fields_get(&f, "b"), "2");
    CHECK(fields_get(&f, "d") == NULL);
    fields_free(&f);
}

static void names(void)
{
    char line[80];
    struct fields f;

    for (size_t n = 63; n <= 65; n++) {
        unit_about("a name of %zu", n);
        memset(line, 'a', n);
        strcpy(line + n, ": v\n");
        CHECK_U64(decode(line, n + 4, &f), n <= 64 ? FIELDS_OK : FIELDS_NAME);
        fields_free(&f);
    }
    unit_about("all characters of names");
    static const char all[] = "abcdefghijklmnopqrstuvwxyz-0123456789: v\n";
    CHECK_U64(decode(all, sizeof all - 1, &f), FIELDS_OK);
    fields_free(&f);
}

static void add_bad_name(void *arg)
{
    struct fields f = {0};

    fields_add(&f, arg, "x");
}

static void bad_names_are_bugs(void)
{
    CHECK_CHILD(add_bad_name, "", -6, "bug");
    CHECK_CHILD(add_bad_name, "a b", -6, "bug");
    CHECK_CHILD(add_bad_name, "Name", -6, "bug");
    CHECK_CHILD(add_bad_name, "good-1", 0, "");
}

static void lists(void)
{
    static const char *const single[] = {"a", "b", NULL}, *const others[] = {"c", NULL};
    struct fields f = {0};
    struct buf out = {0};

    fields_add(&f, "b", "1");
    fields_addf(&f, "a", "%d-%s", 2, "x");
    fields_insert(&f, 0, "b", "0");
    fields_insert(&f, 3, "c", "3");
    fields_encode(&f, &out);
    CHECK_STR(buf_str(&out), "b: 0\nb: 1\na: 2-x\nc: 3\n");
    CHECK_STR(fields_get(&f, "b"), "0");
    CHECK_U64(fields_count(&f, "b"), 2);
    CHECK_U64(fields_count(&f, "z"), 0);
    CHECK_STR(fields_twice(&f, single), "b");
    CHECK(fields_twice(&f, others) == NULL);
    fields_remove(&f, 0);
    CHECK_STR(fields_get(&f, "b"), "1");
    CHECK(fields_twice(&f, single) == NULL);
    CHECK_U64(f.count, 3);
    fields_free(&f);
    CHECK_U64(f.count, 0);
    buf_free(&out);
}

static void numbers(void)
{
    static const char *const wrong[] = {
        "", "+1", "-1", " 1", "1 ", "01", "00", "0x1", "1.0", "18446744073709551616", "99999999999999999999"};
    uint64_t v = 7;
    struct fields f = {0};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        unit_about("'%s'", wrong[i]);
        CHECK(!parse_u64(wrong[i], &v));
        CHECK_U64(v, 7);
    }
    CHECK(parse_u64("0", &v) && v == 0);
    CHECK(parse_u64("18446744073709551615", &v) && v == UINT64_MAX);
    CHECK(parse_u64("18446744073709551609", &v) && v == UINT64_MAX - 6);
    fields_add(&f, "n", "12");
    CHECK(fields_get_u64(&f, "n", &v) && v == 12);
    CHECK(!fields_get_u64(&f, "m", &v));
    fields_free(&f);
}

static void hex(void)
{
    uint8_t bytes[4] = {0x00, 0x9f, 0xa5, 0xff}, back[4];
    char text[9];

    format_hex(bytes, 4, text);
    CHECK_STR(text, "009fa5ff");
    CHECK(parse_hex(text, back, 4) && memcmp(bytes, back, 4) == 0);
    CHECK(!parse_hex("009fa5f", back, 4));
    CHECK(!parse_hex("009fa5ff0", back, 4));
    CHECK(!parse_hex("009FA5FF", back, 4));
    CHECK(!parse_hex("", back, 4));
    CHECK(!parse_hex("0g9fa5ff", back, 4));
}

int main(void)
{
    RUN(every_byte);
    RUN(utf8);
    RUN(malformed);
    RUN(one_encoding);
    RUN(lines_before_a_bad_one);
    RUN(names);
    RUN(bad_names_are_bugs);
    RUN(lists);
    RUN(numbers);
    RUN(hex);
    return unit_end();
}
