/* keyring.h - layer 3: who may open a sealed stream, as options say it: the same ones for all tools that seal
 * or open.
 */
#ifndef BK_KEYRING_H
#define BK_KEYRING_H

#include <stdbool.h>

#include "fields.h"
#include "head.h"
#include "opt.h"
#include "secret.h"

/* What -r, -i, -p, -k, --passphrase-file, --wrap and --unwrap say. */
struct keyring {
    struct opt_list recipients; /* files of public keys */
    struct opt_list identities; /* files of private keys */
    bool passphrase;            /* BACKUP_ENCRYPTION_KEY, or ask */
    const char *passphrase_file, *key_file;
    const char *wrap, *unwrap; /* commands */
};

/* Is there anybody to seal to? */
bool keyring_seals(const struct keyring *k);

/* Adds a line `slot` for each that may open. Dies if a key cannot be read or had. */
void keyring_make_slots(const struct keyring *k, const struct secret *dek, struct fields *slots);

/* Finds the data key in the slots of a HEAD (which seal_check_head() has found sound). Without any other way
 * it tries BACKUP_ENCRYPTION_KEY. Dies with status 1 if none of the keys opens it; with 2 if there are none;
 * with 3 if the slot for one of them is damaged. */
struct secret *keyring_open(const struct keyring *k, const struct head *h);

/* Dies with status 3 unless the holder of the public key in this file has signed this HEAD. */
void keyring_check_signer(const struct head *h, const char *path);

/* Asks for the passphrase of a private key: for pkey_read_private(), with a keyring. */
size_t keyring_passphrase(void *keyring, const char *path, char *out, size_t room);

#endif
