#include "slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"

enum {
    WRAPPED_BYTES = KEY_BYTES + TAG_BYTES,
    WORDS_MAX = 5,
    RSA_BYTES_MAX = 2048, /* of a key of 16384 bits, OpenSSL's limit */
};

static const char rsa_label[] = "bk1 slot rsa";
static const uint8_t no_nonce[NONCE_BYTES]; /* each key wraps once */

static void add_hex(struct buf *b, const void *bytes, size_t n)
{
    char *hex = xmalloc(2 * n + 1);

    format_hex(bytes, n, hex);
    buf_addc(b, ' ');
    buf_adds(b, hex);
    free(hex);
}

static void begin(struct buf *value, const char *type, const uint8_t id[PKEY_ID_BYTES])
{
    buf_adds(value, type);
    add_hex(value, id, PKEY_ID_BYTES);
}

/* The beginning of SHA-256. */
static void begin_by_hash(struct buf *value, const char *type, const void *bytes, size_t n)
{
    uint8_t hash[KEY_BYTES];

    crypt_sha256(bytes, n, hash);
    begin(value, type, hash);
}

static void add_wrapped(struct buf *value, uint8_t kek[KEY_BYTES], const uint8_t dek[KEY_BYTES])
{
    struct aead *a = aead_open(AEAD_AES_256_GCM, kek);
    uint8_t wrapped[WRAPPED_BYTES];

    aead_seal(a, no_nonce, NULL, 0, dek, KEY_BYTES, wrapped);
    add_hex(value, wrapped, sizeof wrapped);
    aead_close(a);
    crypt_wipe(kek, KEY_BYTES);
}

static bool unwrap(const struct slot *s, uint8_t kek[KEY_BYTES], uint8_t dek[KEY_BYTES])
{
    struct aead *a = aead_open(AEAD_AES_256_GCM, kek);
    bool ok = aead_unseal(a, no_nonce, NULL, 0, s->wrapped.data, s->wrapped.len, dek);

    aead_close(a);
    crypt_wipe(kek, KEY_BYTES);
    return ok;
}

static void derive(const void *salt, size_t salt_len, const uint8_t ikm[KEY_BYTES], const char *info,
                   uint8_t kek[KEY_BYTES])
{
    uint8_t prk[KEY_BYTES];

    crypt_extract(salt, salt_len, ikm, KEY_BYTES, prk);
    crypt_expand(prk, info, strlen(info), kek, KEY_BYTES);
    crypt_wipe(prk, sizeof prk);
}

/* The salt is what both sides know: the ephemeral key, and the recipient's. False if the exchange gives
 * nothing. */
static bool exchange(const struct pkey *own, const uint8_t *peer, const uint8_t *ephemeral,
                     const uint8_t *recipient, uint8_t kek[KEY_BYTES])
{
    uint8_t shared[KEY_BYTES], salt[2 * KEY_BYTES];

    if (!pkey_exchange(own, peer, shared))
        return false;
    memcpy(salt, ephemeral, KEY_BYTES);
    memcpy(salt + KEY_BYTES, recipient, KEY_BYTES);
    derive(salt, sizeof salt, shared, "bk1 slot x25519", kek);
    crypt_wipe(shared, sizeof shared);
    return true;
}

static void add_x25519(const struct pkey *k, const uint8_t dek[KEY_BYTES], const uint8_t *random,
                       struct buf *value)
{
    struct pkey *pair = pkey_x25519(random);
    uint8_t ephemeral[KEY_BYTES], recipient[KEY_BYTES], kek[KEY_BYTES];

    pkey_public(pair, ephemeral);
    pkey_public(k, recipient);
    if (!exchange(pair, recipient, ephemeral, recipient, kek))
        die(BAD_CALL, "a public key that makes no secret: it is none");
    add_hex(value, ephemeral, sizeof ephemeral);
    add_wrapped(value, kek, dek);
    pkey_free(pair);
}

