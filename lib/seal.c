#include "seal.h"

#include <stdlib.h>
#include <string.h>

#include "slot.h"
#include "stream.h"

enum { AAD_BYTES = 24 }; /* of a frame's header: type, flags, seq, item, part */

struct seal {
    enum aead_kind kind;
    uint8_t hash[KEY_BYTES]; /* of the record */
    uint8_t aead[KEY_BYTES], nonce[NONCE_BYTES], commit[KEY_BYTES], mac[KEY_BYTES], quiet[KEY_BYTES];
};

static const uint8_t no_nonce[NONCE_BYTES]; /* the key of `quiet` is used once */

static const struct {
    const char *name;
    enum aead_kind kind;
} aeads[] = {{"aes-256-gcm", AEAD_AES_256_GCM}, {"chacha20-poly1305", AEAD_CHACHA20_POLY1305}};

void seal_encode_step(enum aead_kind kind, const uint8_t salt[KEY_BYTES], struct buf *out)
{
    char hex[2 * KEY_BYTES + 1];

    format_hex(salt, KEY_BYTES, hex);
    for (size_t i = 0; i < sizeof aeads / sizeof aeads[0]; i++)
        if (aeads[i].kind == kind)
            buf_addf(out, "seal aead=%s salt=%s", aeads[i].name, hex);
}

const char *seal_decode_step(const char *step, enum aead_kind *kind, uint8_t salt[KEY_BYTES])
{
    for (size_t i = 0; i < sizeof aeads / sizeof aeads[0]; i++) {
        char *begin = xasprintf("seal aead=%s salt=", aeads[i].name);
        size_t n = strlen(begin);
        bool ok = strncmp(step, begin, n) == 0 && parse_hex(step + n, salt, KEY_BYTES);
        free(begin);
        *kind = aeads[i].kind;
        if (ok)
            return NULL;
    }
    return "it is sealed in a way that this bk does not know: made by a newer bk";
}

/* HKDF-Expand with "bk1 LABEL", a zero byte, and the record's hash. */
static void expand(const struct seal *s, const uint8_t prk[KEY_BYTES], const char *label, uint8_t *out,
                   size_t n)
{
    struct buf info = {0};

    buf_addf(&info, "bk1 %s", label);
    buf_addc(&info, '\0');
    buf_add(&info, s->hash, KEY_BYTES);
    crypt_expand(prk, info.data, info.len, out, n);
    buf_free(&info);
}

static void hash_record(const struct head *h, uint8_t hash[KEY_BYTES])
{
    struct buf record = {0};

    head_record(h, &record);
    crypt_sha256(record.data, record.len, hash);
    buf_free(&record);
}

struct seal *seal_open(const struct head *h, const uint8_t dek[KEY_BYTES])
{
    struct seal *s = xcalloc(1, sizeof *s);
    uint8_t salt[KEY_BYTES], prk[KEY_BYTES];

    if (seal_decode_step(head_last_step(h), &s->kind, salt))
        bug();
    hash_record(h, s->hash);
    crypt_extract(salt, KEY_BYTES, dek, KEY_BYTES, prk);
    expand(s, prk, "aead", s->aead, KEY_BYTES);
    expand(s, prk, "nonce", s->nonce, NONCE_BYTES);
    expand(s, prk, "commit", s->commit, KEY_BYTES);
    expand(s, prk, "mac", s->mac, KEY_BYTES);
    expand(s, prk, "quiet", s->quiet, KEY_BYTES);
    crypt_wipe(prk, sizeof prk);
    return s;
}

void seal_close(struct seal *s)
{
    if (s)
        crypt_wipe(s, sizeof *s);
    free(s);
}

static void add_hex_line(struct fields *f, const char *name, const void *bytes, size_t n)
{
    char *hex = xmalloc(2 * n + 1);

    format_hex(bytes, n, hex);
    fields_add(f, name, hex);
    free(hex);
}

static bool is_quiet_line(const char *name)
{
    return strcmp(name, "label") == 0 || strcmp(name, "tag") == 0 || strcmp(name, "host") == 0;
}

