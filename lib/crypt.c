#include "crypt.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"

static void check(bool ok, const char *what)
{
    if (!ok)
        die(FAILED, "OpenSSL cannot do %s", what);
}

void crypt_random(void *out, size_t n)
{
    check(RAND_bytes(out, (int)n) == 1, "random numbers");
}

void crypt_wipe(void *secret, size_t n)
{
    OPENSSL_cleanse(secret, n);
}

/* EVP_DecodeBlock() counts the padding as a byte, and takes blanks around. */
bool crypt_base64_key(const char *text, uint8_t key[KEY_BYTES])
{
    enum { TEXT = 44, ROOM = 33 };
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t room[ROOM];
    bool ok = strspn(text, alphabet) == TEXT - 1 && text[TEXT - 1] == '=' &&
              EVP_DecodeBlock(room, (const unsigned char *)text, TEXT) == ROOM;

    if (ok)
        memcpy(key, room, KEY_BYTES);
    crypt_wipe(room, sizeof room);
    return ok;
}

bool crypt_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

void crypt_sha256(const void *bytes, size_t n, uint8_t out[KEY_BYTES])
{
    check(EVP_Q_digest(NULL, "SHA256", NULL, bytes, n, out, NULL), "SHA-256");
}

void crypt_hmac(const uint8_t key[KEY_BYTES], const void *bytes, size_t n, uint8_t out[KEY_BYTES])
{
    size_t got = 0;

    check(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, KEY_BYTES, bytes, n, out, KEY_BYTES, &got) &&
              got == KEY_BYTES,
          "HMAC-SHA256");
}

static OSSL_PARAM octets(const char *name, const void *bytes, size_t n)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)bytes, n);
}

static void derive(const char *name, const OSSL_PARAM params[], uint8_t *out, size_t n)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;

    check(ctx && EVP_KDF_derive(ctx, out, n, params) == 1, name);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void hkdf(const char *mode, OSSL_PARAM key, OSSL_PARAM other, uint8_t *out, size_t n)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, (char *)mode, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, "SHA256", 0),
        key,
        other,
        OSSL_PARAM_construct_end(),
    };

    derive("HKDF", params, out, n);
}

void crypt_extract(const void *salt, size_t salt_len, const void *ikm, size_t ikm_len, uint8_t prk[KEY_BYTES])
{
    hkdf("EXTRACT_ONLY", octets(OSSL_KDF_PARAM_KEY, ikm, ikm_len),
         octets(OSSL_KDF_PARAM_SALT, salt, salt_len), prk, KEY_BYTES);
}

void crypt_expand(const uint8_t prk[KEY_BYTES], const void *info, size_t info_len, uint8_t *out, size_t n)
{
    hkdf("EXPAND_ONLY", octets(OSSL_KDF_PARAM_KEY, prk, KEY_BYTES),
         octets(OSSL_KDF_PARAM_INFO, info, info_len), out, n);
}

void crypt_scrypt(const void *pass, size_t pass_len, const void *salt, size_t salt_len, int log_n,
                  uint8_t out[KEY_BYTES])
{
    uint64_t n = (uint64_t)1 << log_n, memory = 2 * 1024 * n + (1 << 20);
    uint32_t r = 8, p = 1;
    const OSSL_PARAM params[] = {
        octets(OSSL_KDF_PARAM_PASSWORD, pass, pass_len),
        octets(OSSL_KDF_PARAM_SALT, salt, salt_len),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end(),
    };

    derive("SCRYPT", params, out, KEY_BYTES);
}

/* The cipher and the key are set up once; each message only sets its nonce. */
struct aead {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *seal, *unseal;
};

struct aead *aead_open(enum aead_kind kind, const uint8_t key[KEY_BYTES])
{
    struct aead *a = xcalloc(1, sizeof *a);
    const char *name = kind == AEAD_AES_256_GCM ? "AES-256-GCM" : "ChaCha20-Poly1305";

    a->cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    a->seal = EVP_CIPHER_CTX_new();
    a->unseal = EVP_CIPHER_CTX_new();
    check(a->cipher && a->seal && a->unseal &&
              EVP_EncryptInit_ex2(a->seal, a->cipher, key, NULL, NULL) == 1 &&
              EVP_DecryptInit_ex2(a->unseal, a->cipher, key, NULL, NULL) == 1,
          name);
    return a;
}

void aead_seal(struct aead *a, const uint8_t nonce[NONCE_BYTES], const void *aad, size_t aad_len,
               const uint8_t *in, size_t n, uint8_t *out)
{
    int len = 0;
    bool ok = EVP_EncryptInit_ex2(a->seal, NULL, NULL, nonce, NULL) == 1;

    ok = ok && (aad_len == 0 || EVP_EncryptUpdate(a->seal, NULL, &len, aad, (int)aad_len) == 1);
    ok = ok && (n == 0 || EVP_EncryptUpdate(a->seal, out, &len, in, (int)n) == 1);
    ok = ok && EVP_EncryptFinal_ex(a->seal, out + n, &len) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(a->seal, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, out + n) == 1;
    check(ok, "encryption");
}

bool aead_unseal(struct aead *a, const uint8_t nonce[NONCE_BYTES], const void *aad, size_t aad_len,
                 const uint8_t *in, size_t n, uint8_t *out)
{
    int len = 0;

    if (n < TAG_BYTES)
        return false;
    n -= TAG_BYTES;
    bool ok = EVP_DecryptInit_ex2(a->unseal, NULL, NULL, nonce, NULL) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(a->unseal, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, (void *)(in + n)) == 1;
    ok = ok && (aad_len == 0 || EVP_DecryptUpdate(a->unseal, NULL, &len, aad, (int)aad_len) == 1);
    ok = ok && (n == 0 || EVP_DecryptUpdate(a->unseal, out, &len, in, (int)n) == 1);
    check(ok, "decryption");
    return EVP_DecryptFinal_ex(a->unseal, out + n, &len) == 1;
}

void aead_close(struct aead *a)
{
    EVP_CIPHER_CTX_free(a->seal);
    EVP_CIPHER_CTX_free(a->unseal);
    EVP_CIPHER_free(a->cipher);
    free(a);
}
