#include "rewrap.h"

#include <string.h>

#include "msg.h"
#include "pkey.h"
#include "seal.h"
#include "slot.h"

enum { ID_DIGITS = 2 * PKEY_ID_BYTES };

/* The key id: the second word of a slot. Of a type that this bk does not know it may be anything. */
static bool has_id(const char *slot, const char *id)
{
    const char *blank = strchr(slot, ' ');
    size_t n = strlen(id);

    return blank && strncmp(blank + 1, id, n) == 0 && (blank[1 + n] == ' ' || blank[1 + n] == '\0');
}

/* A slot for the same public key: type and id are the same. The others' ids are new each time. */
static bool is_same_recipient(const char *a, const char *b)
{
    const char *blank = strchr(a, ' ');
    size_t n = blank ? (size_t)(blank - a) + 1 + ID_DIGITS + 1 : 0;

    return n > 0 && strlen(a) >= n && strncmp(a, b, n) == 0;
}

static bool is_dropped(const struct rewrap *r, const char *slot)
{
    for (size_t i = 0; i < r->drop.count; i++)
        if (has_id(slot, r->drop.value[i]))
            return true;
    return false;
}

static bool has_recipient(const struct fields *slots, const char *slot)
{
    for (size_t i = 0; i < slots->count; i++)
        if (is_same_recipient(slots->line[i].value, slot))
            return true;
    return false;
}

static void check_drop(const struct rewrap *r, const struct head *h)
{
    for (size_t i = 0; i < r->drop.count; i++) {
        bool there = false;
        for (size_t k = 0; k < h->fields.count && !there; k++)
            there = strcmp(h->fields.line[k].name, "slot") == 0 &&
                    has_id(h->fields.line[k].value, r->drop.value[i]);
        if (!there) {
            hint("bk-slots FILE shows who can open it");
            die(BAD_CALL, "it has no slot with the key id '%s'", r->drop.value[i]);
        }
    }
}

/* Those that stay, in their order, and the new ones behind them. */
static void make_slots(const struct rewrap *r, const struct head *h, const struct secret *dek,
                       struct fields *slots)
{
    struct fields added = {0};

    keyring_make_slots(&r->adds, dek, &added);
    for (size_t i = 0; i < h->fields.count; i++) {
        const struct field *line = &h->fields.line[i];
        if (strcmp(line->name, "slot") == 0 && !is_dropped(r, line->value) &&
            !has_recipient(&added, line->value))
            fields_add(slots, "slot", line->value);
    }
    for (size_t i = 0; i < added.count; i++)
        if (!has_recipient(slots, added.line[i].value))
            fields_add(slots, "slot", added.line[i].value);
    fields_free(&added);
}

static void check_slots(const struct fields *slots)
{
    size_t passphrases = 0;

    for (size_t i = 0; i < slots->count; i++)
        passphrases += strncmp(slots->line[i].value, "scrypt ", strlen("scrypt ")) == 0;
    if (slots->count == 0)
        die(GUARDED, "nobody could open it any more: a slot must be left");
    if (slots->count > SLOTS_MAX)
        die(BAD_CALL, "a backup is sealed to at most %d", SLOTS_MAX);
    if (passphrases > 1) {
        hint("leave out the old one by --drop and its key id: bk-slots FILE");
        die(BAD_CALL, "a backup has at most one passphrase");
    }
}

void rewrap_head(const struct rewrap *r, struct head *h, size_t whole)
{
    const char *wrong = seal_check_head(h);
    struct fields slots = {0};

    if (wrong)
        die(BAD_DATA, "%s", wrong);
    check_drop(r, h);
    struct secret *dek = keyring_open(&r->opens, h);
    struct seal *seal = seal_open(h, dek->bytes);
    wrong = seal_check(h, seal);
    if (wrong)
        die(BAD_DATA, "%s", wrong);
    make_slots(r, h, dek, &slots);
    check_slots(&slots);
    if (!seal_set_slots(h, seal, &slots, whole)) {
        hint("bk-slots --rewrap ... < FILE > NEW makes HEAD longer");
        die(GUARDED, "there is no room in HEAD for these slots");
    }
    if (seal_check_head(h) || seal_check(h, seal))
        bug();
    fields_free(&slots);
    seal_close(seal);
    secret_free(dek);
}