void seal_take_quiet(struct head *h, struct fields *quiet)
{
    for (size_t i = 0; i < h->fields.count;) {
        const struct field *line = &h->fields.line[i];
        if (!is_quiet_line(line->name)) {
            i++;
            continue;
        }
        fields_add(quiet, line->name, line->value);
        fields_remove(&h->fields, i);
    }
}

/* "bk1 sign", a zero byte, the record's hash, the commitment. */
static void signed_bytes(const uint8_t hash[KEY_BYTES], const uint8_t commit[KEY_BYTES], struct buf *out)
{
    buf_adds(out, "bk1 sign");
    buf_addc(out, '\0');
    buf_add(out, hash, KEY_BYTES);
    buf_add(out, commit, KEY_BYTES);
}

static void add_signature(struct head *h, const struct seal *s, const struct pkey *signer)
{
    uint8_t public[PKEY_RAW_BYTES], signature[PKEY_SIGNATURE_BYTES];
    char key_hex[2 * sizeof public + 1], hex[2 * sizeof signature + 1];
    struct buf bytes = {0};

    signed_bytes(s->hash, s->commit, &bytes);
    pkey_public(signer, public);
    pkey_sign(signer, bytes.data, bytes.len, signature);
    format_hex(public, sizeof public, key_hex);
    format_hex(signature, sizeof signature, hex);
    fields_addf(&h->fields, "sign", "ed25519 %s %s", key_hex, hex);
    buf_free(&bytes);
}

static void add_quiet(struct head *h, const struct seal *s, const struct fields *quiet)
{
    struct aead *a = aead_open(s->kind, s->quiet);
    struct buf lines = {0}, sealed = {0};

    fields_encode(quiet, &lines);
    aead_seal(a, no_nonce, s->hash, KEY_BYTES, lines.data, lines.len,
              buf_room(&sealed, lines.len + TAG_BYTES));
    add_hex_line(&h->fields, "quiet", sealed.data, lines.len + TAG_BYTES);
    aead_close(a);
    buf_free(&lines);
    buf_free(&sealed);
}

/* HMAC over a word, a zero byte, and lines. */
static void mac_lines(const struct seal *s, const char *word, const struct field *line, size_t count,
                      uint8_t mac[KEY_BYTES])
{
    const struct fields lines = {.line = (struct field *)line, .count = count};
    struct buf bytes = {0};

    buf_adds(&bytes, word);
    buf_addc(&bytes, '\0');
    fields_encode(&lines, &bytes);
    crypt_hmac(s->mac, bytes.data, bytes.len, mac);
    buf_free(&bytes);
}

/* The number of the first line of this name. */
static size_t line_of(const struct fields *f, const char *name)
{
    size_t i = 0;

    while (i < f->count && strcmp(f->line[i].name, name) != 0)
        i++;
    return i;
}

static const char pad_line[] = "pad: \n"; /* and the dots */

/* Bytes of magic and HEAD. */
static size_t whole_bytes(const struct head *h)
{
    struct buf body = {0};

    head_encode(h, &body);
    size_t n = MAGIC_BYTES + FRAME_HEADER_BYTES + body.len;
    buf_free(&body);
    return n;
}

static void add_dots(struct head *h, size_t n)
{
    struct buf dots = {0};

    while (dots.len < n)
        buf_addc(&dots, '.');
    fields_add(&h->fields, "pad", buf_str(&dots));
    buf_free(&dots);
}

/* Whole blocks, at least SEAL_FREE of them dots. */
static void add_pad(struct head *h)
{
    size_t fixed = whole_bytes(h) + strlen(pad_line);
    size_t whole = (fixed + SEAL_FREE + SEAL_BLOCK - 1) / SEAL_BLOCK * SEAL_BLOCK;

    if (whole - MAGIC_BYTES - FRAME_HEADER_BYTES > FRAME_MAX_FIELDS)
        die(BAD_CALL, "HEAD would be longer than %d bytes: too many tags, steps or recipients",
            FRAME_MAX_FIELDS);
    add_dots(h, whole - fixed);
}

/* Exactly that long. A few bytes are too few for a line. */
static bool fit_pad(struct head *h, size_t whole)
{
    size_t n = whole_bytes(h);

    if (n == whole)
        return true;
    if (n + strlen(pad_line) > whole)
        return false;
    add_dots(h, whole - n - strlen(pad_line));
    return true;
}

