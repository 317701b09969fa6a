#define _GNU_SOURCE /* mlock is POSIX, MADV_DONTDUMP is not; unsetenv */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include "fields.h"
#include "io.h"
#include "msg.h"

enum { HEX_DIGITS = 2 * KEY_BYTES, BASE64_CHARACTERS = 44 };

void secret_protect(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

/* A limit on locked memory may be in the way: then it may be swapped. */
struct secret *secret_new(void)
{
    struct secret *s = xcalloc(1, sizeof *s);

    if (mlock(s, sizeof *s) < 0)
        detail("a secret may be swapped out: %s", strerror(errno));
    return s;
}

void secret_free(struct secret *s)
{
    if (!s)
        return;
    crypt_wipe(s, sizeof *s);
    munlock(s, sizeof *s);
    free(s);
}

/* Either case: other programs print it so. */
static size_t hex_digits(const uint8_t *bytes, size_t n)
{
    size_t i = 0;

    while (i < n && strchr("0123456789abcdefABCDEF", bytes[i]) && bytes[i])
        i++;
    return i;
}

/* In place. */
static bool take_hex_key(struct secret *s)
{
    char hex[HEX_DIGITS + 1] = {0};
    uint8_t key[KEY_BYTES];

    if (s->len != HEX_DIGITS || hex_digits(s->bytes, s->len) != HEX_DIGITS)
        return false;
    for (size_t i = 0; i < HEX_DIGITS; i++) {
        char c = (char)s->bytes[i];
        hex[i] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    }
    bool ok = parse_hex(hex, key, sizeof key);
    if (ok)
        memcpy(s->bytes, key, sizeof key);
    crypt_wipe(hex, sizeof hex);
    crypt_wipe(key, sizeof key);
    return ok;
}

static bool take_base64_key(struct secret *s)
{
    uint8_t key[KEY_BYTES];
    bool ok = s->len == BASE64_CHARACTERS && crypt_base64_key((const char *)s->bytes, key);

    if (ok)
        memcpy(s->bytes, key, sizeof key);
    crypt_wipe(key, sizeof key);
    return ok;
}

static bool take_key(struct secret *s)
{
    if (!take_hex_key(s) && !take_base64_key(s))
        return false;
    crypt_wipe(s->bytes + KEY_BYTES, sizeof s->bytes - KEY_BYTES);
    s->is_key = true;
    s->len = KEY_BYTES;
    return true;
}

static void check_passphrase(const struct secret *s, const char *whence)
{
    if (s->len == 0)
        die(BAD_CALL, "the passphrase %s is empty", whence);
    if (memchr(s->bytes, '\0', s->len) || memchr(s->bytes, '\n', s->len))
        die(BAD_CALL, "the passphrase %s has more than one line, or a zero byte", whence);
}

struct secret *secret_from_environment(const char *variable)
{
    char *value = getenv(variable);

    if (!value || !*value)
        return NULL;
    struct secret *s = secret_new();
    s->len = strlen(value);
    if (s->len > SECRET_MAX)
        die(BAD_CALL, "%s is longer than %d bytes", variable, SECRET_MAX);
    memcpy(s->bytes, value, s->len);
    crypt_wipe(value, s->len);
    unsetenv(variable);
    if (take_key(s))
        return s;
    if (s->len >= HEX_DIGITS - 4 && s->len <= HEX_DIGITS + 6 && hex_digits(s->bytes, s->len) == s->len)
        die(BAD_CALL, "%s has %zu hex digits: a key has %d", variable, s->len, HEX_DIGITS);
    check_passphrase(s, "in that variable");
    return s;
}

static struct secret *read_file(const char *path)
{
    struct secret *s = secret_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t more;

    if (fd < 0)
        die_errno("cannot open '%s'", path);
    ssize_t n = io_read(fd, s->bytes, SECRET_MAX);
    if (n < 0)
        die_errno("cannot read '%s'", path);
    if (n == SECRET_MAX && io_read(fd, &more, 1) > 0)
        die(BAD_CALL, "'%s' is longer than %d bytes", path, SECRET_MAX);
    close(fd);
    s->len = (size_t)n;
    return s;
}

static void drop_newline(struct secret *s)
{
    if (s->len > 0 && s->bytes[s->len - 1] == '\n')
        s->bytes[--s->len] = '\0';
}

struct secret *secret_from_file(const char *path)
{
    struct secret *s = read_file(path);

    drop_newline(s);
    check_passphrase(s, "in that file");
    return s;
}

struct secret *secret_key_from_file(const char *path)
{
    struct secret *s = read_file(path);

    if (s->len == KEY_BYTES) {
        s->is_key = true;
        return s;
    }
    drop_newline(s);
    if (!take_key(s)) {
        hint("openssl rand -out FILE 32");
        die(BAD_CALL, "'%s' holds no key: 32 bytes, or 64 hex digits, or 44 characters of base64", path);
    }
    return s;
}

static void prompt(int tty, const char *what, const char *again)
{
    char words[256];
    int n = snprintf(words, sizeof words, "%s: %s%s: ", msg_tool(), what, again);

    msg_plain(words);
    if (n < 0 || io_write(tty, words, strlen(words)) < 0)
        die_errno("cannot write to the terminal");
}

/* A line. There is no echo from before it is asked for. */
static void read_line(int tty, const char *what, const char *again, struct secret *s)
{
    struct termios before, quiet;

    if (tcgetattr(tty, &before) < 0)
        die_errno("cannot ask on the terminal");
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    tcsetattr(tty, TCSAFLUSH, &quiet);
    prompt(tty, what, again);
    ssize_t n = io_read_some(tty, s->bytes, SECRET_MAX);
    tcsetattr(tty, TCSAFLUSH, &before);
    s->len = n > 0 ? (size_t)n : 0;
    drop_newline(s);
    ssize_t unused = io_write(tty, "\n", 1);
    (void)unused;
}

struct secret *secret_from_terminal(const char *what, bool twice)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct secret *s = secret_new();

    if (tty < 0) {
        hint("--passphrase-file, or the variable BACKUP_ENCRYPTION_KEY");
        die(GUARDED, "there is no terminal to ask for the passphrase on");
    }
    read_line(tty, what, "", s);
    check_passphrase(s, "that was typed");
    if (twice) {
        struct secret *again = secret_new();
        read_line(tty, what, ", again", again);
        if (again->len != s->len || !crypt_equal(again->bytes, s->bytes, s->len))
            die(BAD_CALL, "that was not the same");
        secret_free(again);
    }
    close(tty);
    return s;
}
