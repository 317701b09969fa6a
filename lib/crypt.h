/* crypt.h - layer a: what the seal needs of symmetric cryptography, by OpenSSL.
 *
 * HKDF-SHA256 (RFC 5869), HMAC-SHA256 (RFC 2104), scrypt (RFC 7914), and two AEADs: AES-256-GCM (NIST SP
 * 800-38D) and ChaCha20-Poly1305 (RFC 8439). What OpenSSL cannot do ends the program with status 1.
 */
#ifndef BK_CRYPT_H
#define BK_CRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEY_BYTES = 32, /* of every key, and of each SHA-256 */
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
};

void crypt_random(void *out, size_t n);

/* Overwrites a secret, also where a compiler thinks that nobody will look. */
void crypt_wipe(void *secret, size_t n);

/* 44 characters of base64 (RFC 4648) that are KEY_BYTES; false if they are not. */
bool crypt_base64_key(const char *text, uint8_t key[KEY_BYTES]);

/* In a time that does not depend on where they differ. */
bool crypt_equal(const void *a, const void *b, size_t n);

void crypt_sha256(const void *bytes, size_t n, uint8_t out[KEY_BYTES]);
void crypt_hmac(const uint8_t key[KEY_BYTES], const void *bytes, size_t n, uint8_t out[KEY_BYTES]);

/* HKDF in its two steps. */
void crypt_extract(const void *salt, size_t salt_len, const void *ikm, size_t ikm_len,
                   uint8_t prk[KEY_BYTES]);
void crypt_expand(const uint8_t prk[KEY_BYTES], const void *info, size_t info_len, uint8_t *out, size_t n);

/* N = 2^log_n, r = 8, p = 1: takes 1 KiB times N of memory. */
void crypt_scrypt(const void *pass, size_t pass_len, const void *salt, size_t salt_len, int log_n,
                  uint8_t out[KEY_BYTES]);

enum aead_kind {
    AEAD_AES_256_GCM,
    AEAD_CHACHA20_POLY1305,
};

/* A key that is set up once, for many messages, by one thread at a time. */
struct aead;
struct aead *aead_open(enum aead_kind kind, const uint8_t key[KEY_BYTES]);
/* `out` gets n + TAG_BYTES bytes. The same nonce must never come twice with other contents. */
void aead_seal(struct aead *a, const uint8_t nonce[NONCE_BYTES], const void *aad, size_t aad_len,
               const uint8_t *in, size_t n, uint8_t *out);
/* `in` is n bytes, of which the last TAG_BYTES are the tag; `out` gets what is before them. False if the tag
 * is wrong: then `out` is not to be used. */
bool aead_unseal(struct aead *a, const uint8_t nonce[NONCE_BYTES], const void *aad, size_t aad_len,
                 const uint8_t *in, size_t n, uint8_t *out);
void aead_close(struct aead *a);

#endif
