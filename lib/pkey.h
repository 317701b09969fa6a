/* pkey.h - layer a: pairs of keys in PEM files, by OpenSSL: X25519 (RFC 7748) and RSA with OAEP (RFC 8017) to
 * seal to, Ed25519 (RFC 8032) to sign with. The files are those of `openssl genpkey` and `openssl pkey
 * -pubout`.
 */
#ifndef BK_PKEY_H
#define BK_PKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

enum {
    PKEY_ID_BYTES = 8,
    PKEY_RAW_BYTES = 32, /* a public or private key of the two curves */
    PKEY_SIGNATURE_BYTES = 64,
    PKEY_RSA_BITS_MIN = 3072, /* as strong as 128 bits: NIST SP 800-57, part 1, table 2 */
};

enum pkey_type {
    PKEY_X25519,
    PKEY_RSA,
    PKEY_ED25519,
};

struct pkey;

/* Whoever knows the passphrase of an encrypted file: puts it into `out`, of `room` bytes, and returns how
 * many; it is wiped behind that. */
typedef size_t passphrase_fn(void *ctx, const char *path, char *out, size_t room);

/* Read a file. Die with status 1 if that cannot be done, or the passphrase is wrong; with status 2 if it is
 * no such key: of another kind, or too short. Freed with pkey_free(). */
struct pkey *pkey_read_public(const char *path);
struct pkey *pkey_read_private(const char *path, passphrase_fn *passphrase, void *ctx);
void pkey_free(struct pkey *k);

enum pkey_type pkey_type(const struct pkey *k);
/* The first bytes of SHA-256 of the public key as DER (SubjectPublicKeyInfo, RFC 5280). */
void pkey_id(const struct pkey *k, uint8_t id[PKEY_ID_BYTES]);
/* Of the two curves. */
void pkey_public(const struct pkey *k, uint8_t out[PKEY_RAW_BYTES]);

/* An X25519 key of these bytes; from random ones, a new pair. */
struct pkey *pkey_x25519(const uint8_t secret[PKEY_RAW_BYTES]);
/* What both sides of the exchange come to. False if it is all zeros, as some peers' keys make it. */
bool pkey_exchange(const struct pkey *k, const uint8_t peer[PKEY_RAW_BYTES], uint8_t shared[PKEY_RAW_BYTES]);

/* OAEP with SHA-256, and this label. The bytes are added to `out`; false if these are none that this key
 * opens to exactly `n` bytes. */
void pkey_rsa_seal(const struct pkey *k, const char *label, const void *in, size_t n, struct buf *out);
bool pkey_rsa_unseal(const struct pkey *k, const char *label, const void *in, size_t in_len, void *out,
                     size_t n);

void pkey_sign(const struct pkey *k, const void *bytes, size_t n, uint8_t signature[PKEY_SIGNATURE_BYTES]);
bool pkey_verify(const uint8_t public[PKEY_RAW_BYTES], const void *bytes, size_t n,
                 const uint8_t signature[PKEY_SIGNATURE_BYTES]);

#endif
