/* Tests of crypt.h, pkey.h, slot.h and seal.h: the vectors in test/data/seal-vectors.txt, which another
 * implementation has made; and a sealed stream in memory, in which everything is changed that can be,
 * checksums made right again. */
#include "seal.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "slot.h"
#include "stream.h"
#include "unit.h"
#include "walk.h"

static struct buf vectors;

/* The value of a line of the file; to be freed. */
static char *value_of(const char *prefix, const char *name)
{
    char *start = xasprintf("\n%s%s: ", prefix, name);
    const char *at = strstr(buf_str(&vectors), start);

    if (!at)
        die(FAILED, "no vector %s%s", prefix, name);
    at += strlen(start);
    free(start);
    return xasprintf("%.*s", (int)strcspn(at, "\n"), at);
}

static struct buf bytes_of(const char *prefix, const char *name)
{
    char *hex = value_of(prefix, name);
    struct buf b = {0};

    b.len = strlen(hex) / 2;
    buf_room(&b, 1);
    CHECK(parse_hex(hex, b.data, b.len));
    free(hex);
    return b;
}

static void check_value(const char *prefix, const char *name, const void *got, size_t n)
{
    struct buf want = bytes_of(prefix, name);

    unit_about("%s%s", prefix, name);
    CHECK_BYTES(got, n, want.data, want.len);
    buf_free(&want);
}

/* The slot's value in a line "slot: ...". */
static char *slot_of(const char *name)
{
    char *line = value_of("", name), *value = xstrdup(line + strlen("slot: "));

    free(line);
    return value;
}

static void check_opens(const char *name, enum slot_type type,
                        enum slot_opened (*open)(const struct slot *s, uint8_t *dek))
{
    char *value = slot_of(name);
    struct slot s = slot_decode(value);
    uint8_t dek[KEY_BYTES] = {0};

    unit_about("%s", name);
    CHECK_U64(s.type, type);
    CHECK_U64(open(&s, dek), SLOT_OPENED);
    check_value("", "dek", dek, sizeof dek);
    slot_free(&s);
    free(value);
}

static void check_slot(const char *name, struct buf *made)
{
    char *value = slot_of(name);

    unit_about("%s", name);
    CHECK_STR(buf_str(made), value);
    buf_free(made);
    free(value);
}

static struct pkey *x25519_pair(void)
{
    struct buf secret = bytes_of("", "x25519-private");
    struct pkey *k = pkey_x25519(secret.data);

    buf_free(&secret);
    return k;
}

/* A private key in a file, from its DER (PKCS #8). */
static struct pkey *read_der(const uint8_t *der, size_t n)
{
    char *path = xasprintf("%s/key.pem", unit_tmpdir());
    struct buf text = {0};
    FILE *f = fopen(path, "w");

    text.len = (size_t)EVP_EncodeBlock(buf_room(&text, 2 * n + 4), der, (int)n);
    CHECK(f && fputs("-----BEGIN PRIVATE KEY-----\n", f) >= 0);
    for (size_t i = 0; i < text.len; i += 64)
        fprintf(f, "%.64s\n", buf_str(&text) + i);
    CHECK(fputs("-----END PRIVATE KEY-----\n", f) >= 0 && fclose(f) == 0);
    struct pkey *k = pkey_read_private(path, NULL, NULL);
    free(path);
    buf_free(&text);
    return k;
}

static enum slot_opened open_x25519(const struct slot *s, uint8_t *dek)
{
    struct pkey *k = x25519_pair();
    enum slot_opened opened = slot_open_public(s, k, dek);

    pkey_free(k);
    return opened;
}

static enum slot_opened open_rsa(const struct slot *s, uint8_t *dek)
{
    struct buf der = bytes_of("", "rsa-private-pkcs8-der");
    struct pkey *k = read_der(der.data, der.len);
    enum slot_opened opened = slot_open_public(s, k, dek);

    pkey_free(k);
    buf_free(&der);
    return opened;
}

static enum slot_opened open_scrypt(const struct slot *s, uint8_t *dek)
{
    struct buf pass = bytes_of("", "scrypt-passphrase");
    enum slot_opened opened = slot_open_passphrase(s, pass.data, pass.len, dek);

