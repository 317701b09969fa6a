/* Tests of msg.h: what reaches a terminal, and how a program ends. */
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "unit.h"

static void say_and_die(void *arg)
{
    msg_init("t");
    hint("%s", "do this");
    die(GUARDED, "%s", (const char *)arg);
}

/* Control characters, C1 in UTF-8 and by itself, and what is no UTF-8 become '?'; other characters stay. */
static void controls(void)
{
    static char *const t[][2] = {
        {"a\nb\x1b[31m", "t: a?b?[31m\n"},
        {"\xc2\x9b"
         "31m",
         "t: ??31m\n"},
        {"\x9b"
         "31m \xc3",
         "t: ?31m ?\n"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "t: caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n"},
    };

    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
        CHECK_CHILD(say_and_die, t[i][0], GUARDED, t[i][1]);
}

static void hint_follows(void)
{
    CHECK_CHILD(say_and_die, "it failed", GUARDED, "t: it failed\nt: hint: do this\n");
}

static void undo(void *arg, enum status status, const char *why)
{
    info("%s %d %s", (const char *)arg, (int)status, why);
}

static void register_and_die(void *arg)
{
    static char first[] = "first", second[] = "second", third[] = "third";

    (void)arg;
    msg_init("t");
    undo_on_die(undo, first);
    undo_on_die(undo, second);
    undo_on_die(undo, third);
    undo_forget(undo, second);
    die(BAD_DATA, "x");
}

/* The last registered first; what was taken back, not at all. */
static void undo_order(void)
{
    CHECK_CHILD(register_and_die, NULL, BAD_DATA, "t: x\nt: third 3 x\nt: first 3 x\n");
}

int main(void)
{
    RUN(controls);
    RUN(hint_follows);
    RUN(undo_order);
    return unit_end();
}