static void add_slots_mac(struct head *h, const struct seal *s)
{
    size_t commit = line_of(&h->fields, "commit");
    uint8_t mac[KEY_BYTES];

    mac_lines(s, "slots", h->fields.line + commit, h->fields.count - commit, mac);
    add_hex_line(&h->fields, "slots-mac", mac, sizeof mac);
}

void seal_add_mac(struct head *h, const struct seal *s)
{
    add_slots_mac(h, s);
    add_pad(h);
}

bool seal_set_slots(struct head *h, const struct seal *s, const struct fields *slots, size_t whole)
{
    size_t first = line_of(&h->fields, "slot");

    while (h->fields.count > first)
        fields_remove(&h->fields, h->fields.count - 1);
    for (size_t i = 0; i < slots->count; i++)
        fields_add(&h->fields, "slot", slots->line[i].value);
    add_slots_mac(h, s);
    if (whole > 0)
        return fit_pad(h, whole);
    add_pad(h);
    return true;
}

void seal_add_lines(struct head *h, const struct seal *s, const struct pkey *signer,
                    const struct fields *quiet, const struct fields *slots)
{
    add_hex_line(&h->fields, "commit", s->commit, KEY_BYTES);
    if (signer)
        add_signature(h, s, signer);
    if (quiet)
        add_quiet(h, s, quiet);
    for (size_t i = 0; i < slots->count; i++)
        fields_add(&h->fields, "slot", slots->line[i].value);
    seal_add_mac(h, s);
}

/* A value that is one word of hex. */
static bool is_hex(const char *value, size_t n)
{
    uint8_t *bytes = xmalloc(n + 1);
    bool ok = parse_hex(value, bytes, n);

    free(bytes);
    return ok;
}

static bool decode_sign(const char *value, uint8_t public[PKEY_RAW_BYTES],
                        uint8_t signature[PKEY_SIGNATURE_BYTES])
{
    static const char word[] = "ed25519 ";
    enum { WORD = sizeof word - 1, KEY = 2 * PKEY_RAW_BYTES };
    char key[KEY + 1];

    if (strncmp(value, word, WORD) != 0 || strlen(value) != WORD + KEY + 1 + 2 * PKEY_SIGNATURE_BYTES ||
        value[WORD + KEY] != ' ')
        return false;
    memcpy(key, value + WORD, KEY);
    key[KEY] = '\0';
    return parse_hex(key, public, PKEY_RAW_BYTES) &&
           parse_hex(value + WORD + KEY + 1, signature, PKEY_SIGNATURE_BYTES);
}

static bool is_right_line(const struct field *line)
{
    uint8_t public[PKEY_RAW_BYTES], signature[PKEY_SIGNATURE_BYTES];
    size_t n = strlen(line->value);

    if (strcmp(line->name, "commit") == 0 || strcmp(line->name, "slots-mac") == 0)
        return is_hex(line->value, KEY_BYTES);
    if (strcmp(line->name, "sign") == 0)
        return decode_sign(line->value, public, signature);
    if (strcmp(line->name, "quiet") == 0)
        return n >= 2 * TAG_BYTES && is_hex(line->value, n / 2);
    return strcmp(line->name, "pad") == 0 && strspn(line->value, ".") == n;
}

static const char *check_slots(const struct fields *f)
{
    size_t scrypts = 0, slots = 0;

    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->line[i].name, "slot") != 0)
            continue;
        struct slot s = slot_decode(f->line[i].value);
        bool wrong = s.type == SLOT_WRONG;
        scrypts += s.type == SLOT_SCRYPT;
        slots++;
        slot_free(&s);
        if (wrong)
            return "HEAD has a slot that is none";
    }
    if (scrypts > 1)
        return "HEAD has two slots for a passphrase";
    return slots >= 1 && slots <= SLOTS_MAX ? NULL : "HEAD has no slots, or too many";
}