    buf_free(&pass);
    return opened;
}

static enum slot_opened open_key(const struct slot *s, uint8_t *dek)
{
    struct buf key = bytes_of("", "key-key");
    enum slot_opened opened = slot_open_key(s, key.data, dek);

    buf_free(&key);
    return opened;
}

static void slots(void)
{
    struct buf dek = bytes_of("", "dek"), random = bytes_of("", "x25519-ephemeral-private");
    struct buf pass = bytes_of("", "scrypt-passphrase"), salt = bytes_of("", "scrypt-salt");
    struct buf key = bytes_of("", "key-key"), key_salt = bytes_of("", "key-salt"),
               blob = bytes_of("", "cmd-blob");
    struct buf made = {0};
    struct pkey *k = x25519_pair();

    slot_public(k, dek.data, random.data, &made);
    check_slot("x25519-slot-line", &made);
    slot_passphrase(pass.data, pass.len, 10, dek.data, salt.data, &made);
    check_slot("scrypt-slot-line", &made);
    slot_key(key.data, dek.data, key_salt.data, &made);
    check_slot("key-slot-line", &made);
    slot_command(blob.data, blob.len, &made);
    check_slot("cmd-slot-line", &made);
    check_opens("x25519-slot-line", SLOT_X25519, open_x25519);
    check_opens("rsa-slot-line", SLOT_RSA, open_rsa);
    check_opens("scrypt-slot-line", SLOT_SCRYPT, open_scrypt);
    check_opens("key-slot-line", SLOT_KEY, open_key);
    pkey_free(k);
    struct buf *all[] = {&dek, &random, &pass, &salt, &key, &key_salt, &blob};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buf_free(all[i]);
}

/* Each character of a slot changed: it is of a wrong shape, or of another type, or does not open. */
static void slots_changed(void)
{
    static const char *const names[] = {"x25519-slot-line", "rsa-slot-line", "scrypt-slot-line",
                                        "key-slot-line"};
    static enum slot_opened (*const open[])(const struct slot *s, uint8_t *dek) = {open_x25519, open_rsa,
                                                                                   open_scrypt, open_key};

    for (size_t i = 0; i < 4; i++) {
        char *value = slot_of(names[i]);
        size_t step = i == 1 ? 37 : 1, n = strlen(value); /* RSA is slow */
        for (size_t at = 0; at < n; at += step) {
            char was = value[at];
            uint8_t dek[KEY_BYTES];
            value[at] = was == '0' ? '1' : '0';
            struct slot s = slot_decode(value);
            unit_about("%s, character %zu", names[i], at);
            CHECK(s.type == SLOT_UNKNOWN || s.type == SLOT_WRONG || open[i](&s, dek) != SLOT_OPENED);
            slot_free(&s);
            value[at] = '\0'; /* and cut there */
            s = slot_decode(value);
            CHECK(s.type == SLOT_UNKNOWN || s.type == SLOT_WRONG);
            slot_free(&s);
            value[at] = was;
        }
        free(value);
    }
}

static void slots_hostile(void)
{
    static const char *const wrong[] = {
        "scrypt", "scrypt ", "x25519 0011223344556677", "key 0011223344556677 00 00", "cmd 0011223344556677 ",
        /* costs beyond the bound, with a right id */
        "scrypt 503563c1bda45327 19 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf "
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
        "scrypt 503563c1bda45327 0 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf "
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"};
    /* A peer of small order: RFC 7748, section 6.1. */
    static const uint8_t zero[KEY_BYTES];
    uint8_t shared[KEY_BYTES];
    struct pkey *k = x25519_pair();

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct slot s = slot_decode(wrong[i]);
        unit_about("%s", wrong[i]);
        CHECK_U64(s.type, SLOT_WRONG);
        slot_free(&s);
    }
    CHECK(!pkey_exchange(k, zero, shared));
    pkey_free(k);
}

static struct pkey *signer(const char *prefix)
{
    static const uint8_t before[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                     0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20}; /* RFC 8410 */
    struct buf secret = bytes_of(prefix, "sign-private"), der = {0};

