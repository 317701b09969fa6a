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
    {"schema", ITEM_SCHEMA, DIGEST_BYTES},
    {"table", ITEM_TABLE, DIGEST_ROWS},
    {"sequences", ITEM_SEQUENCES, DIGEST_ROWS},
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

const char *contents_digest(struct contents *c, const struct frame *f, const uint8_t *body)
{
    struct item *i = &c->item[f->item - 1];

    if (i->type == ITEM_OTHER)
        return NULL;
    return digest_add(&i->found, body, f->length, f->flags & FRAME_MORE) ? NULL
                                                                         : "it does not hold whole rows";
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

/* Is DONE's number what was found? Fills in both. */
static bool number_is(const struct item *i, const char *name, uint64_t found_n, char *said, char *found)
{
    uint64_t n = 0;
    bool there = fields_get_u64(&i->done, name, &n);

    snprintf(said, DIGEST_TEXT_MAX, "%" PRIu64, n);
    snprintf(found, DIGEST_TEXT_MAX, "%" PRIu64, found_n);
    return there && n == found_n;
}

const char *item_differs(const struct item *i, bool deep, char said[DIGEST_TEXT_MAX],
                         char found[DIGEST_TEXT_MAX])
{
    const char *digest = fields_get(&i->done, "digest");

    if (!number_is(i, "frames", i->frames, said, found))
        return "frames";
    if (!deep || i->type == ITEM_OTHER)
        return NULL;
    if (!number_is(i, "rows", i->found.rows, said, found))
        return "rows";
    if (!number_is(i, "bytes", i->found.bytes, said, found))
        return "bytes";
    snprintf(said, DIGEST_TEXT_MAX, "%.*s", DIGEST_TEXT_MAX - 1, digest ? digest : "none");
    return strcmp(digest_text(&i->found, found), said) == 0 ? NULL : "digest";
}

const char *contents_totals(const struct contents *c, const struct fields *end)
{
    uint64_t rows = 0, bytes = 0, n;

    for (uint32_t i = 0; i < c->count; i++) {
        uint64_t item_rows = 0, item_bytes = 0;
        fields_get_u64(&c->item[i].done, "rows", &item_rows);
        fields_get_u64(&c->item[i].done, "bytes", &item_bytes);
        rows += item_rows;
        bytes += item_bytes;
    }
    if (!fields_get_u64(end, "rows", &n) || n != rows)
        return "rows";
    if (!fields_get_u64(end, "bytes", &n) || n != bytes)
        return "bytes";
    return NULL;
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
