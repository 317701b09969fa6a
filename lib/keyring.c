#include "keyring.h"

#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "msg.h"
#include "pkey.h"
#include "seal.h"
#include "slot.h"

static const char variable[] = "BACKUP_ENCRYPTION_KEY";

static char *no_variable[] = {(char *)variable, NULL}; /* children have no business with it */

/* What tries to open: read once, for all slots. */
struct keys {
    struct pkey **identity;
    size_t identities;
    struct secret *secret[2]; /* keys or passphrases; NULL: none */
    const char *unwrap;
};

static bool has_passphrase(const struct keyring *k)
{
    return k->passphrase || k->passphrase_file;
}

bool keyring_seals(const struct keyring *k)
{
    return k->recipients.count > 0 || has_passphrase(k) || k->key_file || k->wrap;
}

/* What -p means: it may be a key as well. NULL only without -p, if the variable is not set. */
static struct secret *find_passphrase(const struct keyring *k, bool twice)
{
    if (k->passphrase_file)
        return secret_from_file(k->passphrase_file);
    struct secret *s = secret_from_environment(variable);
    return s || !k->passphrase ? s : secret_from_terminal("passphrase of the backup", twice);
}

size_t keyring_passphrase(void *keyring, const char *path, char *out, size_t room)
{
    const struct keyring *k = keyring;
    char *what = xasprintf("passphrase of the key '%s'", path);
    struct secret *s =
        k->passphrase_file ? secret_from_file(k->passphrase_file) : secret_from_terminal(what, false);
    size_t n = s->len < room ? s->len : room;

    memcpy(out, s->bytes, n);
    secret_free(s);
    free(what);
    return n;
}

static void add_slot(struct fields *slots, struct buf *value)
{
    fields_add(slots, "slot", buf_str(value));
    buf_free(value);
}

static void add_recipient(const char *path, const struct secret *dek, struct fields *slots)
{
    struct pkey *key = pkey_read_public(path);
    struct buf value = {0};
    uint8_t random[KEY_BYTES];

    if (pkey_type(key) == PKEY_ED25519)
        die(BAD_CALL, "the key '%s' is for signatures, and nobody can be sealed to by it", path);
    crypt_random(random, sizeof random);
    slot_public(key, dek->bytes, random, &value);
    crypt_wipe(random, sizeof random);
    add_slot(slots, &value);
    pkey_free(key);
}

static void add_secret(struct secret *s, const struct secret *dek, struct fields *slots)
{
    struct buf value = {0};
    uint8_t salt[SLOT_SALT_BYTES];

    crypt_random(salt, sizeof salt);
    if (s->is_key)
        slot_key(s->bytes, dek->bytes, salt, &value);
    else
        slot_passphrase(s->bytes, s->len, SLOT_LOG_N, dek->bytes, salt, &value);
    add_slot(slots, &value);
    secret_free(s);
}

static void add_command(const char *command, const struct secret *dek, struct fields *slots)
{
    struct buf blob = {0}, value = {0};

    child_filter(command, no_variable, dek->bytes, KEY_BYTES, SLOT_BLOB_MAX, &blob);
    if (blob.len == 0)
        die(FAILED, "the command '%s' wrote nothing", command);
    slot_command(blob.data, blob.len, &value);
    add_slot(slots, &value);
    buf_free(&blob);
}

void keyring_make_slots(const struct keyring *k, const struct secret *dek, struct fields *slots)
{
    for (size_t i = 0; i < k->recipients.count; i++)
        add_recipient(k->recipients.value[i], dek, slots);
    if (k->key_file)
        add_secret(secret_key_from_file(k->key_file), dek, slots);
    if (has_passphrase(k))
        add_secret(find_passphrase(k, true), dek, slots);
    if (k->wrap)
        add_command(k->wrap, dek, slots);
    if (slots->count > SLOTS_MAX)
        die(BAD_CALL, "a backup is sealed to at most %d", SLOTS_MAX);
}

static enum slot_opened open_by_command(const struct slot *s, const char *command, struct secret *dek)
{
    struct buf out = {0};

    child_filter(command, no_variable, s->wrapped.data, s->wrapped.len, KEY_BYTES, &out);
    bool ok = out.len == KEY_BYTES;
    if (ok)
        memcpy(dek->bytes, out.data, KEY_BYTES);
    if (out.data)
        crypt_wipe(out.data, out.len);
    buf_free(&out);
    if (!ok)
        die(FAILED, "the command '%s' did not write a data key of %d bytes", command, KEY_BYTES);
    return SLOT_OPENED;
}

