/* bk-seal - encrypts ITEM, DATA and DONE of a stream to whoever may open it, and undoes that.
 *
 * The keys, and what is written where, are seal.h's; who may open it, keyring.h's.
 * All that can be wrong with HEAD is found before a byte is written.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "keyring.h"
#include "msg.h"
#include "opt.h"
#include "seal.h"
#include "secret.h"
#include "writer.h"

static const uint64_t most_bytes = (uint64_t)1 << 44; /* under one key: bk-seal(1), SECURITY CONSIDERATIONS */

struct tool {
    struct keyring keyring;
    bool undo, quiet, chacha;
    const char *sign, *from;
    struct secret *dek;
    struct seal *seal;
    atomic_uint_fast64_t bytes;      /* sealed so far */
    atomic_uint_fast64_t rows, text; /* of the DONEs, as END has them */
    bool hidden;                     /* END does not say these */
};

static void add_step(struct head *h, enum aead_kind kind)
{
    uint8_t salt[KEY_BYTES];
    struct buf step = {0};

    crypt_random(salt, sizeof salt);
    seal_encode_step(kind, salt, &step);
    head_push_step(h, buf_str(&step));
    buf_free(&step);
}

static void begin_seal(void *ctx, struct head *h)
{
    struct tool *t = ctx;
    struct pkey *signer = t->sign ? pkey_read_private(t->sign, keyring_passphrase, &t->keyring) : NULL;
    struct fields slots = {0}, quiet = {0};
    const char *last = head_last_step(h);

    if (last && step_is(last, "seal"))
        opt_wrong("the stream is sealed already");
    if (signer && pkey_type(signer) != PKEY_ED25519)
        die(BAD_CALL, "the key '%s' is not one to sign with: openssl genpkey -algorithm ED25519", t->sign);
    t->dek = secret_new();
    crypt_random(t->dek->bytes, KEY_BYTES);
    if (t->quiet)
        seal_take_quiet(h, &quiet);
    keyring_make_slots(&t->keyring, t->dek, &slots);
    add_step(h, t->chacha ? AEAD_CHACHA20_POLY1305 : AEAD_AES_256_GCM);
    t->seal = seal_open(h, t->dek->bytes);
    seal_add_lines(h, t->seal, signer, t->quiet ? &quiet : NULL, &slots);
    writer_hush("the tools before it gave up");
    pkey_free(signer);
    fields_free(&slots);
    fields_free(&quiet);
}

static void begin_unseal(void *ctx, struct head *h)
{
    struct tool *t = ctx;
    const char *wrong = seal_check_head(h);

    if (wrong)
        die(BAD_DATA, "the stream cannot be opened: %s", wrong);
    if (t->from)
        keyring_check_signer(h, t->from);
    t->hidden = fields_get(&h->fields, "quiet") != NULL;
    t->dek = keyring_open(&t->keyring, h);
    t->seal = seal_open(h, t->dek->bytes);
    wrong = seal_check(h, t->seal);
    wrong = wrong ? wrong : seal_strip(h, t->seal);
    if (wrong)
        die(BAD_DATA, "%s", wrong);
}

static void *open_worker(void *ctx)
{
    const struct tool *t = ctx;

    return seal_aead(t->seal);
}

static void close_worker(void *ctx, void *state)
{
    (void)ctx;
    aead_close(state);
}

static const char *do_seal(void *ctx, void *state, const struct frame *f, const uint8_t *body,
                           struct buf *out)
{
    struct tool *t = ctx;

    if (atomic_fetch_add(&t->bytes, f->length) + f->length > most_bytes)
        die(FAILED, "the stream is longer than %" PRIu64 " bytes, the most that one key may seal",
            most_bytes);
    seal_body(t->seal, state, f, body, out);
    return NULL;
}

/* Of a quiet stream END has lost what the DONEs still say. */
static void count_done(struct tool *t, const uint8_t *body, size_t n)
{
    struct fields done = {0};
    uint64_t rows = 0, bytes = 0;

    if (fields_decode(&done, body, n) == FIELDS_OK) {
        fields_get_u64(&done, "rows", &rows);
        fields_get_u64(&done, "bytes", &bytes);
    }
    atomic_fetch_add(&t->rows, rows);
    atomic_fetch_add(&t->text, bytes);
    fields_free(&done);
}

static const char *do_unseal(void *ctx, void *state, const struct frame *f, const uint8_t *body,
                             struct buf *out)
{
    struct tool *t = ctx;
    size_t at = out->len;
    const char *wrong = seal_unbody(t->seal, state, f, body, out);

    if (!wrong && t->hidden && f->type == FRAME_DONE)
        count_done(t, out->data + at, out->len - at);
    return wrong;
}

static void remove_line(struct fields *f, const char *name)
{
    for (size_t i = f->count; i > 0; i--)
        if (strcmp(f->line[i - 1].name, name) == 0)
            fields_remove(f, i - 1);
}