void slot_public(const struct pkey *k, const uint8_t dek[KEY_BYTES], const uint8_t *random, struct buf *value)
{
    struct buf sealed = {0};
    uint8_t id[PKEY_ID_BYTES];

    pkey_id(k, id);
    if (pkey_type(k) == PKEY_X25519) {
        begin(value, "x25519", id);
        add_x25519(k, dek, random, value);
        return;
    }
    begin(value, "rsa", id);
    pkey_rsa_seal(k, rsa_label, dek, KEY_BYTES, &sealed);
    add_hex(value, sealed.data, sealed.len);
    buf_free(&sealed);
}

/* The prefix keeps a salt from being one of another use of scrypt. */
static void stretch(const void *pass, size_t n, int log_n, const uint8_t *random, uint8_t kek[KEY_BYTES])
{
    static const char prefix[] = "bk1 slot scrypt";
    uint8_t salt[sizeof prefix - 1 + SLOT_SALT_BYTES];

    memcpy(salt, prefix, sizeof prefix - 1);
    memcpy(salt + sizeof prefix - 1, random, SLOT_SALT_BYTES);
    crypt_scrypt(pass, n, salt, sizeof salt, log_n, kek);
}

void slot_passphrase(const void *pass, size_t n, int log_n, const uint8_t dek[KEY_BYTES],
                     const uint8_t *random, struct buf *value)
{
    uint8_t kek[KEY_BYTES];

    begin_by_hash(value, "scrypt", random, SLOT_SALT_BYTES);
    buf_addf(value, " %d", log_n);
    add_hex(value, random, SLOT_SALT_BYTES);
    stretch(pass, n, log_n, random, kek);
    add_wrapped(value, kek, dek);
}

void slot_key(const uint8_t key[KEY_BYTES], const uint8_t dek[KEY_BYTES], const uint8_t *random,
              struct buf *value)
{
    uint8_t kek[KEY_BYTES];

    begin_by_hash(value, "key", random, SLOT_SALT_BYTES);
    add_hex(value, random, SLOT_SALT_BYTES);
    derive(random, SLOT_SALT_BYTES, key, "bk1 slot key", kek);
    add_wrapped(value, kek, dek);
}

void slot_command(const void *blob, size_t n, struct buf *value)
{
    begin_by_hash(value, "cmd", blob, n);
    add_hex(value, blob, n);
}

/* Words between single blanks, in place. Returns how many; more than WORDS_MAX if there are too many. */
static size_t split(char *line, char *word[WORDS_MAX])
{
    size_t n = 0;

    for (char *at = line; at; n++) {
        if (n == WORDS_MAX)
            return n + 1;
        word[n] = at;
        at = strchr(at, ' ');
        if (at)
            *at++ = '\0';
    }
    return n;
}

static bool take_hex(const char *word, size_t least, size_t most, struct buf *out)
{
    size_t n = strlen(word) / 2;

    if (n < least || n > most || !parse_hex(word, buf_room(out, n), n))
        return false;
    out->len += n;
    return true;
}

static bool take_salt(const char *word, size_t n, uint8_t *salt)
{
    return parse_hex(word, salt, n);
}

static bool take_log_n(const char *word, int *log_n)
{
    uint64_t n;

    if (!parse_u64(word, &n) || n < 1 || n > SLOT_LOG_N_MAX)
        return false;
    *log_n = (int)n;
    return true;
}

static enum slot_type type_of(const char *word)
{
    static const char *const names[] = {[SLOT_X25519] = "x25519",
                                        [SLOT_RSA] = "rsa",
                                        [SLOT_SCRYPT] = "scrypt",
                                        [SLOT_KEY] = "key",
                                        [SLOT_CMD] = "cmd"};

    for (size_t i = SLOT_X25519; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(word, names[i]) == 0)
            return (enum slot_type)i;
    return SLOT_UNKNOWN;
}

