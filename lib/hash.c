#include "hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "mem.h"
#include "msg.h"

struct sha256 {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

static void check(int ok)
{
    if (!ok)
        die(FAILED, "OpenSSL cannot do SHA-256");
}

struct sha256 *sha256_open(void)
{
    struct sha256 *s = xmalloc(sizeof *s);

    s->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->ctx = EVP_MD_CTX_new();
    check(s->md && s->ctx);
    return s;
}

void sha256_begin(struct sha256 *s)
{
    check(EVP_DigestInit_ex2(s->ctx, s->md, NULL));
}

void sha256_add(struct sha256 *s, const void *bytes, size_t n)
{
    check(EVP_DigestUpdate(s->ctx, bytes, n));
}

void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES])
{
    check(EVP_DigestFinal_ex(s->ctx, out, NULL));
}

void sha256_close(struct sha256 *s)
{
    EVP_MD_CTX_free(s->ctx);
    EVP_MD_free(s->md);
    free(s);
}
