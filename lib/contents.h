/* contents.h - layer 3: what a stream says is in it (ITEM and DONE), and what was found of that (DATA).
 *
 * Used by all that look into a stream that is not sealed. Words that say what is wrong are meant for
 * die(BAD_DATA).
 */
#ifndef BK_CONTENTS_H
#define BK_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "fields.h"
#include "frame.h"
#include "oids.h"

enum item_type {
    ITEM_DATABASE,
    ITEM_ROLES,
    ITEM_TABLESPACES,
    ITEM_SCHEMA, /* the DDL, as an archive of pg_dump */
    ITEM_TABLE,
    ITEM_SEQUENCES,
    ITEM_LARGE_OBJECTS,
    ITEM_OTHER, /* made by a newer bk */
};

/* Of a table's rows. */
enum item_format {
    FORMAT_TEXT,
    FORMAT_BINARY, /* tuple.h */
    FORMAT_OTHER,  /* made by a newer bk */
};

struct item {
    enum item_type type;
    enum item_format format;
    struct fields fields; /* of ITEM */
    struct fields done;   /* of DONE; empty before it came */
    uint64_t frames;      /* DATA frames found */
    uint64_t stored;      /* bytes of their bodies, as they are in this stream */
    struct digest found;  /* of rows or bytes; kept by contents_digest() or the caller */
};

struct contents {
    struct item *item; /* item n at n - 1 */
    uint32_t count;
    size_t room;
};

/* Take what a frame of this type says; NULL, or what is wrong with it. contents_data() counts frames and
 * stored bytes; contents_digest() (only where no step is left) rows and digest too. */
const char *contents_item(struct contents *c, const struct frame *f, const uint8_t *body);
const char *contents_data(struct contents *c, const struct frame *f);
const char *contents_digest(struct contents *c, const struct frame *f, const uint8_t *body);
const char *contents_done(struct contents *c, const struct frame *f, const uint8_t *body);

/* For what needs rows: dies with status 3 of a format that only a newer bk knows. contents_digest() does so.
 */
void contents_want_format(const struct item *i);

/* Holds an item to its DONE: frames, and with `deep` rows, bytes and digest. Dies with status 3 if they
 * differ. */
void contents_check_item(const struct item *i, bool deep);

/* The same for all items, and holds their totals to END. */
void contents_check(const struct contents *c, const struct fields *end, bool deep);

/* The oids, in the source, of the tables among the items, or only of those that are true in `which` (of item
 * n at n - 1; NULL: all). Freed by the caller. */
struct oids contents_oids(const struct contents *c, const bool *which);

/* The first item of this type; NULL if there is none. */
const struct item *contents_find(const struct contents *c, enum item_type type);

/* Its own oid; 0 if it does not say. */
uint32_t item_oid(const struct item *i);

/* A field of ITEM, "" if it is not there. */
const char *item_get(const struct item *i, const char *name);

/* A name for messages and lists, as "public.posts", escaped as fields are. Freed by the caller. */
char *item_name(const struct item *i);

void contents_free(struct contents *c);

#endif
