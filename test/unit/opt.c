/* Tests of opt.h: small command lines, each in a child, for most of them end it. */
#include "opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "unit.h"

enum { MOST_WORDS = 8 };

/* Parses the words and prints what came of them. */
static void parse(void *arg)
{
    const char *const *word = arg;
    bool flag = false;
    const char *string = "-";
    int number = 5, argc = 0;
    struct opt_list list = {0};
    const struct opt opt[] = {
        {OPT_FLAG, 'd', "down", NULL, "a flag", &flag, 0, 0},
        {OPT_STRING, 's', "string", "WORD", "a word", &string, 0, 0},
        {OPT_NUMBER, 'l', NULL, "N", "a number", &number, 2, 19},
        {OPT_LIST, 0, "tag", "TAG", "a list", &list, 0, 0},
    };
    const struct cmd cmd = {"bk-test", "try options", "[FILE]", opt, 4, 0, 1, "bk-test -d"};
    char *argv[MOST_WORDS + 2] = {"bk-test"};

    for (argc = 1; word[argc - 1]; argc++)
        argv[argc] = (char *)word[argc - 1];
    int at = opt_parse(&cmd, argc, argv);
    printf("flag %d string %s number %d tags", flag, string, number);
    for (size_t i = 0; i < list.count; i++)
        printf(" %s", list.value[i]);
    printf(" operand %s;", at < argc ? argv[at] : "none");
    info("told");
    detail("detail");
    fflush(stdout);
    _exit(0);
}

struct line {
    const char *word[MOST_WORDS];
    int status;
    const char *words;
};

static void check_lines(const struct line *line, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unit_about("line %zu", i);
        CHECK_CHILD(parse, (void *)line[i].word, line[i].status, line[i].words);
    }
}

static void taken(void)
{
    static const struct line t[] = {
        {{NULL}, 0, "flag 0 string - number 5 tags operand none;"},
        {{"-d"}, 0, "flag 1 string - number 5"},
        {{"--down"}, 0, "flag 1"},
        {{"-s", "x"}, 0, "string x"},
        {{"-sx"}, 0, "string x"},
        {{"-dsx"}, 0, "flag 1 string x"},
        {{"--string=x=y"}, 0, "string x=y"},
        {{"--string", "--down"}, 0, "flag 0 string --down"},
        {{"--string="}, 0, "string  number"},
        {{"-l2"}, 0, "number 2 "},
        {{"-l", "19"}, 0, "number 19 "},
        {{"--tag", "a", "--tag=b", "--tag", "a"}, 0, "tags a b a operand none"},
        {{"file"}, 0, "operand file"},
        {{"-"}, 0, "operand -;"},
        {{"--", "-d"}, 0, "flag 0 string - number 5 tags operand -d"},
        {{"-V"}, 0, "bk-test 0."},
    };

    check_lines(t, sizeof t / sizeof t[0]);
}

static void refused(void)
{
    static const struct line t[] = {
        {{"-x"}, 2, "there is no option -x"},
        {{"--nothing"}, 2, "there is no option --nothing"},
        {{"--dow"}, 2, "there is no option --dow"}, /* no abbreviations */
        {{"--downs"}, 2, "there is no option --downs"},
        {{"-d", "-d"}, 2, "-d is given twice"},
        {{"-d", "--down"}, 2, "--down is given twice"},
        {{"--down=1"}, 2, "--down takes no argument"},
        {{"-s"}, 2, "-s wants WORD"},
        {{"--string"}, 2, "--string wants WORD"},
        {{"-l", "1"}, 2, "-l takes a number from 2 to 19, not '1'"},
        {{"-l", "20"}, 2, "from 2 to 19, not '20'"},
        {{"-l", "-3"}, 2, "not '-3'"},
        {{"-l", "3x"}, 2, "not '3x'"},
        {{"-l", ""}, 2, "not ''"},
        {{"-l", "4294967299"}, 2, "not '4294967299'"}, /* 3 and 2^32 */
        {{"a", "b"}, 2, "'b' is one argument too many"},
        {{"a", "-d"}, 2, "'-d' is one argument too many"},
        {{"-h", "x"}, 2, "-h is the help, and stands alone"},
        {{"-hd"}, 2, "-h is the help, and stands alone"},
        {{"-x"}, 2, "hint: bk-test -h"},
    };

    check_lines(t, sizeof t / sizeof t[0]);
}

static void help(void)
{
    struct line t = {{"-h"}, 0, "bk-test - try options\n\nusage: bk-test [options] [FILE]\n"};
    static const char *const shown[] = {"-d, --down ", "-s, --string WORD",     "-l N", "--tag TAG", "-V",
                                        "-q",          "example:\n  bk-test -d"};

    check_lines(&t, 1);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        t.words = shown[i];
        check_lines(&t, 1);
    }
}

static bool says(const char *option, const char *what)
{
    const char *word[MOST_WORDS] = {option};
    struct unit_child c = unit_fork(parse, word);
    bool found = strstr((const char *)c.words.data, what) != NULL;

    buf_free(&c.words);
    return found;
}

static void loudness(void)
{
    CHECK(says(NULL, "bk-test: told\n") && !says(NULL, "detail"));
    CHECK(says("-v", "told") && says("-v", "detail"));
    CHECK(!says("-q", "told") && !says("-q", "detail"));
}

static void wants_operand(void *arg)
{
    const struct cmd cmd = {"bk-test", "x", "FILE", NULL, 0, 1, 1, "bk-test x"};
    char *argv[] = {"bk-test", arg, NULL};

    opt_parse(&cmd, arg ? 2 : 1, argv);
}

static void operands(void)
{
    CHECK_CHILD(wants_operand, NULL, 2, "FILE is missing");
    CHECK_CHILD(wants_operand, "x", 0, "");
}

static void cores(void)
{
    CHECK(opt_cores(1) == 1);
    CHECK(opt_cores(4) >= 1 && opt_cores(4) <= 4);
}

int main(void)
{
    RUN(taken);
    RUN(refused);
    RUN(help);
    RUN(loudness);
    RUN(operands);
    RUN(cores);
    return unit_end();
}
