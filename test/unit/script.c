/* Lines of pg_restore's text: which two are not SQL, and where the settings end. */
#include "script.h"

#include "unit.h"

static struct script taken(const char *text)
{
    struct script s = {0};
    struct buf line = {0};

    for (; *text; text++) {
        buf_addc(&line, *text);
        if (*text != '\n' && text[1])
            continue;
        script_line(&s, &line);
        line.len = 0;
    }
    script_end(&s);
    buf_free(&line);
    return s;
}

static void check(const char *text, const char *settings, const char *body)
{
    struct script s = taken(text);

    CHECK_STR(buf_str(&s.settings), settings);
    CHECK_STR(buf_str(&s.body), body);
    script_free(&s);
}

#define TOP      "--\n-- PostgreSQL database dump\n--\n\n"
#define SETTINGS "SET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n"
#define BODY                                                                                                 \
    "-- Name: t; Type: TABLE\n--\n\nSET default_tablespace = '';\n\nCREATE TABLE t ();\n\n--\n-- "           \
    "complete\n--\n\n"

static void old_text(void)
{
    check(TOP SETTINGS "\n--\n" BODY, SETTINGS, BODY);
    check(TOP, "", "");
    check("", "", "");
}

static void restricted(void)
{
    check(TOP "\\restrict abc\n\n" SETTINGS "\n--\n" BODY "\\unrestrict abc\n\n", SETTINGS, BODY);
    check(TOP "\\restrict abc\n" SETTINGS BODY "\\unrestrict abc\n", SETTINGS, BODY);
}

static void other_lines_stay(void)
{
    check(SETTINGS BODY "\\unrestrict abc\n", SETTINGS, BODY "\\unrestrict abc\n");
    check("\\restrict abc\n" SETTINGS BODY "\\unrestrict abd\n", SETTINGS, BODY "\\unrestrict abd\n");
    check("\\restrict a\n" SETTINGS BODY "\\unrestrict a\n\\unrestrict a\n", SETTINGS,
          BODY "\\unrestrict a\n");
    check("\\restrict a\n" SETTINGS BODY "\\unrestrict a\nSELECT 1;\n", SETTINGS,
          BODY "\\unrestrict a\nSELECT 1;\n");
    check(SETTINGS "\\restrict abc\n" BODY, SETTINGS, "\\restrict abc\n" BODY);
    check("\\restrict a\n\\restrict b\n" BODY, "", "\\restrict b\n" BODY);
    check("\\connect x\n", "", "\\connect x\n");
    check(BODY "\\restrict a\n", "", BODY "\\restrict a\n");
}

static void setting_of_a_newer_one(void)
{
    check("SET transaction_timeout = 0;\n" SETTINGS BODY "SET transaction_timeout = 0;\n", SETTINGS,
          BODY "SET transaction_timeout = 0;\n");
}

int main(void)
{
    RUN(old_text);
    RUN(restricted);
    RUN(other_lines_stay);
    RUN(setting_of_a_newer_one);
    return unit_end();
}
