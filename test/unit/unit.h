/* unit.h - the harness of the unit tests: checks, names, a count, and children for what ends a process.
 *
 * A test is a function without arguments; a check that fails says where and goes on. main() is RUN(test) for
 * each and `return unit_end();`, which prints "PROGRAM: N passed, N failed" for test/unit/run.sh to add up.
 */
#ifndef BK_TEST_UNIT_H
#define BK_TEST_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

#define CHECK(what)                    unit_check((what), #what, __FILE__, __LINE__)
#define CHECK_U64(got, want)           unit_check_u64((uint64_t)(got), (uint64_t)(want), #got, __FILE__, __LINE__)
#define CHECK_STR(got, want)           unit_check_str((got), (want), #got, __FILE__, __LINE__)
#define CHECK_BYTES(got, n, want, len) unit_check_bytes((got), (n), (want), (len), #got, __FILE__, __LINE__)
#define RUN(test)                      unit_run(#test, test)

void unit_run(const char *name, void (*test)(void));

int unit_end(void);

/* Says of the checks that follow what they are about, until the next test: for loops. */
void unit_about(const char *fmt, ...) PRINTF(1, 2);

/* Are these checks good so far? For tests that make no sense after a failed one. */
bool unit_good(void);

void unit_check(bool right, const char *what, const char *file, int line);
void unit_check_u64(uint64_t got, uint64_t want, const char *what, const char *file, int line);
void unit_check_str(const char *got, const char *want, const char *what, const char *file, int line);
void unit_check_bytes(const void *got, size_t n, const void *want, size_t len, const char *what,
                      const char *file, int line);

/* How a child that ran `run` and then left with status 0 ended, and what it printed (both outputs in one). */
struct unit_child {
    int status; /* exit status, or minus the signal */
    struct buf words;
};
struct unit_child unit_fork(void (*run)(void *), void *arg);

/* Such a child must end with `status` and print `words` somewhere in it. */
#define CHECK_CHILD(run, arg, status, words)                                                                 \
    unit_check_child((run), (arg), (status), (words), __FILE__, __LINE__)
void unit_check_child(void (*run)(void *), void *arg, int status, const char *words, const char *file,
                      int line);

/* A whole file; the program ends if it cannot be read. */
void unit_read_file(const char *path, struct buf *out);

/* A new folder for this program's files, removed with all in it at the end. */
const char *unit_tmpdir(void);

/* True where the address or thread sanitizer is built in: they take address space and threads as they like.
 */
bool unit_sanitized(void);

#endif