/* commit [sign] [quiet] slot+ slots-mac [pad]: nothing else vouches for what stands there. */
static const char *check_shape(const struct head *h)
{
    static const char *const order[] = {"commit", "sign", "quiet", "slot", "slots-mac", "pad"};
    static const char wrong[] = "HEAD's lines of the seal are not what they must be";
    const struct fields *f = &h->fields;
    size_t at = line_of(f, "commit"), next = 0;

    if (at == f->count || !fields_get(f, "slots-mac"))
        return wrong;
    if (at == 0 || strcmp(f->line[at - 1].name, "step") != 0 || !step_is(f->line[at - 1].value, "seal"))
        return wrong;
    for (; at < f->count; at++) {
        while (next < sizeof order / sizeof order[0] && strcmp(f->line[at].name, order[next]) != 0)
            next++;
        if (next == sizeof order / sizeof order[0])
            return wrong;
        if (strcmp(order[next], "slot") != 0 && !is_right_line(&f->line[at]))
            return wrong;
    }
    if (fields_get(f, "quiet") && (fields_get(f, "label") || fields_get(f, "tag") || fields_get(f, "host")))
        return wrong;
    return check_slots(f);
}

const char *seal_check_head(const struct head *h)
{
    const char *last = head_last_step(h);
    enum aead_kind kind;
    uint8_t salt[KEY_BYTES];

    if (!last || !step_is(last, "seal"))
        return "it is not sealed";
    const char *wrong = seal_decode_step(last, &kind, salt);
    return wrong ? wrong : check_shape(h);
}

const char *seal_check(const struct head *h, const struct seal *s)
{
    size_t first = line_of(&h->fields, "commit"), last = line_of(&h->fields, "slots-mac");
    uint8_t said[KEY_BYTES], mac[KEY_BYTES];

    if (!parse_hex(fields_get(&h->fields, "commit"), said, sizeof said) ||
        !crypt_equal(said, s->commit, sizeof said))
        return "the key in its slot is not that of this stream";
    mac_lines(s, "slots", h->fields.line + first, last - first, mac);
    if (!parse_hex(fields_get(&h->fields, "slots-mac"), said, sizeof said) ||
        !crypt_equal(said, mac, sizeof mac))
        return "its slots are not those that were made for it";
    return NULL;
}

const char *seal_check_signature(const struct head *h, const uint8_t public[PKEY_RAW_BYTES])
{
    const char *line = fields_get(&h->fields, "sign");
    uint8_t hash[KEY_BYTES], commit[KEY_BYTES], said[PKEY_RAW_BYTES], signature[PKEY_SIGNATURE_BYTES];
    struct buf bytes = {0};

    if (!line)
        return "it is not signed";
    if (!decode_sign(line, said, signature) ||
        !parse_hex(fields_get(&h->fields, "commit"), commit, sizeof commit))
        return "its signature is none";
    if (!crypt_equal(said, public, sizeof said))
        return "it was signed with another key";
    hash_record(h, hash);
    signed_bytes(hash, commit, &bytes);
    bool ok = pkey_verify(public, bytes.data, bytes.len, signature);
    buf_free(&bytes);
    return ok ? NULL : "its signature is wrong";
}

/* Behind which line do these belong, in the order of HEAD? */
static size_t place_of(const struct fields *f, const char *name)
{
    static const char *const before_host[] = {"made-by", "tag", "label", "created"};
    static const char *const before[] = {"tag", "label", "created"};
    bool host = strcmp(name, "host") == 0;
    size_t n = host ? 4 : 3;

    for (size_t i = 0; i < n; i++)
        for (size_t k = f->count; k > 0; k--)
            if (strcmp(f->line[k - 1].name, host ? before_host[i] : before[i]) == 0)
                return k;
    return f->count;
}

static const char *restore_quiet(struct head *h, const struct seal *s, const char *hex)
{
    static const char wrong[] = "HEAD's quiet lines are not what was sealed";
    size_t n = strlen(hex) / 2, stage = 0;
    struct aead *a = aead_open(s->kind, s->quiet);
    struct buf sealed = {0}, lines = {0};
    struct fields quiet = {0};
    bool ok = parse_hex(hex, buf_room(&sealed, n + 1), n) &&
              aead_unseal(a, no_nonce, s->hash, KEY_BYTES, sealed.data, n, buf_room(&lines, n + 1)) &&
              fields_decode(&quiet, lines.data, n - TAG_BYTES) == FIELDS_OK;

    for (size_t i = 0; ok && i < quiet.count; i++) {
        const struct field *line = &quiet.line[i];
        size_t is = strcmp(line->name, "label") == 0 ? 1 : strcmp(line->name, "tag") == 0 ? 2 : 3;
        ok = is_quiet_line(line->name) && (is > stage || (is == 2 && stage == 2));
        stage = is;
        if (ok)
            fields_insert(&h->fields, place_of(&h->fields, line->name), line->name, line->value);
    }
    aead_close(a);
    buf_free(&sealed);
    buf_free(&lines);
    fields_free(&quiet);
    return ok ? NULL : wrong;
}

