#include "ask.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "mem.h"
#include "msg.h"

enum { ANSWER_MAX = 80 };

static int open_terminal(void)
{
    return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

void ask_possible(const char *instead)
{
    int tty = open_terminal();

    if (tty < 0) {
        hint("%s", instead);
        complain(GUARDED, "this has to be confirmed, and there is no terminal to ask on");
        return;
    }
    close(tty);
}

/* A terminal gives a line at a time. */
static bool read_yes(int tty)
{
    char answer[ANSWER_MAX];
    ssize_t n = io_read_some(tty, answer, sizeof answer - 1);

    answer[n > 0 ? n : 0] = '\0';
    return strcmp(answer, "yes\n") == 0;
}

void ask(const char *fmt, ...)
{
    int tty = open_terminal();
    struct buf question = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_adds(&question, msg_tool());
    buf_adds(&question, ": ");
    buf_vaddf(&question, fmt, ap);
    buf_adds(&question, " (yes/no) ");
    va_end(ap);
    msg_plain(buf_str(&question));
    if (tty < 0 || io_write(tty, question.data, question.len) < 0 || !read_yes(tty))
        die(GUARDED, "not confirmed");
    close(tty);
    buf_free(&question);
}
