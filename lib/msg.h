/* msg.h - layer 0: what a program says, and how it ends.
 *
 * Words go to standard error: one line, one write(2), the program's name first, so that six tools can share a
 * terminal or a log file. Control characters are replaced by '?', for much of what is printed comes from a
 * database or from a stream. The grammar: lower case, no full stop, "cannot open 'x': reason"; what to do
 * about it stands on a line of its own, "hint: ...".
 *
 * Any thread may call these. The first to die wins; it runs the undo functions and ends the whole process.
 */
#ifndef BK_MSG_H
#define BK_MSG_H

#include <stdbool.h>

/* Exit statuses, the same for every tool and script. */
enum status {
    DONE_OK = 0,   /* done */
    FAILED = 1,    /* it could not be done: the world failed, trying again may help */
    BAD_CALL = 2,  /* called wrongly */
    BAD_DATA = 3,  /* the stream is bad or incomplete: do not trust it */
    GUARDED = 4,   /* a guard refused; nothing was changed */
    DIFFERENT = 5, /* compared, and they differ */
};

enum loudness { QUIET, NORMAL, VERBOSE };

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Names the program in all that it says from now on. `tool` must outlive the program. */
void msg_init(const char *tool);
const char *msg_tool(void);

/* QUIET leaves out info(); VERBOSE adds detail(). Warnings and errors are always said. */
void msg_loudness(enum loudness level);
bool msg_is_quiet(void);
bool msg_is_verbose(void);

void info(const char *fmt, ...) PRINTF(1, 2);
void detail(const char *fmt, ...) PRINTF(1, 2);
void warning(const char *fmt, ...) PRINTF(1, 2);

/* Replaces control characters by '?', as all of the above do. */
void msg_plain(char *words);

/* Advice that this thread's next die() prints below its words. */
void hint(const char *fmt, ...) PRINTF(1, 2);
void hint_forget(void); /* what it was for went well */

/* Says why, runs the undo functions (last registered first) and ends the process. */
_Noreturn void die(enum status status, const char *fmt, ...) PRINTF(2, 3);

/* The same for what stands against a work before it has begun, so that a dry run can tell all of it: after
 * complaints_to() it is only handed over, with its hint ("": none), and the caller goes on. */
void complain(enum status status, const char *fmt, ...) PRINTF(2, 3);
typedef void complaint_fn(void *arg, enum status status, const char *why, const char *hint);
void complaints_to(complaint_fn *take, void *arg);

/* die(FAILED, ...) with ": " and the words for errno behind. */
_Noreturn void die_errno(const char *fmt, ...) PRINTF(1, 2);

/* The same at a signal's wish; ends by that very signal. Not for a signal handler: see signals.h. */
_Noreturn void die_by_signal(int sig);

/* For what cannot happen: says where, and aborts. */
#define bug() msg_bug(__FILE__, __LINE__)
_Noreturn void msg_bug(const char *file, int line);

/* Has `undo(arg, status, why)` called if the program dies, with what die() was given. Up to 8 at a time. An
 * undo function must not die. undo_forget() takes one back; while another thread is dying, and may be using
 * `arg`, it does not return. */
typedef void undo_fn(void *arg, enum status status, const char *why);
void undo_on_die(undo_fn *undo, void *arg);
void undo_forget(undo_fn *undo, void *arg);

#endif
