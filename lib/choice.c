#include "choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "msg.h"
#include "pick.h"
#include "toc.h"
#include "verdict.h"

enum { MOST_SHOWN = 10 };

/* The rows of an extension's configuration table are the extension's matter: they come only with all of the
 * backup. */
static bool wants_rows(const struct item *item, const struct verdict *v, uint32_t i)
{
    switch (item->type) {
    case ITEM_TABLE:
        return (!v->asked || (v->asked[i] && !fields_get(&item->fields, "extension"))) &&
               !(v->refused && v->refused[i]) && !(v->without && v->without[i]);
    case ITEM_LARGE_OBJECTS:
        return !v->asked;
    default:
        return true;
    }
}

static void read_archive(int archive, struct toc *t)
{
    struct buf b = {0};
    ssize_t n;

    if (lseek(archive, 0, SEEK_SET) < 0)
        die_errno("cannot read the definitions again");
    while ((n = io_read(archive, buf_room(&b, 1 << 20), 1 << 20)) > 0)
        b.len += (size_t)n;
    if (n < 0)
        die_errno("cannot read the definitions again");
    if (!toc_decode(t, b.data, b.len))
        die(FAILED, "the definitions are of a form that this bk cannot select from: load all of the backup");
    buf_free(&b);
}

static void add_shown(struct buf *b, size_t *count, const struct toc_entry *e)
{
    if ((*count)++ < MOST_SHOWN) {
        buf_addf(b, "%s%s ", b->len ? ", " : "", e->type);
        fields_encode_value(e->schema, b);
        buf_addc(b, '.');
        fields_encode_value(e->name, b);
    }
}

static bool is_table_of(const struct toc_entry *table, const struct toc_entry *e)
{
    size_t n = strlen(table->name);

    return strcmp(table->schema, e->schema) == 0 && strncmp(table->name, e->name, n) == 0 &&
           e->name[n] == ' ';
}

/* Is the table that it belongs to made? */
static bool has_own_table(const struct toc *t, const enum pick *picks, const struct toc_entry *e)
{
    for (size_t k = 0; k < e->need_count; k++) {
        const struct toc_entry *n = toc_find(t, e->needs[k]);
        if (n && is_table_of(n, e) && picks[n - t->entry] == PICK_WANTED)
            return true;
    }
    return false;
}

/* Does it need a table or view that is not refused? */
static bool has_other_table(const struct toc *t, const enum pick *picks, const struct toc_entry *e)
{
    for (size_t k = 0; k < e->need_count; k++) {
        const struct toc_entry *n = toc_find(t, e->needs[k]);
        if (n && pick_is_relation(n) && picks[n - t->entry] != PICK_REFUSED)
            return true;
    }
    return false;
}

static void tell(const char *what, struct buf *names, size_t count)
{
    if (count > 0)
        warning("%s: %s%s", what, buf_str(names), count > MOST_SHOWN ? ", and more" : "");
    buf_free(names);
}

/* What a user may miss afterwards: not what went with a table that was to go. */
static void tell_left_out(const struct toc *t, const enum pick *picks, const bool *asked, const bool *refused)
{
    struct buf gone = {0}, empty = {0};
    size_t gone_count = 0, empty_count = 0;

    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *e = &t->entry[i];
        if (picks[i] == PICK_LACKING && !has_own_table(t, picks, e))
            continue;
        bool alone = !pick_belongs(e) && strcmp(e->type, "SEQUENCE") != 0;
        bool minor = strcmp(e->type, "ACL") == 0 || strcmp(e->type, "COMMENT") == 0;
        if (picks[i] == PICK_LACKING || (picks[i] == PICK_REFUSED && refused && !refused[i] && !minor &&
                                         (alone || has_other_table(t, picks, e))))
            add_shown(&gone, &gone_count, e);
        if (picks[i] == PICK_WANTED && asked && !asked[i] && strcmp(e->type, "TABLE") == 0)
            add_shown(&empty, &empty_count, e);
    }
    tell("left out, for it needs tables or rows that are left out", &gone, gone_count);
    tell("made without rows, for something needs it and it was not asked for", &empty, empty_count);
}

static void write_list(struct choice *c, const struct toc *t, const enum pick *picks)
{
    c->list = io_scratch_file();
    for (size_t i = 0; i < t->count; i++) {
        char line[32];
        if (picks[i] != PICK_WANTED)
            continue;
        io_scratch_write(c->list, line, (size_t)snprintf(line, sizeof line, "%d;\n", t->entry[i].id));
        c->picked++;
    }
    c->entries = t->count;
}

/* Is this owner, or this extension ("NAME VERSION"), one of what is made? */
static bool is_needed(const struct toc *t, const enum pick *picks, const struct field *f)
{
    bool owner = strcmp(f->name, "needs-owner") == 0;

    if (strcmp(f->name, "needs-setting-role") == 0)
        return false; /* settings are the whole database's */
    if (!owner && strcmp(f->name, "extension") != 0)
        return true;
    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *e = &t->entry[i];
        size_t n = strlen(e->name);
        if (picks[i] != PICK_WANTED)
            continue;
        if (owner ? strcmp(e->owner, f->value) == 0
                  : strcmp(e->type, "EXTENSION") == 0 && strncmp(e->name, f->value, n) == 0 &&
                        f->value[n] == ' ')
            return true;
    }
    return false;
}