    buf_add(&der, before, sizeof before);
    buf_add(&der, secret.data, secret.len);
    struct pkey *k = read_der(der.data, der.len);
    buf_free(&der);
    buf_free(&secret);
    return k;
}

/* "NAME: VALUE" of HEAD or END must be that of the vectors. */
static void check_line(const char *prefix, const char *name, const char *got)
{
    char *vector = xasprintf("%s-line", name), *want = value_of(prefix, vector),
         *line = xasprintf("%s: %s", name, got);

    unit_about("%s%s", prefix, vector);
    CHECK_STR(line, want);
    free(vector);
    free(want);
    free(line);
}

static void check_head(const char *prefix, const struct seal *s, struct head *h)
{
    static const char *const names[] = {"x25519-slot-line", "rsa-slot-line", "scrypt-slot-line",
                                        "key-slot-line", "cmd-slot-line"};
    struct buf plain = bytes_of(prefix, "quiet-plain");
    struct fields all = {0}, quiet = {0};
    struct pkey *k = signer(prefix);
    uint8_t public[PKEY_RAW_BYTES];

    for (size_t i = 0; i < 5; i++) {
        char *value = slot_of(names[i]);
        fields_add(&all, "slot", value);
        free(value);
    }
    CHECK_U64(fields_decode(&quiet, plain.data, plain.len), FIELDS_OK);
    seal_add_lines(h, s, k, &quiet, &all);
    check_line(prefix, "commit", fields_get(&h->fields, "commit"));
    check_line(prefix, "sign", fields_get(&h->fields, "sign"));
    check_line(prefix, "quiet", fields_get(&h->fields, "quiet"));
    check_line(prefix, "slots-mac", fields_get(&h->fields, "slots-mac"));
    CHECK(seal_check_head(h) == NULL);
    CHECK(seal_check(h, s) == NULL);
    pkey_public(k, public);
    CHECK(seal_check_signature(h, public) == NULL);
    public[5] ^= 1;
    CHECK(seal_check_signature(h, public) != NULL);
    pkey_free(k);
    fields_free(&all);
    fields_free(&quiet);
    buf_free(&plain);
}

static void check_frame(const char *prefix, const struct seal *s, const char *which)
{
    char *names[4];
    static const char *const parts[] = {"header", "body", "sealed-body", "sealed-header"};
    struct buf made = {0}, back = {0};
    struct aead *a = seal_aead(s);
    struct frame f;
    uint8_t header[FRAME_HEADER_BYTES];

    for (size_t i = 0; i < 4; i++)
        names[i] = xasprintf("frame-%s-%s", which, parts[i]);
    struct buf plain_header = bytes_of(prefix, names[0]), body = bytes_of(prefix, names[1]);
    CHECK_U64(frame_decode(plain_header.data, &f), FRAME_OK);
    seal_body(s, a, &f, body.data, &made);
    check_value(prefix, names[2], made.data, made.len);
    f.length = (uint32_t)made.len;
    frame_encode(&f, made.data, header);
    check_value(prefix, names[3], header, sizeof header);
    CHECK(seal_unbody(s, a, &f, made.data, &back) == NULL);
    CHECK_BYTES(back.data, back.len, body.data, body.len);
    aead_close(a);
    for (size_t i = 0; i < 4; i++)
        free(names[i]);
    buf_free(&made);
    buf_free(&back);
    buf_free(&plain_header);
    buf_free(&body);
}

static void check_end(const char *prefix, const struct seal *s)
{
    struct buf lines = bytes_of(prefix, "end-lines");
    struct fields end = {0};

    CHECK_U64(fields_decode(&end, lines.data, lines.len), FIELDS_OK);
    size_t n = end.count;
    seal_end(s, &end);
    CHECK_STR(end.line[n].name, "mac");
    char *want = value_of(prefix, "end-mac-line"), *got = xasprintf("mac: %s", end.line[n].value);
    CHECK_STR(got, want);
    CHECK(seal_unend(s, &end) == NULL);
    CHECK_U64(end.count, n);
    free(want);
    free(got);
    fields_free(&end);
    buf_free(&lines);
}

