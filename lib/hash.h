/* hash.h - layer a: SHA-256 (FIPS 180-4), by OpenSSL. */
#ifndef BK_HASH_H
#define BK_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

struct sha256;

/* A context for many hashes, one after the other. Dies if OpenSSL has none. */
struct sha256 *sha256_open(void);
void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t n);
void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES]);
void sha256_close(struct sha256 *s);

#endif