static enum slot_opened open_slot(const struct slot *s, const struct keys *k, struct secret *dek)
{
    enum slot_opened opened = SLOT_NOT_OURS;

    for (size_t i = 0; i < k->identities && !opened; i++)
        opened = slot_open_public(s, k->identity[i], dek->bytes);
    for (size_t i = 0; i < 2 && !opened; i++) {
        const struct secret *secret = k->secret[i];
        if (secret && s->type == SLOT_SCRYPT && !secret->is_key)
            opened = slot_open_passphrase(s, secret->bytes, secret->len, dek->bytes);
        if (secret && s->type == SLOT_KEY && secret->is_key)
            opened = slot_open_key(s, secret->bytes, dek->bytes);
    }
    if (!opened && s->type == SLOT_CMD && k->unwrap)
        opened = open_by_command(s, k->unwrap, dek);
    return opened;
}

/* "x25519 0123456789abcdef, scrypt ...": type and id of each slot. */
static char *slot_names(const struct head *h)
{
    struct buf b = {0};

    for (size_t i = 0; i < h->fields.count; i++) {
        const char *value = h->fields.line[i].value, *blank = strchr(value, ' ');
        if (strcmp(h->fields.line[i].name, "slot") != 0 || !blank)
            continue;
        int n = (int)(blank - value) + 1 + (int)strcspn(blank + 1, " ");
        buf_addf(&b, "%s%.*s", b.len ? ", " : "", n, value);
    }
    return buf_str(&b);
}

/* The variable is looked at where nothing else is named. */
static struct keys read_keys(const struct keyring *k, const struct head *h)
{
    struct keys keys = {.identities = k->identities.count, .unwrap = k->unwrap};
    bool other = k->identities.count > 0 || k->unwrap || k->key_file;

    keys.identity = xcalloc(keys.identities + 1, sizeof keys.identity[0]);
    for (size_t i = 0; i < keys.identities; i++)
        keys.identity[i] = pkey_read_private(k->identities.value[i], keyring_passphrase, (void *)k);
    if (k->key_file)
        keys.secret[0] = secret_key_from_file(k->key_file);
    if (has_passphrase(k) || !other)
        keys.secret[1] = find_passphrase(k, false);
    if (!other && !keys.secret[1]) {
        hint("-i KEY.pem, -p, -k KEYFILE or --unwrap CMD; or set %s", variable);
        die(BAD_CALL, "it is sealed to: %s; say what opens it", slot_names(h));
    }
    return keys;
}

static void free_keys(struct keys *k)
{
    for (size_t i = 0; i < k->identities; i++)
        pkey_free(k->identity[i]);
    free(k->identity);
    secret_free(k->secret[0]);
    secret_free(k->secret[1]);
}

struct secret *keyring_open(const struct keyring *k, const struct head *h)
{
    struct keys keys = read_keys(k, h);
    struct secret *dek = secret_new();
    enum slot_opened opened = SLOT_NOT_OURS;

    for (size_t i = 0; i < h->fields.count && !opened; i++) {
        if (strcmp(h->fields.line[i].name, "slot") != 0)
            continue;
        struct slot s = slot_decode(h->fields.line[i].value);
        opened = open_slot(&s, &keys, dek);
        slot_free(&s);
    }
    if (opened == SLOT_DAMAGED)
        die(BAD_DATA, "the slot for your key is damaged");
    if (opened == SLOT_NOT_OURS)
        die(FAILED, "none of your keys opens this backup (it is sealed to: %s)", slot_names(h));
    free_keys(&keys);
    return dek;
}

void keyring_check_signer(const struct head *h, const char *path)
{
    struct pkey *k = pkey_read_public(path);
    uint8_t public[PKEY_RAW_BYTES];

    if (pkey_type(k) != PKEY_ED25519)
        die(BAD_CALL, "the key '%s' is not one that signs", path);
    pkey_public(k, public);
    const char *wrong = seal_check_head(h);
    wrong = wrong ? wrong : seal_check_signature(h, public);
    if (wrong)
        die(BAD_DATA, "the stream is not from the holder of '%s': %s", path, wrong);
    pkey_free(k);
}