static void check_stream(const char *prefix)
{
    struct buf record = bytes_of(prefix, "record"), dek = bytes_of("", "dek");
    struct head h;

    CHECK_U64(head_decode(&h, record.data, record.len), HEAD_OK);
    struct seal *s = seal_open(&h, dek.data);
    check_head(prefix, s, &h);
    check_frame(prefix, s, "data");
    check_frame(prefix, s, "empty");
    check_end(prefix, s);
    seal_close(s);
    head_free(&h);
    buf_free(&record);
    buf_free(&dek);
}

static void streams(void)
{
    check_stream("gcm-");
    check_stream("chacha-");
}

/* A stream that is sealed, and what it was before. */
struct sealing {
    const struct seal *seal;
    struct aead *aead;
    struct buf *out;
    uint64_t seq, size;
};

static const uint8_t own_key[KEY_BYTES] = {1, 2, 3};

static void put(struct sealing *s, struct frame f, const void *body, size_t n)
{
    uint8_t header[FRAME_HEADER_BYTES];

    f.length = (uint32_t)n;
    f.seq = s->seq;
    frame_encode(&f, body, header);
    buf_add(s->out, header, sizeof header);
    buf_add(s->out, body, n);
    s->size += sizeof header + n;
    s->seq++;
}

static void seal_head(struct sealing *s, const uint8_t *body, size_t n, uint8_t salt)
{
    uint8_t dek[KEY_BYTES] = {9, salt}, salts[KEY_BYTES] = {salt};
    struct buf step = {0}, value = {0}, encoded = {0};
    struct fields all = {0};
    struct head h;

    CHECK_U64(head_decode(&h, body, n), HEAD_OK);
    seal_encode_step(AEAD_AES_256_GCM, salts, &step);
    head_push_step(&h, buf_str(&step));
    struct seal *seal = seal_open(&h, dek);
    slot_key(own_key, dek, salts, &value);
    fields_add(&all, "slot", buf_str(&value));
    seal_add_lines(&h, seal, NULL, NULL, &all);
    head_encode(&h, &encoded);
    buf_add(s->out, frame_magic, MAGIC_BYTES);
    put(s, (struct frame){.type = FRAME_HEAD}, encoded.data, encoded.len);
    s->size = 0;
    s->seal = seal;
    s->aead = seal_aead(seal);
    buf_free(&step);
    buf_free(&value);
    buf_free(&encoded);
    fields_free(&all);
    head_free(&h);
}

static void seal_frame(void *ctx, const struct frame *f, const uint8_t *body, size_t at)
{
    struct sealing *s = ctx;
    struct buf out = {0};
    struct fields end = {0};

    (void)at;
    if (f->type == FRAME_HEAD) {
        seal_head(s, body, f->length, (uint8_t)s->size);
        return;
    }
    if (f->type == FRAME_END) {
        CHECK_U64(fields_decode(&end, body, f->length - END_TRAILER_BYTES), FIELDS_OK);
        while (end_line_is_local(end.line[end.count - 1].name))
            fields_remove(&end, end.count - 1);
        seal_end(s->seal, &end);
        end_encode(&end, s->size, NULL, &out);
    } else if (frame_numbered(f->type)) {
        struct frame now = *f;
        now.seq = s->seq;
        seal_body(s->seal, s->aead, &now, body, &out);
    }
    if (out.len > 0)
        put(s, *f, out.data, out.len);
    fields_free(&end);
    buf_free(&out);
}

/* `salt` tells two streams apart that are alike in all else, under one recipient. */
static void make_sealed(uint8_t salt, struct buf *plain, struct buf *sealed)
{
    const struct sample sample = {.seed = 7, .tables = 1, .rows = 2, .row_bytes = 40, .body_bytes = 30};
    struct sealing s = {.out = sealed, .size = salt};
    struct walk w = {.see = seal_frame, .ctx = &s};

    sample_make(&sample, plain);
    CHECK_U64(walk(&w, plain->data, plain->len), WALK_WHOLE);
    stream_free(&w.stream);
    aead_close(s.aead);
    seal_close((struct seal *)s.seal);
}