static const char *end_seal(void *ctx, struct fields *end)
{
    struct tool *t = ctx;

    if (t->quiet) {
        remove_line(end, "rows");
        remove_line(end, "bytes");
    }
    seal_end(t->seal, end);
    return NULL;
}

/* They stood behind `items`. */
static const char *end_unseal(void *ctx, struct fields *end)
{
    struct tool *t = ctx;
    const char *wrong = seal_unend(t->seal, end);
    char text[24];
    size_t at = 0;

    if (wrong || !t->hidden)
        return wrong;
    if (fields_get(end, "rows") || fields_get(end, "bytes"))
        return "it has rows or bytes, and the stream is quiet";
    while (at < end->count && strcmp(end->line[at].name, "items") != 0)
        at++;
    if (at == end->count)
        return "it has no items";
    snprintf(text, sizeof text, "%" PRIuFAST64, atomic_load(&t->rows));
    fields_insert(end, at + 1, "rows", text);
    snprintf(text, sizeof text, "%" PRIuFAST64, atomic_load(&t->text));
    fields_insert(end, at + 2, "bytes", text);
    return NULL;
}

static size_t sealed_size(void *ctx, const uint8_t *body, size_t n)
{
    (void)ctx, (void)body;
    return n + TAG_BYTES;
}

static void check_options(const struct tool *t)
{
    const struct keyring *k = &t->keyring;

    if (t->undo && (k->recipients.count > 0 || k->wrap || t->sign || t->quiet || t->chacha))
        opt_wrong("-r, --wrap, --sign, --quiet-head and --chacha20 are for sealing, and not for -d");
    if (!t->undo && (k->identities.count > 0 || k->unwrap || t->from))
        opt_wrong("-i, --unwrap and --from go with -d");
    if (!t->undo && !keyring_seals(k))
        opt_wrong("say to whom: -r PUBKEY.pem, -p, -k KEYFILE or --wrap CMD");
}

int main(int argc, char **argv)
{
    static const uint32_t types[] = {FRAME_ITEM, FRAME_DATA, FRAME_DONE, 0};
    static struct tool t;
    int jobs = opt_cores(64);
    const struct opt opt[] = {
        {OPT_FLAG, 'd', NULL, NULL, "undo: open", &t.undo, 0, 0},
        {OPT_LIST, 'r', NULL, "PUB.pem", "seal to this public key; may come several times",
         &t.keyring.recipients, 0, 0},
        {OPT_LIST, 'i', NULL, "KEY.pem", "open with this private key", &t.keyring.identities, 0, 0},
        {OPT_FLAG, 'p', NULL, NULL, "a passphrase: BACKUP_ENCRYPTION_KEY, or asked for",
         &t.keyring.passphrase, 0, 0},
        {OPT_STRING, 'k', NULL, "FILE", "a key of 32 bytes, as they are, or in hex or base64",
         &t.keyring.key_file, 0, 0},
        {OPT_STRING, 0, "passphrase-file", "FILE", "the passphrase is in this file",
         &t.keyring.passphrase_file, 0, 0},
        {OPT_STRING, 0, "wrap", "CMD", "a command that wraps the data key, as a KMS does", &t.keyring.wrap, 0,
         0},
        {OPT_STRING, 0, "unwrap", "CMD", "the command that undoes that", &t.keyring.unwrap, 0, 0},
        {OPT_STRING, 0, "sign", "KEY.pem", "sign with this Ed25519 key", &t.sign, 0, 0},
        {OPT_STRING, 0, "from", "PUB.pem", "only what its holder has signed", &t.from, 0, 0},
        {OPT_FLAG, 0, "quiet-head", NULL, "label, tags and host are sealed too", &t.quiet, 0, 0},
        {OPT_FLAG, 0, "chacha20", NULL, "with ChaCha20-Poly1305 and not AES-256-GCM", &t.chacha, 0, 0},
        {OPT_NUMBER, 'j', NULL, "N", "workers (all cores); 1: no threads", &jobs, 1, 256},
    };
    const struct cmd cmd = {.name = "bk-seal",
                            .brief = "encrypt a stream to who may open it, or undo that",
                            .operands = "",
                            .opt = opt,
                            .opts = sizeof opt / sizeof opt[0],
                            .example =
                                "bk-dump -d app | bk-zstd | bk-seal -r ops.pub | bk-sum | bk-put app.bk"};

    secret_protect();
    opt_parse(&cmd, argc, argv);
    check_options(&t);
    const struct map map = {types,
                            t.undo ? begin_unseal : begin_seal,
                            open_worker,
                            t.undo ? do_unseal : do_seal,
                            close_worker,
                            sealed_size,
                            t.undo ? end_unseal : end_seal};
    filter_map(&map, &t, jobs);
    seal_close(t.seal);
    secret_free(t.dek);
    return DONE_OK;
}