/* No rows without a table. Rows of one that is not among the definitions at all must not be forgotten. */
static void drop_rows(struct choice *c, const struct contents *contents, const struct toc *t,
                      const enum pick *picks)
{
    struct oids defined = oids_room(t->count), made = oids_room(t->count);

    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->entry[i].type, "TABLE") != 0)
            continue;
        oids_add(&defined, t->entry[i].oid);
        if (picks[i] == PICK_WANTED)
            oids_add(&made, t->entry[i].oid);
    }
    oids_sort(&defined);
    oids_sort(&made);
    for (uint32_t i = 0; i < contents->count; i++) {
        const struct item *item = &contents->item[i];
        if (item->type != ITEM_TABLE || fields_get(&item->fields, "extension"))
            continue;
        if (c->rows[i] && !oids_have(&defined, item_oid(item)))
            die(BAD_DATA, "%s has rows, but no definition", item_name(item));
        c->rows[i] = c->rows[i] && oids_have(&made, item_oid(item));
    }
    oids_free(&defined);
    oids_free(&made);
}

/* Of each entry: does it, or one of its partitions, get rows; and does it, or one of them, lack what it had?
 */
struct fill {
    bool *some, *lack;
};

static void mark_upwards(bool *mark, const struct toc *t, const struct toc_entry *const *parent,
                         const struct toc_entry *e)
{
    for (; e && !mark[e - t->entry]; e = parent[e - t->entry])
        mark[e - t->entry] = true;
}

/* A partitioned table has no rows of its own. */
static struct fill find_fill(const struct choice *c, const struct contents *contents, const struct toc *t)
{
    struct fill f = {xcalloc(t->count, sizeof(bool)), xcalloc(t->count, sizeof(bool))};
    struct oids filled = contents_oids(contents, c->rows);
    const struct toc_entry **parent = pick_parents(t);
    bool *partitioned = xcalloc(t->count, sizeof partitioned[0]);

    for (size_t i = 0; i < t->count; i++)
        if (parent[i])
            partitioned[parent[i] - t->entry] = true;
    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *e = &t->entry[i];
        if (strcmp(e->type, "TABLE") == 0 && oids_have(&filled, e->oid))
            mark_upwards(f.some, t, parent, e);
        else if (strcmp(e->type, "TABLE") == 0 && !partitioned[i])
            mark_upwards(f.lack, t, parent, e);
    }
    free(partitioned);
    free(parent);
    oids_free(&filled);
    return f;
}

/* A foreign key from a table with rows to one that does not get all of its own could not be made. */
static void refuse_keys(const struct choice *c, const struct contents *contents, const struct toc *t,
                        enum pick *picks)
{
    struct fill f = find_fill(c, contents, t);

    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *e = &t->entry[i];
        bool from = false, to_lacking = false;
        if (strcmp(e->type, "FK CONSTRAINT") != 0)
            continue;
        for (size_t k = 0; k < e->need_count; k++) {
            const struct toc_entry *n = toc_find(t, e->needs[k]);
            if (!n || strcmp(n->type, "TABLE") != 0)
                continue;
            bool own = is_table_of(n, e);
            from |= own && f.some[n - t->entry];
            to_lacking |= !own && f.lack[n - t->entry];
        }
        if (from && to_lacking)
            picks[i] = PICK_LACKING;
    }
    free(f.some);
    free(f.lack);
}

static void choose_entries(struct choice *c, const struct contents *contents, const struct toc *t,
                           const struct verdict *v, bool by_schema)
{
    enum pick *picks = xcalloc(t->count, sizeof picks[0]);
    const bool *asked = v->asked ? v->asked + contents->count : NULL;
    const bool *refused = v->refused ? v->refused + contents->count : NULL;

    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *e = &t->entry[i];
        bool alone = by_schema && (pick_belongs(e) || strncmp(e->type, "PUBLICATION", 11) == 0);
        picks[i] = refused && refused[i]            ? PICK_REFUSED
                   : (!asked || asked[i]) && !alone ? PICK_WANTED
                                                    : PICK_NOTHING;
    }
    pick(t, picks);
    drop_rows(c, contents, t, picks);
    refuse_keys(c, contents, t, picks);
    tell_left_out(t, picks, asked, refused);
    write_list(c, t, picks);
    for (size_t i = c->needs.count; i > 0; i--)
        if (!is_needed(t, picks, &c->needs.line[i - 1]))
            fields_remove(&c->needs, i - 1);
    free(picks);
}

static void choose(struct choice *c, const struct verdict *v, const struct contents *contents,
                   const struct toc *t, bool schema_only, bool by_schema)
{
    for (uint32_t i = 0; i < contents->count; i++)
        c->rows[i] = !schema_only && wants_rows(&contents->item[i], v, i);
    if (t->count > 0)
        choose_entries(c, contents, t, v, by_schema);
}

void choice_make(struct choice *c, struct pg *pg, const struct selection *s, const struct contents *contents,
                 int archive)
{
    const struct fields *database = &contents->item[0].fields;
    struct selection recorded = selection_recorded(database);
    struct toc t = {0};
    bool rows = s->without_data.count + recorded.without_data.count == 0;

    *c = (struct choice){.rows = xcalloc(contents->count, sizeof c->rows[0]),
                         .all = selection_is_all(s) && selection_is_all(&recorded),
                         .list = -1};
    selection_try(pg, s, false);
    selection_try(pg, &recorded, true);
    for (size_t i = 0; i < database->count; i++)
        fields_add(&c->needs, database->line[i].name, database->line[i].value);
    if (archive >= 0 && !(c->all && rows))
        read_archive(archive, &t);
    struct verdict v = verdict_of(pg, s, &recorded, contents, &t);
    choose(c, &v, contents, &t, s->schema_only, s->schemas.count + recorded.schemas.count > 0);
    verdict_free(&v);
    toc_free(&t);
    selection_free(&recorded);
}

void choice_free(struct choice *c)
{
    free(c->rows);
    if (c->list >= 0)
        close(c->list);
    fields_free(&c->needs);
    *c = (struct choice){.list = -1};
}