/* As bk-seal -d: each thing is checked before what it vouches for is used. */
struct opening {
    const struct buf *plain; /* what must come out */
    size_t at;               /* how far */
    struct seal *seal;
    struct aead *aead;
    bool refused, wrong; /* wrong: bytes came out that were not sealed */
};

static void open_head(struct opening *o, const uint8_t *body, size_t n)
{
    uint8_t dek[KEY_BYTES], salt[KEY_BYTES];
    enum aead_kind kind;
    struct head h;

    o->refused = true;
    if (head_decode(&h, body, n) == HEAD_OK && head_last_step(&h) &&
        !seal_decode_step(head_last_step(&h), &kind, salt) && !seal_check_head(&h)) {
        struct slot s = slot_decode(fields_get(&h.fields, "slot"));
        if (s.type == SLOT_KEY && slot_open_key(&s, own_key, dek) == SLOT_OPENED) {
            o->seal = seal_open(&h, dek);
            o->refused = seal_check(&h, o->seal) || seal_strip(&h, o->seal);
            o->aead = seal_aead(o->seal);
        }
        slot_free(&s);
    }
    if (!o->refused) { /* the record is then what it was */
        struct buf encoded = {0};
        head_encode(&h, &encoded);
        o->at = MAGIC_BYTES + FRAME_HEADER_BYTES;
        o->wrong = memcmp(o->plain->data + o->at, encoded.data, encoded.len) != 0;
        o->at += encoded.len;
        buf_free(&encoded);
    }
    head_free(&h);
}

static void open_frame(void *ctx, const struct frame *f, const uint8_t *body, size_t at)
{
    struct opening *o = ctx;
    struct buf out = {0};
    struct fields end = {0};

    (void)at;
    if (o->refused)
        return;
    if (f->type == FRAME_HEAD) {
        open_head(o, body, f->length);
    } else if (f->type == FRAME_END) {
        o->refused = fields_decode(&end, body, f->length - END_TRAILER_BYTES) != FIELDS_OK ||
                     seal_unend(o->seal, &end);
    } else if (frame_numbered(f->type)) {
        o->refused = seal_unbody(o->seal, o->aead, f, body, &out);
        o->wrong |=
            !o->refused && (memcmp(o->plain->data + o->at, &f->type, 4) != 0 ||
                            memcmp(o->plain->data + o->at + FRAME_HEADER_BYTES, out.data, out.len) != 0);
        o->at += FRAME_HEADER_BYTES + out.len;
    }
    fields_free(&end);
    buf_free(&out);
}

/* Must be refused, and nothing that comes out before may be wrong. */
static void check_opening(const struct buf *plain, const uint8_t *bytes, size_t n, bool good)
{
    struct opening o = {.plain = plain};
    struct walk w = {.see = open_frame, .ctx = &o};
    bool whole = walk(&w, bytes, n) == WALK_WHOLE;

    CHECK((whole && !o.refused) == good);
    CHECK(!o.wrong);
    stream_free(&w.stream);
    if (o.aead)
        aead_close(o.aead);
    seal_close(o.seal);
}

enum { MOST_FRAMES = 60 };
static struct piece {
    size_t at, n;
} pieces[MOST_FRAMES];
static size_t piece_count;

static void note_piece(void *ctx, const struct frame *f, const uint8_t *body, size_t at)
{
    (void)ctx, (void)body;
    pieces[piece_count++] = (struct piece){at, FRAME_HEADER_BYTES + (size_t)f->length};
}

static void find_pieces(const struct buf *sealed)
{
    struct walk w = {.see = note_piece};

    piece_count = 0;
    CHECK_U64(walk(&w, sealed->data, sealed->len), WALK_WHOLE);
    stream_free(&w.stream);
}

/* Makes both checksums of the frame at `at` right again. */
static void mend(uint8_t *bytes, size_t at)
{
    struct frame f = {.type = get_u32(bytes + at),
                      .flags = get_u32(bytes + at + 4),
                      .seq = get_u64(bytes + at + 8),
                      .item = get_u32(bytes + at + 16),
                      .part = get_u32(bytes + at + 20),
                      .length = get_u32(bytes + at + 24)};

    frame_encode(&f, bytes + at + FRAME_HEADER_BYTES, bytes + at);
}

