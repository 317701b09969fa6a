/* bk-slots - shows who can open a sealed backup, and changes that without touching what is sealed.
 *
 * What it shows is HEAD's word, and nobody vouches for it before the data key is had. The file form is
 * headfile.h's: whatever ends it on its way, the backup opens.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filter.h"
#include "headfile.h"
#include "io.h"
#include "json.h"
#include "msg.h"
#include "opt.h"
#include "reader.h"
#include "rewrap.h"
#include "seal.h"
#include "secret.h"

enum { SIGNER_HEX = 2 * PKEY_RAW_BYTES };

static const char claim[] = "a claim until opened";

/* What is shown of a HEAD. */
struct shown {
    const struct head *head;
    char *aead;
    char signer[SIGNER_HEX + 1]; /* "": nobody */
    bool quiet;
    uint64_t pad;
};

/* The shape of all these lines has been checked. */
static struct shown look(const struct head *h)
{
    const struct fields *f = &h->fields;
    const char *sign = fields_get(f, "sign"), *pad = fields_get(f, "pad");
    const char *aead = strchr(head_last_step(h), '=') + 1;
    struct shown s = {.head = h, .quiet = fields_get(f, "quiet") != NULL, .pad = pad ? strlen(pad) : 0};
    uint8_t public[PKEY_RAW_BYTES];

    s.aead = xasprintf("%.*s", (int)strcspn(aead, " "), aead);
    if (!sign)
        return s;
    memcpy(s.signer, sign + strlen("ed25519 "), SIGNER_HEX);
    if (!parse_hex(s.signer, public, sizeof public))
        bug();
    const char *wrong = seal_check_signature(h, public);
    if (wrong)
        die(BAD_DATA, "%s", wrong);
    return s;
}

/* Cuts the value of a slot into its first two words. The second may be missing in one of an unknown type. */
static void slot_words(const char *value, char **type, char **id)
{
    size_t n = strcspn(value, " ");

    *type = xasprintf("%.*s", (int)n, value);
    value += n + (value[n] == ' ');
    *id = xasprintf("%.*s", (int)strcspn(value, " "), value);
}

static void print_column(struct buf *b, const char *value, size_t width)
{
    size_t at = b->len;

    fields_encode_value(*value ? value : "-", b);
    while (b->len - at < width)
        buf_addc(b, ' ');
    buf_addc(b, ' ');
}

static void print_slots(struct buf *b, const struct fields *f)
{
    char *type, *id;
    int n = 0;

    buf_addf(b, "\nslot type       key id\n");
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->line[i].name, "slot") != 0)
            continue;
        slot_words(f->line[i].value, &type, &id);
        buf_addf(b, "%4d ", ++n);
        print_column(b, type, 10);
        print_column(b, id, 2 * PKEY_ID_BYTES);
        buf_addf(b, "%s\n", claim);
        free(type);
        free(id);
    }
}

static void print_text(struct buf *b, const struct shown *s)
{
    const char *label = fields_get(&s->head->fields, "label");

    buf_addf(b, "%s ", head_kind(s->head));
    fields_encode_value(label ? label : "-", b);
    buf_addf(b, ", id %s, sealed with %s\n", head_id(s->head), s->aead);
    if (*s->signer)
        buf_addf(b, "signed with the key %s\n", s->signer);
    else
        buf_adds(b, "not signed\n");
    buf_addf(b, "label, tags and host are %s\n", s->quiet ? "sealed" : "in clear");
    buf_addf(b, "room for slots: %" PRIu64 " bytes\n", s->pad);
    print_slots(b, &s->head->fields);
}

static void json_slots(struct json *j, const struct fields *f)
{
    char *type, *id;
    uint64_t n = 0;

    json_array(j, "slots");
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->line[i].name, "slot") != 0)
            continue;
        slot_words(f->line[i].value, &type, &id);
        json_object(j, NULL);
        json_u64(j, "slot", ++n);
        json_string(j, "type", type);
        json_string(j, "key-id", id);
        json_object_end(j);
        free(type);
        free(id);
    }
    json_array_end(j);
}

static void print_json(struct json *j, const struct shown *s)
{
    const char *label = fields_get(&s->head->fields, "label");

    json_object(j, NULL);
    json_string(j, "kind", head_kind(s->head));
    json_string(j, "id", head_id(s->head));
    if (label)
        json_string(j, "label", label);
    json_string(j, "aead", s->aead);
    if (*s->signer)
        json_string(j, "signed-with", s->signer);
    json_bool(j, "quiet", s->quiet);
    json_u64(j, "room", s->pad);
    json_slots(j, &s->head->fields);
    json_object_end(j);
    json_end_line(j);
}

