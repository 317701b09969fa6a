#include "pkey.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"

enum { PASSPHRASE_ROOM = 1024 };

struct pkey {
    EVP_PKEY *evp;
    enum pkey_type type;
};

static void check(bool ok, const char *what)
{
    if (!ok)
        die(FAILED, "OpenSSL cannot do %s", what);
}

static FILE *open_file(const char *path)
{
    FILE *f = fopen(path, "re");

    if (!f)
        die_errno("cannot open the key '%s'", path);
    return f;
}

static struct pkey *new_key(EVP_PKEY *evp, const char *path)
{
    struct pkey *k = xcalloc(1, sizeof *k);

    k->evp = evp;
    if (EVP_PKEY_is_a(evp, "X25519"))
        k->type = PKEY_X25519;
    else if (EVP_PKEY_is_a(evp, "ED25519"))
        k->type = PKEY_ED25519;
    else if (EVP_PKEY_is_a(evp, "RSA"))
        k->type = PKEY_RSA;
    else
        die(BAD_CALL,
            "the key '%s' is of a kind that bk does not use: make one by openssl genpkey -algorithm X25519",
            path);
    if (k->type == PKEY_RSA && EVP_PKEY_get_bits(evp) < PKEY_RSA_BITS_MIN)
        die(BAD_CALL, "the key '%s' is too short: RSA with %d bits, of at least %d", path,
            EVP_PKEY_get_bits(evp), PKEY_RSA_BITS_MIN);
    return k;
}

struct pkey *pkey_read_public(const char *path)
{
    FILE *f = open_file(path);
    EVP_PKEY *evp = PEM_read_PUBKEY(f, NULL, NULL, NULL);

    fclose(f);
    if (!evp) {
        hint("of a private key: openssl pkey -in KEY.pem -pubout -out PUB.pem");
        die(BAD_CALL, "'%s' holds no public key in PEM form", path);
    }
    return new_key(evp, path);
}

/* What PEM_read_PrivateKey() asks for a passphrase by. */
struct asking {
    passphrase_fn *passphrase;
    void *ctx;
    const char *path;
    bool asked;
};

static int ask_passphrase(char *out, int room, int writing, void *arg)
{
    struct asking *a = arg;
    size_t most = room < PASSPHRASE_ROOM ? (size_t)room : PASSPHRASE_ROOM;

    (void)writing;
    a->asked = true;
    return (int)a->passphrase(a->ctx, a->path, out, most);
}

struct pkey *pkey_read_private(const char *path, passphrase_fn *passphrase, void *ctx)
{
    struct asking asking = {passphrase, ctx, path, false};
    FILE *f = open_file(path);
    EVP_PKEY *evp = PEM_read_PrivateKey(f, NULL, ask_passphrase, &asking);

    fclose(f);
    if (!evp && asking.asked)
        die(FAILED, "the key '%s' does not open with this passphrase", path);
    if (!evp)
        die(BAD_CALL, "'%s' holds no private key in PEM form", path);
    return new_key(evp, path);
}

void pkey_free(struct pkey *k)
{
    if (k)
        EVP_PKEY_free(k->evp);
    free(k);
}

enum pkey_type pkey_type(const struct pkey *k)
{
    return k->type;
}

void pkey_id(const struct pkey *k, uint8_t id[PKEY_ID_BYTES])
{
    unsigned char *der = NULL, hash[EVP_MAX_MD_SIZE];
    int n = i2d_PUBKEY(k->evp, &der);

    check(n > 0 && EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)n, hash, NULL), "SHA-256");
    memcpy(id, hash, PKEY_ID_BYTES);
    OPENSSL_free(der);
}

void pkey_public(const struct pkey *k, uint8_t out[PKEY_RAW_BYTES])
{
    size_t n = PKEY_RAW_BYTES;

    check(EVP_PKEY_get_raw_public_key(k->evp, out, &n) == 1 && n == PKEY_RAW_BYTES, "raw keys");
}

struct pkey *pkey_x25519(const uint8_t secret[PKEY_RAW_BYTES])
{
    EVP_PKEY *evp = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, secret, PKEY_RAW_BYTES);

    check(evp, "X25519");
    return new_key(evp, "");
}

/* EVP_PKEY_derive() itself refuses a result of zeros. */
bool pkey_exchange(const struct pkey *k, const uint8_t peer[PKEY_RAW_BYTES], uint8_t shared[PKEY_RAW_BYTES])
{
    EVP_PKEY *other = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer, PKEY_RAW_BYTES);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
    size_t n = PKEY_RAW_BYTES;

    check(other && ctx && EVP_PKEY_derive_init(ctx) == 1, "X25519");
    bool ok = EVP_PKEY_derive_set_peer(ctx, other) == 1 && EVP_PKEY_derive(ctx, shared, &n) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(other);
    ERR_clear_error();
    return ok && n == PKEY_RAW_BYTES;
}

static EVP_PKEY_CTX *oaep(const struct pkey *k, int (*init)(EVP_PKEY_CTX *ctx, const OSSL_PARAM params[]),
                          const char *label)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_OAEP, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, (void *)label, strlen(label)),
        OSSL_PARAM_construct_end(),
    };

    check(ctx && init(ctx, params) == 1, "RSA-OAEP");
    return ctx;
}

void pkey_rsa_seal(const struct pkey *k, const char *label, const void *in, size_t n, struct buf *out)
{
    EVP_PKEY_CTX *ctx = oaep(k, EVP_PKEY_encrypt_init_ex, label);
    size_t len = (size_t)EVP_PKEY_get_size(k->evp);

    check(EVP_PKEY_encrypt(ctx, buf_room(out, len), &len, in, n) == 1, "RSA-OAEP");
    out->len += len;
    EVP_PKEY_CTX_free(ctx);
}

bool pkey_rsa_unseal(const struct pkey *k, const char *label, const void *in, size_t in_len, void *out,
                     size_t n)
{
    EVP_PKEY_CTX *ctx = oaep(k, EVP_PKEY_decrypt_init_ex, label);
    size_t len = (size_t)EVP_PKEY_get_size(k->evp);
    uint8_t *room = xmalloc(len);
    bool ok = in_len == len && EVP_PKEY_decrypt(ctx, room, &len, in, in_len) == 1 && len == n;

    if (ok)
        memcpy(out, room, n);
    OPENSSL_cleanse(room, (size_t)EVP_PKEY_get_size(k->evp));
    free(room);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

void pkey_sign(const struct pkey *k, const void *bytes, size_t n, uint8_t signature[PKEY_SIGNATURE_BYTES])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = PKEY_SIGNATURE_BYTES;

    check(ctx && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, k->evp, NULL) == 1 &&
              EVP_DigestSign(ctx, signature, &len, bytes, n) == 1 && len == PKEY_SIGNATURE_BYTES,
          "Ed25519");
    EVP_MD_CTX_free(ctx);
}

bool pkey_verify(const uint8_t public[PKEY_RAW_BYTES], const void *bytes, size_t n,
                 const uint8_t signature[PKEY_SIGNATURE_BYTES])
{
    EVP_PKEY *evp = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public, PKEY_RAW_BYTES);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    check(evp && ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, evp, NULL) == 1, "Ed25519");
    bool ok = EVP_DigestVerify(ctx, signature, PKEY_SIGNATURE_BYTES, bytes, n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(evp);
    ERR_clear_error();
    return ok;
}
