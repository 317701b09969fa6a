/* secret.h - layer 2: keys and passphrases: where they come from, and that they are not left lying about.
 *
 * None is ever taken from an argument. Words about them never hold them.
 */
#ifndef BK_SECRET_H
#define BK_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypt.h"

enum { SECRET_MAX = 1024 }; /* bytes of a passphrase */

struct secret {
    bool is_key; /* KEY_BYTES of it; else a passphrase */
    size_t len;
    uint8_t bytes[SECRET_MAX];
};

/* To be called first: no core dump of this process, nor can others of the same user look into it. */
void secret_protect(void);

/* Makes one, in memory that is not swapped out where the system allows that; wipes and frees it (NULL is
 * allowed). */
struct secret *secret_new(void);
void secret_free(struct secret *s);

/* From the variable, which is taken out of the environment: 64 hex digits, or 44 characters of base64, are a
 * key, anything else a passphrase. NULL if it is not set. Dies with status 2 of 60 to 70 hex digits that are
 * not 64: a key with a slip. */
struct secret *secret_from_environment(const char *variable);

/* A passphrase: all of a file, less one newline at its end; or what is typed on the terminal, `twice` if
 * nobody would notice a slip. Die with status 2 if it is none (empty, or with a NUL or a newline in it), with
 * 1 if it cannot be read, with 4 if there is no terminal. */
struct secret *secret_from_file(const char *path);
struct secret *secret_from_terminal(const char *what, bool twice);

/* A key: a file of 32 bytes, or of 64 hex digits or 44 characters of base64, and a newline perhaps. */
struct secret *secret_key_from_file(const char *path);

#endif
