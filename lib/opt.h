/* opt.h - layer 1: the command line: one table that parses it and prints the help.
 *
 * Strict: no abbreviations, no option twice unless it is a list, numbers within their range; anything else
 * ends the program with status 2 and a hint. Every tool also has -h (alone), -V, -q and -v.
 */
#ifndef BK_OPT_H
#define BK_OPT_H

#include <stdbool.h>
#include <stddef.h>

enum opt_kind {
    OPT_FLAG,   /* bool *: set to true */
    OPT_STRING, /* const char **: points into argv */
    OPT_NUMBER, /* int *: decimal, min to max */
    OPT_LIST,   /* struct opt_list *: a string for each time */
};

struct opt_list {
    const char **value; /* point into argv */
    size_t count;
};

struct opt {
    enum opt_kind kind;
    char letter;      /* 0: long only */
    const char *name; /* NULL: a letter only */
    const char *arg;  /* what the help calls the argument; NULL for a flag */
    const char *help;
    void *to; /* holds the default beforehand */
    int min, max;
};

struct cmd {
    const char *name;
    const char *brief;    /* what it is for, one line */
    const char *operands; /* as in the synopsis; "" for none */
    const struct opt *opt;
    size_t opts;
    int min_operands, max_operands;
    const char *example; /* one pipe for the help */
};

/* Names the program for its messages, parses argv, and returns the index of the first operand. Handles -h and
 * -V. */
int opt_parse(const struct cmd *cmd, int argc, char **argv);

/* Ends with status 2, the words, and a hint that points to -h (unless the caller has set another). */
_Noreturn void opt_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* min(cores that this process may use, most): the default of -j. */
int opt_cores(int most);

#endif
