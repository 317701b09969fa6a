#include "contents.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"

static const struct {
    const char *word;
    enum item_type type;
    enum digest_kind digest;
} types[] = {
    {"database", ITEM_DATABASE, DIGEST_BYTES},
    {"roles", ITEM_ROLES, DIGEST_ROWS},
    {"tablespaces", ITEM_TABLESPACES, DIGEST_ROWS},
    {"schema", ITEM_SCHEMA, DIGEST_BYTES},
    {"table", ITEM_TABLE, DIGEST_ROWS},
    {"sequences", ITEM_SEQUENCES, DIGEST_ROWS},
    {"large-objects", ITEM_LARGE_OBJECTS, DIGEST_ROWS},
};

static void set_type(struct item *i)
{
    const char *word = item_get(i, "type");

    i->type = ITEM_OTHER;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        if (strcmp(types[t].word, word) == 0) {
            i->type = types[t].type;
            digest_begin(&i->found, types[t].digest);
        }
    }
}

/* The schema's `format` is another one. */
static void set_format(struct item *i)
{
    const char *word = fields_get(&i->fields, "format");

    if (i->type != ITEM_TABLE || !word)
        return;
    i->format = strcmp(word, "binary") == 0 ? FORMAT_BINARY : FORMAT_OTHER;
    if (i->format == FORMAT_BINARY)
        digest_begin(&i->found, DIGEST_TUPLES);
}

const char *contents_item(struct contents *c, const struct frame *f, const uint8_t *body)
{
    if (c->count == c->room) {
        c->room = c->room ? c->room * 2 : 64;
        c->item = xrealloc(c->item, c->room, sizeof c->item[0]);
    }
    struct item *i = &c->item[c->count++];
    *i = (struct item){0};
    enum fields_err e = fields_decode(&i->fields, body, f->length);
    if (e)
        return fields_strerror(e);
    set_type(i);
    set_format(i);
    if (i->type == ITEM_TABLE && (!*item_get(i, "schema") || !*item_get(i, "name")))
        return "it is a table without a name";
    return fields_count(&i->fields, "column") == fields_count(&i->fields, "column-type")
               ? NULL
               : "it has columns without types";
}

const char *contents_data(struct contents *c, const struct frame *f)
{
    struct item *i = &c->item[f->item - 1];
    uint64_t parts = 1;

    i->frames++;
    i->stored += f->length;
    if (i->type == ITEM_DATABASE)
        return "the database itself has no rows";
    fields_get_u64(&i->fields, "parts", &parts);
    return f->part < parts || i->type == ITEM_OTHER ? NULL : "it belongs to a part that is none";
}

void contents_want_format(const struct item *i)
{
    if (i->format == FORMAT_OTHER)
        die(BAD_DATA,
            "the rows of %s are in the format '%s', which this bk does not know: made by a newer bk",
            item_name(i), item_get(i, "format"));
}

const char *contents_digest(struct contents *c, const struct frame *f, const uint8_t *body)
{
    struct item *i = &c->item[f->item - 1];

    contents_want_format(i);
    if (i->type == ITEM_OTHER || digest_add(&i->found, body, f->length, f->flags & FRAME_MORE))
        return NULL;
    return "it does not hold whole rows";
}

const char *contents_done(struct contents *c, const struct frame *f, const uint8_t *body)
{
    static const char *const numbers[] = {"frames", "rows", "bytes"};
    static const char *const single[] = {"frames", "rows", "bytes", "digest", NULL};
    struct item *i = &c->item[f->item - 1];
    enum fields_err e = fields_decode(&i->done, body, f->length);
    uint64_t n;

    if (e)
        return fields_strerror(e);
    if (fields_twice(&i->done, single))
        return "it says twice what it may say once";
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
        if (!fields_get_u64(&i->done, numbers[k], &n))
            return "it has no count of frames, rows or bytes";
    return NULL;
}

static _Noreturn void die_differs(const struct item *i, const char *what, const char *said, const char *found)
{
    die(BAD_DATA, "%s: %s: the backup says %s, but there are %s", item_name(i), what, said, found);
}

static void check_number(const struct item *i, const char *name, uint64_t found)
{
    const char *said = fields_get(&i->done, name);
    char text[32];

    snprintf(text, sizeof text, "%" PRIu64, found);
    if (!said || strcmp(said, text) != 0)
        die_differs(i, name, said ? said : "nothing", text);
}

void contents_check_item(const struct item *i, bool deep)
{
    const char *said = fields_get(&i->done, "digest");
    char found[DIGEST_TEXT_MAX];

    check_number(i, "frames", i->frames);
    if (!deep || i->type == ITEM_OTHER)
        return;
    check_number(i, "rows", i->found.rows);
    check_number(i, "bytes", i->found.bytes);
    digest_text(&i->found, found);
    if (!said || strcmp(said, found) != 0)
        die_differs(i, "digest", said ? said : "nothing", found);
}

static void check_total(const struct contents *c, const struct fields *end, const char *name)
{
    uint64_t sum = 0, said = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        uint64_t n = 0;
        fields_get_u64(&c->item[i].done, name, &n);
        sum += n;
    }
    if (!fields_get_u64(end, name, &said) || said != sum)
        die(BAD_DATA, "END's %s are not the sum of the items'", name);
}

void contents_check(const struct contents *c, const struct fields *end, bool deep)
{
    for (uint32_t i = 0; i < c->count; i++)
        contents_check_item(&c->item[i], deep);
    check_total(c, end, "rows");
    check_total(c, end, "bytes");
}

struct oids contents_oids(const struct contents *c, const bool *which)
{
    struct oids oids = oids_room(c->count);

    for (uint32_t i = 0; i < c->count; i++)
        if (c->item[i].type == ITEM_TABLE && (!which || which[i]))
            oids_add(&oids, item_oid(&c->item[i]));
    oids_sort(&oids);
    return oids;
}

const struct item *contents_find(const struct contents *c, enum item_type type)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->item[i].type == type)
            return &c->item[i];
    return NULL;
}

uint32_t item_oid(const struct item *i)
{
    uint64_t oid = 0;

    fields_get_u64(&i->fields, "oid", &oid);
    return oid <= UINT32_MAX ? (uint32_t)oid : 0;
}

const char *item_get(const struct item *i, const char *name)
{
    const char *value = fields_get(&i->fields, name);

    return value ? value : "";
}

char *item_name(const struct item *i)
{
    struct buf b = {0};

    if (i->type == ITEM_TABLE) {
        fields_encode_value(item_get(i, "schema"), &b);
        buf_addc(&b, '.');
    }
    if (i->type == ITEM_SCHEMA)
        buf_adds(&b, "definitions");
    else if (i->type == ITEM_DATABASE || i->type == ITEM_TABLE)
        fields_encode_value(item_get(i, "name"), &b);
    else
        fields_encode_value(item_get(i, "type"), &b);
    return buf_str(&b);
}

void contents_free(struct contents *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        fields_free(&c->item[i].fields);
        fields_free(&c->item[i].done);
        digest_free(&c->item[i].found);
    }
    free(c->item);
    *c = (struct contents){0};
}
