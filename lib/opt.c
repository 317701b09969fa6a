#define _GNU_SOURCE /* sched_getaffinity */
#include "opt.h"

#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "version.h"

enum { MOST_OPTIONS = 32 };

void opt_wrong(const char *fmt, ...)
{
    char words[500];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    hint("%s -h lists what it takes", msg_tool());
    die(BAD_CALL, "%s", words);
}

int opt_cores(int most)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return cores < most ? cores : most;
}

static void help_line(struct buf *b, const char *left, const char *right)
{
    buf_addf(b, "  %-22s %s\n", left, right);
}

static void help_option(struct buf *b, const struct opt *o)
{
    char left[80], letter[4] = "", name[60] = "";

    if (o->letter)
        snprintf(letter, sizeof letter, "-%c", o->letter);
    if (o->name)
        snprintf(name, sizeof name, "--%s", o->name);
    snprintf(left, sizeof left, "%s%s%s%s%s", letter, o->letter && o->name ? ", " : "", name,
             o->arg ? " " : "", o->arg ? o->arg : "");
    help_line(b, left, o->help);
}

static _Noreturn void print_and_exit(struct buf *b)
{
    if (io_write(1, b->data, b->len) < 0)
        die_errno("cannot write to standard output");
    exit(DONE_OK);
}

static _Noreturn void print_help(const struct cmd *cmd)
{
    struct buf b = {0};

    buf_addf(&b, "%s - %s\n\nusage: %s [options]%s%s\n", cmd->name, cmd->brief, cmd->name,
             *cmd->operands ? " " : "", cmd->operands);
    for (size_t i = 0; i < cmd->opts; i++)
        help_option(&b, &cmd->opt[i]);
    help_line(&b, "-q", "say only warnings and errors");
    help_line(&b, "-v", "say more");
    help_line(&b, "-h", "this help");
    help_line(&b, "-V", "the version");
    buf_addf(&b, "\nexample:\n  %s\n\nman %s has the rest; man bk is the tour.\n", cmd->example, cmd->name);
    print_and_exit(&b);
}

static _Noreturn void print_version(const struct cmd *cmd)
{
    struct buf b = {0};

    buf_addf(&b, "%s %s\n", cmd->name, BK_VERSION);
    print_and_exit(&b);
}

static void set_number(const struct opt *o, const char *shown, const char *value)
{
    uint64_t n;

    if (!parse_u64(value, &n) || n < (uint64_t)o->min || n > (uint64_t)o->max)
        opt_wrong("%s takes a number from %d to %d, not '%s'", shown, o->min, o->max, value);
    *(int *)o->to = (int)n;
}

static void add_to_list(struct opt_list *list, const char *value)
{
    list->value = xrealloc(list->value, list->count + 1, sizeof list->value[0]);
    list->value[list->count++] = value;
}

static void set_option(const struct opt *o, const char *shown, const char *value)
{
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)o->to = true;
        return;
    case OPT_STRING:
        *(const char **)o->to = value;
        return;
    case OPT_NUMBER:
        set_number(o, shown, value);
        return;
    case OPT_LIST:
        add_to_list(o->to, value);
        return;
    }
}

struct parse {
    const struct cmd *cmd;
    char **argv;
    int argc, at;
    bool seen[MOST_OPTIONS];
    bool quiet, verbose;
};

/* `value` is what stands behind the option in the same word, or NULL. */
static void take_option(struct parse *p, const struct opt *o, const char *shown, const char *value)
{
    size_t i = (size_t)(o - p->cmd->opt);

    if (o->kind == OPT_FLAG && value)
        opt_wrong("%s takes no argument", shown);
    if (o->kind != OPT_FLAG && !value) {
        if (p->at >= p->argc)
            opt_wrong("%s wants %s", shown, o->arg);
        value = p->argv[p->at++];
    }
    if (p->seen[i] && o->kind != OPT_LIST)
        opt_wrong("%s is given twice", shown);
    p->seen[i] = true;
    set_option(o, shown, value);
}

static void take_long(struct parse *p, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    char shown[80];

    snprintf(shown, sizeof shown, "--%.*s", (int)(n < 60 ? n : 60), word);
    for (size_t i = 0; i < p->cmd->opts; i++) {
        const struct opt *o = &p->cmd->opt[i];
        if (o->name && strlen(o->name) == n && memcmp(o->name, word, n) == 0) {
            take_option(p, o, shown, equals ? equals + 1 : NULL);
            return;
        }
    }
    opt_wrong("there is no option %s", shown);
}

static bool take_common(struct parse *p, char letter, bool alone)
{
    if (letter == 'h' && !(alone && p->argc == 2))
        opt_wrong("-h is the help, and stands alone (the server's host goes into -d \"host=...\" or PGHOST)");
    if (letter == 'h')
        print_help(p->cmd);
    if (letter == 'V')
        print_version(p->cmd);
    if (letter == 'q')
        p->quiet = true;
    if (letter == 'v')
        p->verbose = true;
    return letter == 'q' || letter == 'v';
}

static void take_letters(struct parse *p, const char *word)
{
    for (const char *c = word; *c; c++) {
        char shown[3] = {'-', *c, '\0'};
        const struct opt *found = NULL;
        for (size_t i = 0; i < p->cmd->opts && !found; i++)
            if (p->cmd->opt[i].letter == *c)
                found = &p->cmd->opt[i];
        if (found) {
            bool rest = found->kind != OPT_FLAG && c[1];
            take_option(p, found, shown, rest ? c + 1 : NULL);
            if (found->kind != OPT_FLAG)
                return;
        } else if (!take_common(p, *c, word[1] == '\0')) {
            opt_wrong("there is no option %s", shown);
        }
    }
}

int opt_parse(const struct cmd *cmd, int argc, char **argv)
{
    struct parse p = {.cmd = cmd, .argv = argv, .argc = argc, .at = 1};

    msg_init(cmd->name);
    if (cmd->opts > MOST_OPTIONS)
        bug();
    while (p.at < argc && argv[p.at][0] == '-' && argv[p.at][1]) {
        const char *word = argv[p.at++];
        if (strcmp(word, "--") == 0)
            break;
        if (word[1] == '-')
            take_long(&p, word + 2);
        else
            take_letters(&p, word + 1);
    }
    msg_loudness(p.verbose ? VERBOSE : p.quiet ? QUIET : NORMAL);
    if (argc - p.at < cmd->min_operands)
        opt_wrong("%s is missing", cmd->operands);
    if (argc - p.at > cmd->max_operands)
        opt_wrong("'%s' is one argument too many", argv[p.at + cmd->max_operands]);
    return p.at;
}
