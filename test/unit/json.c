/* Tests of json.h, against RFC 8259. */
#include "json.h"

#include <string.h>

#include "unit.h"

static void nested(void)
{
    struct json j = {0};

    json_object(&j, NULL);
    json_string(&j, "a", "x");
    json_u64(&j, "n", UINT64_MAX);
    json_bool(&j, "yes", true);
    json_bool(&j, "no", false);
    json_array(&j, "list");
    json_string(&j, NULL, "1");
    json_object(&j, NULL);
    json_object_end(&j);
    json_array(&j, NULL);
    json_u64(&j, NULL, 0);
    json_array_end(&j);
    json_array_end(&j);
    json_u64(&j, "z", 1);
    json_object_end(&j);
    json_end_line(&j);
    json_array(&j, NULL);
    json_array_end(&j);
    json_end_line(&j);
    CHECK_STR(buf_str(&j.out), "{\"a\":\"x\",\"n\":18446744073709551615,\"yes\":true,\"no\":false,"
                               "\"list\":[\"1\",{},[0]],\"z\":1}\n[]\n");
    buf_free(&j.out);
}

static void check_string(const char *value, const char *want)
{
    struct json j = {0};

    json_string(&j, NULL, value);
    CHECK_STR(buf_str(&j.out), want);
    buf_free(&j.out);
}

static void strings(void)
{
    check_string("", "\"\"");
    check_string("say \"x\"/", "\"say \\\"x\\\"/\"");
    check_string("\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\"");
    check_string("\xe9", "\"\\\\xe9\"");
    check_string("a\x1b", "\"a\\\\x1b\"");
}

/* No control character, whatever the value; and each quote and backslash within is escaped. */
static void every_byte(void)
{
    for (int byte = 1; byte < 256; byte++) {
        char value[2] = {(char)byte, '\0'};
        struct json j = {0};
        unit_about("byte %02x", (unsigned)byte);
        json_string(&j, NULL, value);
        CHECK(j.out.len >= 3 && j.out.data[0] == '"' && j.out.data[j.out.len - 1] == '"');
        for (size_t i = 1; i + 1 < j.out.len; i++) {
            CHECK(j.out.data[i] >= 0x20 && j.out.data[i] < 0x7f);
            CHECK(j.out.data[i] != '"');
            if (j.out.data[i] == '\\')
                CHECK(strchr("\"\\/bfnrtu", j.out.data[++i]) != NULL);
        }
        buf_free(&j.out);
    }
}

int main(void)
{
    RUN(nested);
    RUN(strings);
    RUN(every_byte);
    return unit_end();
}
