/* slot.h - layer 2: a line `slot` of a sealed HEAD: the data key, wrapped for one who may open the stream.
 *
 *     slot: x25519 ID EPHEMERAL WRAPPED        for who has the private key
 *     slot: rsa ID WRAPPED
 *     slot: scrypt ID LOG-N SALT WRAPPED       for who knows the passphrase; at most one
 *     slot: key ID SALT WRAPPED                for who has these 32 bytes
 *     slot: cmd ID BLOB                        for whose own command opens it
 *
 * man/bk-stream.5 is the norm. What is random is given by the caller, so that all of this can be tested.
 */
#ifndef BK_SLOT_H
#define BK_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypt.h"
#include "mem.h"
#include "pkey.h"

enum {
    SLOTS_MAX = 64,
    SLOT_SALT_BYTES = 16,
    SLOT_LOG_N = 17,      /* for new ones: 128 MiB, about half a second */
    SLOT_LOG_N_MAX = 18,  /* more is refused before any work */
    SLOT_BLOB_MAX = 8192, /* bytes */
    SLOT_TYPE_MAX = 16,
};

/* Add the value of such a line to `value`. `random` is KEY_BYTES for x25519 (not looked at for RSA),
 * SLOT_SALT_BYTES for the others. */
void slot_public(const struct pkey *k, const uint8_t dek[KEY_BYTES], const uint8_t *random,
                 struct buf *value);
void slot_passphrase(const void *pass, size_t n, int log_n, const uint8_t dek[KEY_BYTES],
                     const uint8_t *random, struct buf *value);
void slot_key(const uint8_t key[KEY_BYTES], const uint8_t dek[KEY_BYTES], const uint8_t *random,
              struct buf *value);
void slot_command(const void *blob, size_t n, struct buf *value);

enum slot_type {
    SLOT_UNKNOWN, /* of a newer bk: passed over */
    SLOT_X25519,
    SLOT_RSA,
    SLOT_SCRYPT,
    SLOT_KEY,
    SLOT_CMD,
    SLOT_WRONG, /* a known type in a wrong shape */
};

/* A line taken apart. */
struct slot {
    enum slot_type type;
    uint8_t id[PKEY_ID_BYTES];
    uint8_t salt[KEY_BYTES]; /* or the ephemeral key */
    int log_n;
    struct buf wrapped; /* or the blob; freed with slot_free() */
};

/* Pure. */
struct slot slot_decode(const char *value);
void slot_free(struct slot *s);

/* Open one of that type. One that bears the id of this private key (X25519 or RSA) and does not open is
 * damaged; of the others it can only be said that the secret is not the one. */
enum slot_opened {
    SLOT_NOT_OURS,
    SLOT_OPENED,
    SLOT_DAMAGED,
};
enum slot_opened slot_open_public(const struct slot *s, const struct pkey *k, uint8_t dek[KEY_BYTES]);
enum slot_opened slot_open_passphrase(const struct slot *s, const void *pass, size_t n,
                                      uint8_t dek[KEY_BYTES]);
enum slot_opened slot_open_key(const struct slot *s, const uint8_t key[KEY_BYTES], uint8_t dek[KEY_BYTES]);

#endif