const char *seal_strip(struct head *h, const struct seal *s)
{
    size_t commit = line_of(&h->fields, "commit");
    const char *quiet = fields_get(&h->fields, "quiet"), *wrong = NULL;
    char *hex = quiet ? xstrdup(quiet) : NULL;

    while (h->fields.count > commit)
        fields_remove(&h->fields, h->fields.count - 1);
    head_pop_step(h);
    if (hex)
        wrong = restore_quiet(h, s, hex);
    free(hex);
    return wrong;
}

struct aead *seal_aead(const struct seal *s)
{
    return aead_open(s->kind, s->aead);
}

/* As in TLS 1.3 (RFC 8446, 5.3): the number of the frame, big-endian, XORed into the stream's own nonce. */
static void nonce_of(const struct seal *s, uint64_t seq, uint8_t nonce[NONCE_BYTES])
{
    memcpy(nonce, s->nonce, NONCE_BYTES);
    for (size_t i = 0; i < 8; i++)
        nonce[NONCE_BYTES - 1 - i] ^= (uint8_t)(seq >> (8 * i));
}

static void aad_of(const struct frame *f, uint8_t aad[AAD_BYTES])
{
    put_u32(aad, f->type);
    put_u32(aad + 4, f->flags);
    put_u64(aad + 8, f->seq);
    put_u32(aad + 16, f->item);
    put_u32(aad + 20, f->part);
}

void seal_body(const struct seal *s, struct aead *a, const struct frame *f, const uint8_t *body,
               struct buf *out)
{
    uint8_t nonce[NONCE_BYTES], aad[AAD_BYTES];

    nonce_of(s, f->seq, nonce);
    aad_of(f, aad);
    aead_seal(a, nonce, aad, sizeof aad, body, f->length, buf_room(out, (size_t)f->length + TAG_BYTES));
    out->len += (size_t)f->length + TAG_BYTES;
}

const char *seal_unbody(const struct seal *s, struct aead *a, const struct frame *f, const uint8_t *body,
                        struct buf *out)
{
    uint8_t nonce[NONCE_BYTES], aad[AAD_BYTES];

    nonce_of(s, f->seq, nonce);
    aad_of(f, aad);
    if (!aead_unseal(a, nonce, aad, sizeof aad, body, f->length, buf_room(out, f->length)))
        return "it is not what was sealed here";
    out->len += f->length - TAG_BYTES;
    return NULL;
}

/* How many lines of END are not made anew by each writer. */
static size_t source_lines(const struct fields *end)
{
    size_t n = 0;

    while (n < end->count && !end_line_is_local(end->line[n].name))
        n++;
    return n;
}

void seal_end(const struct seal *s, struct fields *end)
{
    size_t n = source_lines(end);
    uint8_t mac[KEY_BYTES];
    char hex[2 * KEY_BYTES + 1];

    mac_lines(s, "end", end->line, n, mac);
    format_hex(mac, sizeof mac, hex);
    fields_insert(end, n, "mac", hex);
}

const char *seal_unend(const struct seal *s, struct fields *end)
{
    size_t n = source_lines(end);
    uint8_t mac[KEY_BYTES], said[KEY_BYTES];

    if (n == 0 || strcmp(end->line[n - 1].name, "mac") != 0 ||
        !parse_hex(end->line[n - 1].value, said, sizeof said))
        return "it has no right mac";
    mac_lines(s, "end", end->line, n - 1, mac);
    if (!crypt_equal(mac, said, sizeof mac))
        return "it is not what was sealed";
    fields_remove(end, n - 1);
    return NULL;
}