/* All of a frame but its length and checksums. */
static void each_bit(void)
{
    struct buf plain = {0}, sealed = {0};

    make_sealed(1, &plain, &sealed);
    find_pieces(&sealed);
    check_opening(&plain, sealed.data, sealed.len, true);
    for (size_t i = 0; i < piece_count; i++) {
        uint8_t *copy = xmalloc(pieces[i].n);
        memcpy(copy, sealed.data + pieces[i].at, pieces[i].n);
        for (size_t bit = 0; bit < pieces[i].n * 8; bit++) {
            size_t at = bit / 8;
            if (at >= 24 && at < FRAME_HEADER_BYTES)
                continue;
            unit_about("frame %zu, bit %zu of byte %zu", i, bit % 8, at);
            sealed.data[pieces[i].at + at] ^= (uint8_t)(1 << bit % 8);
            mend(sealed.data, pieces[i].at);
            check_opening(&plain, sealed.data, sealed.len, false);
            memcpy(sealed.data + pieces[i].at, copy, pieces[i].n);
        }
        free(copy);
    }
    buf_free(&plain);
    buf_free(&sealed);
}

/* Adds piece i of `from`, with the number `seq`, as a forger would. */
static void add_piece(struct buf *out, const struct buf *from, size_t i, uint64_t seq)
{
    size_t at = out->len;

    buf_add(out, from->data + pieces[i].at, pieces[i].n);
    put_u64(out->data + at + 8, seq);
    mend(out->data, at);
}

/* The stream with the pieces in this order, numbered anew, and END's frames and size as they then are.
 * `other`: piece `taken` is that of another stream. */
static void check_order(const struct buf *plain, const struct buf *sealed, const struct buf *other,
                        const size_t *order, size_t n, size_t taken)
{
    struct buf out = {0};

    buf_add(&out, sealed->data, MAGIC_BYTES);
    for (size_t i = 0; i < n; i++)
        add_piece(&out, order[i] == taken ? other : sealed, order[i], i);
    check_opening(plain, out.data, out.len, false);
    buf_free(&out);
}

/* Swapped in pairs, dropped, repeated, taken from another stream under the same recipient. END's own totals
 * are left as they were: a stream that has others is each_bit()'s. */
static void each_frame(void)
{
    struct buf plain = {0}, sealed = {0}, same = {0}, other = {0};
    size_t order[MOST_FRAMES + 1], n;

    make_sealed(1, &plain, &sealed);
    make_sealed(2, &same, &other);
    CHECK_U64(sealed.len, other.len);
    find_pieces(&sealed);
    for (size_t i = 0; i < piece_count; i++) {
        for (size_t k = i + 1; k < piece_count; k++) {
            for (n = 0; n < piece_count; n++)
                order[n] = n == i ? k : n == k ? i : n;
            unit_about("frames %zu and %zu swapped", i, k);
            check_order(&plain, &sealed, &sealed, order, n, MOST_FRAMES);
        }
        n = 0;
        for (size_t k = 0; k < piece_count; k++)
            if (k != i)
                order[n++] = k;
        unit_about("frame %zu dropped", i);
        check_order(&plain, &sealed, &sealed, order, n, MOST_FRAMES);
        n = 0;
        for (size_t k = 0; k < piece_count; k++) {
            order[n++] = k;
            if (k == i)
                order[n++] = k;
        }
        unit_about("frame %zu repeated", i);
        check_order(&plain, &sealed, &sealed, order, n, MOST_FRAMES);
        for (n = 0; n < piece_count; n++)
            order[n] = n;
        unit_about("frame %zu of another stream", i);
        check_order(&plain, &sealed, &other, order, n, i);
    }
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&same);
    buf_free(&other);
}

int main(void)
{
    char *path = xasprintf("%s/seal-vectors.txt", getenv("BK_TEST_DATA"));

    unit_read_file(path, &vectors);
    RUN(slots);
    RUN(slots_changed);
    RUN(slots_hostile);
    RUN(streams);
    RUN(each_bit);
    RUN(each_frame);
    buf_free(&vectors);
    free(path);
    return unit_end();
}