static void list(const char *path, bool as_json)
{
    struct buf first = {0};
    struct json j = {0};
    int fd = headfile_open(path, &first);
    char *name = xasprintf("'%s'", path);
    struct reader *reader = reader_open_behind(&first, fd, name);
    const struct head *h = &reader_stream(reader)->head;
    const char *last = head_last_step(h), *wrong;

    if (!last || !step_is(last, "seal"))
        die(FAILED, "'%s' is not sealed: whoever has it can read it", path);
    wrong = seal_check_head(h);
    if (wrong)
        die(BAD_DATA, "'%s': %s", path, wrong);
    struct shown shown = look(h);
    if (as_json)
        print_json(&j, &shown);
    else
        print_text(&j.out, &shown);
    if (io_write(STDOUT_FILENO, j.out.data, j.out.len) < 0)
        die_errno("cannot write to standard output");
    free(shown.aead);
    buf_free(&j.out);
    buf_free(&first);
    reader_close(reader);
    free(name);
    close(fd);
}

static void rewrap_stream(void *ctx, struct head *h)
{
    const struct rewrap *r = ctx;

    rewrap_head(r, h, 0);
}

static void rewrap_file(const struct rewrap *r, const char *path)
{
    struct headfile *f = headfile_lock(path);
    char *name = xasprintf("'%s'", path);
    struct reader *reader = reader_open(headfile_fd(f), name);
    struct head head;

    head_copy(&head, &reader_stream(reader)->head);
    reader_close(reader);
    rewrap_head(r, &head, headfile_bytes(&head));
    headfile_replace(f, &head);
    headfile_close(f);
    head_free(&head);
    free(name);
}

static void check_options(const struct rewrap *r, bool rewraps, bool as_json, int operands)
{
    const struct keyring *o = &r->opens, *a = &r->adds;
    bool adds = a->recipients.count > 0 || a->key_file || a->passphrase_file || a->wrap;
    bool opens = o->identities.count > 0 || o->passphrase || o->passphrase_file || o->key_file || o->unwrap;

    if (!rewraps && (adds || opens || r->drop.count > 0))
        opt_wrong("all options but -J go with --rewrap");
    if (!rewraps && operands == 0)
        opt_wrong("FILE is missing");
    if (rewraps && as_json)
        opt_wrong("-J is for the list, and not for --rewrap");
    if (rewraps && !adds && r->drop.count == 0)
        opt_wrong("say what shall change: -r, --new-key, --new-passphrase-file, --wrap or --drop");
    if (o->key_file && (o->passphrase || (o->passphrase_file && o->identities.count == 0)))
        opt_wrong("-k is a key, and -p a passphrase: one of them");
    if (a->key_file && a->passphrase_file)
        opt_wrong("--new-key or --new-passphrase-file: one at a time");
}

int main(int argc, char **argv)
{
    static struct rewrap r;
    bool rewraps = false, as_json = false;
    const struct opt opt[] = {
        {OPT_FLAG, 'J', NULL, NULL, "the list as JSON", &as_json, 0, 0},
        {OPT_FLAG, 0, "rewrap", NULL, "change who can open it; without FILE, of the stream that goes through",
         &rewraps, 0, 0},
        {OPT_LIST, 'i', NULL, "KEY.pem", "open with this private key", &r.opens.identities, 0, 0},
        {OPT_FLAG, 'p', NULL, NULL, "open with a passphrase: BACKUP_ENCRYPTION_KEY, or asked for",
         &r.opens.passphrase, 0, 0},
        {OPT_STRING, 'k', NULL, "FILE", "open with a key of 32 bytes, as they are, or in hex or base64",
         &r.opens.key_file, 0, 0},
        {OPT_STRING, 0, "passphrase-file", "FILE", "open with the passphrase in this file",
         &r.opens.passphrase_file, 0, 0},
        {OPT_STRING, 0, "unwrap", "CMD", "open with this command", &r.opens.unwrap, 0, 0},
        {OPT_LIST, 'r', NULL, "PUB.pem", "who has the private key may open it, too", &r.adds.recipients, 0,
         0},
        {OPT_STRING, 0, "new-key", "FILE", "who has this key, too", &r.adds.key_file, 0, 0},
        {OPT_STRING, 0, "new-passphrase-file", "FILE", "who knows the passphrase in this file, too",
         &r.adds.passphrase_file, 0, 0},
        {OPT_STRING, 0, "wrap", "CMD", "a command that wraps the data key, as a KMS does", &r.adds.wrap, 0,
         0},
        {OPT_LIST, 0, "drop", "KEYID", "leave out this slot", &r.drop, 0, 0},
    };
    const struct cmd cmd = {.name = "bk-slots",
                            .brief = "show who can open a sealed backup, or change that",
                            .operands = "[FILE]",
                            .opt = opt,
                            .opts = sizeof opt / sizeof opt[0],
                            .max_operands = 1,
                            .example =
                                "bk-slots --rewrap -i old.pem -r new.pub --drop 0123456789abcdef app.bk"};

    secret_protect();
    int at = opt_parse(&cmd, argc, argv);
    check_options(&r, rewraps, as_json, argc - at);
    if (!rewraps)
        list(argv[at], as_json);
    else if (at < argc)
        rewrap_file(&r, argv[at]);
    else
        filter_head(rewrap_stream, &r);
    return DONE_OK;
}