/* The words behind type and id. */
static bool has_shape(struct slot *s, char *const word[], size_t n)
{
    switch (s->type) {
    case SLOT_X25519:
        return n == 4 && take_salt(word[2], KEY_BYTES, s->salt) &&
               take_hex(word[3], WRAPPED_BYTES, WRAPPED_BYTES, &s->wrapped);
    case SLOT_RSA:
        return n == 3 && take_hex(word[2], PKEY_RSA_BITS_MIN / 8, RSA_BYTES_MAX, &s->wrapped);
    case SLOT_SCRYPT:
        return n == 5 && take_log_n(word[2], &s->log_n) && take_salt(word[3], SLOT_SALT_BYTES, s->salt) &&
               take_hex(word[4], WRAPPED_BYTES, WRAPPED_BYTES, &s->wrapped);
    case SLOT_KEY:
        return n == 4 && take_salt(word[2], SLOT_SALT_BYTES, s->salt) &&
               take_hex(word[3], WRAPPED_BYTES, WRAPPED_BYTES, &s->wrapped);
    case SLOT_CMD:
        return n == 3 && take_hex(word[2], 1, SLOT_BLOB_MAX, &s->wrapped);
    default:
        return true;
    }
}

/* Anybody can check an id that is a hash of what stands beside it. */
static bool has_own_id(const struct slot *s)
{
    bool salted = s->type == SLOT_SCRYPT || s->type == SLOT_KEY;
    uint8_t hash[KEY_BYTES];

    if (!salted && s->type != SLOT_CMD)
        return true;
    crypt_sha256(salted ? s->salt : s->wrapped.data, salted ? SLOT_SALT_BYTES : s->wrapped.len, hash);
    return memcmp(hash, s->id, sizeof s->id) == 0;
}

struct slot slot_decode(const char *value)
{
    struct slot s = {.type = SLOT_UNKNOWN};
    char *line = xstrdup(value), *word[WORDS_MAX];
    size_t n = split(line, word);

    s.type = type_of(word[0]);
    if (s.type != SLOT_UNKNOWN && (n > WORDS_MAX || n < 3 || !parse_hex(word[1], s.id, sizeof s.id) ||
                                   !has_shape(&s, word, n) || !has_own_id(&s)))
        s.type = SLOT_WRONG;
    free(line);
    return s;
}

void slot_free(struct slot *s)
{
    buf_free(&s->wrapped);
}

enum slot_opened slot_open_public(const struct slot *s, const struct pkey *k, uint8_t dek[KEY_BYTES])
{
    enum slot_type type = pkey_type(k) == PKEY_RSA ? SLOT_RSA : SLOT_X25519;
    uint8_t id[PKEY_ID_BYTES], recipient[KEY_BYTES], kek[KEY_BYTES];
    bool ok;

    pkey_id(k, id);
    if (type != s->type || pkey_type(k) == PKEY_ED25519 || memcmp(id, s->id, sizeof id) != 0)
        return SLOT_NOT_OURS;
    if (type == SLOT_RSA) {
        ok = pkey_rsa_unseal(k, rsa_label, s->wrapped.data, s->wrapped.len, dek, KEY_BYTES);
    } else {
        pkey_public(k, recipient);
        ok = exchange(k, s->salt, s->salt, recipient, kek) && unwrap(s, kek, dek);
    }
    return ok ? SLOT_OPENED : SLOT_DAMAGED;
}

enum slot_opened slot_open_passphrase(const struct slot *s, const void *pass, size_t n,
                                      uint8_t dek[KEY_BYTES])
{
    uint8_t kek[KEY_BYTES];

    stretch(pass, n, s->log_n, s->salt, kek);
    return unwrap(s, kek, dek) ? SLOT_OPENED : SLOT_NOT_OURS;
}

enum slot_opened slot_open_key(const struct slot *s, const uint8_t key[KEY_BYTES], uint8_t dek[KEY_BYTES])
{
    uint8_t kek[KEY_BYTES];

    derive(s->salt, SLOT_SALT_BYTES, key, "bk1 slot key", kek);
    return unwrap(s, kek, dek) ? SLOT_OPENED : SLOT_NOT_OURS;
}
