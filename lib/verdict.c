#include "verdict.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"
#include "pick.h"

/* Names of things, each with what it stands for: a partition has the names of all tables above it too. */
struct names {
    struct selection_name *name;
    size_t *of; /* its item, or behind these its entry */
    size_t count, room;
};

static void add_name(struct names *n, const char *schema, const char *name, size_t of)
{
    if (n->count == n->room) {
        n->room = n->room ? n->room * 2 : 64;
        n->name = xrealloc(n->name, n->room, sizeof n->name[0]);
        n->of = xrealloc(n->of, n->room, sizeof n->of[0]);
    }
    n->name[n->count] = (struct selection_name){schema, name, false};
    n->of[n->count++] = of;
}

static void add_items(struct names *n, const struct contents *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct item *item = &c->item[i];
        if (item->type != ITEM_TABLE)
            continue;
        add_name(n, item_get(item, "schema"), item_get(item, "name"), i);
        for (size_t k = 0; k + 1 < item->fields.count; k++)
            if (strcmp(item->fields.line[k].name, "ancestor-schema") == 0)
                add_name(n, item->fields.line[k].value, item->fields.line[k + 1].value, i);
    }
}

static void add_entries(struct names *n, const struct toc *t, size_t first)
{
    enum { DEEPEST = 100 }; /* whatever a damaged archive says */
    const struct toc_entry **parent = pick_parents(t);

    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *e = &t->entry[i];
        if (!pick_is_relation(e))
            continue;
        for (int depth = 0; e && depth < DEEPEST; depth++, e = parent[e - t->entry])
            add_name(n, e->schema, e->name, first + i);
    }
    free(parent);
}

/* Of each item, and behind them each entry: does a pattern match it, and is it among `within` (NULL: all)?
 * NULL if there are no patterns. */
static bool *match(struct pg *pg, const struct opt_list *patterns, bool schemas, enum unmatched unmatched,
                   struct names *n, size_t of, const bool *within)
{
    if (patterns->count == 0)
        return NULL;
    bool *hit = xcalloc(of, sizeof hit[0]);
    struct names some = {0};
    for (size_t i = 0; i < n->count; i++)
        if (!within || within[n->of[i]])
            add_name(&some, n->name[i].schema, n->name[i].name, n->of[i]);
    selection_match(pg, patterns, schemas, unmatched, some.name, some.count);
    for (size_t i = 0; i < some.count; i++)
        if (some.name[i].hit)
            hit[some.of[i]] = true;
    free(some.name);
    free(some.of);
    return hit;
}

/* For patterns of schemas: all entries by their schema, and these of schemas themselves. */
static void add_schemas(struct names *n, const struct contents *c, const struct toc *t)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->item[i].type == ITEM_TABLE)
            add_name(n, item_get(&c->item[i], "schema"), "", i);
    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *e = &t->entry[i];
        add_name(n, strcmp(e->type, "SCHEMA") == 0 ? e->name : e->schema, "", c->count + i);
    }
}

static struct verdict judge_one(struct pg *pg, const struct selection *s, bool recorded,
                                struct names *relations, struct names *schemas, size_t n, const bool *within)
{
    enum unmatched must = recorded ? UNMATCHED_IGNORE : UNMATCHED_COMPLAIN,
                   may = recorded ? UNMATCHED_IGNORE : UNMATCHED_WARN;
    struct verdict v = {.asked = match(pg, &s->tables, false, must, relations, n, within),
                        .refused = match(pg, &s->without_tables, false, may, relations, n, within),
                        .without = match(pg, &s->without_data, false, may, relations, n, within)};

    if (!v.asked)
        v.asked = match(pg, &s->schemas, true, must, schemas, n, within);
    return v;
}

/* Both have been asked for what is asked for; either refuses. Frees `b`. */
static void merge(struct verdict *a, struct verdict *b, size_t n)
{
    bool **into[] = {&a->asked, &a->refused, &a->without}, *from[] = {b->asked, b->refused, b->without};

    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < n && *into[k] && from[k]; i++)
            (*into[k])[i] = k == 0 ? (*into[k])[i] && from[k][i] : (*into[k])[i] || from[k][i];
        if (*into[k])
            free(from[k]);
        else
            *into[k] = from[k];
    }
}

static void trust(struct verdict *v, size_t at, bool *differs)
{
    *differs |= (v->asked && !v->asked[at]) || (v->refused && v->refused[at]);
    if (v->asked)
        v->asked[at] = true;
    if (v->refused)
        v->refused[at] = false;
    if (v->without)
        v->without[at] = false;
}

/* Tables whose rows are in the backup are there because its patterns fitted, in the source: what is a letter,
 * or one character, this server may see otherwise. */
static void trust_source(struct verdict *v, const struct contents *c, const struct toc *t)
{
    bool differs = false;
    struct oids oids = contents_oids(c, NULL);

    for (uint32_t i = 0; i < c->count; i++)
        if (c->item[i].type == ITEM_TABLE)
            trust(v, i, &differs);
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->entry[i].type, "TABLE") == 0 && oids_have(&oids, t->entry[i].oid))
            trust(v, c->count + i, &differs);
    if (differs)
        warning(
            "the patterns that the backup was made with fit other names on this server: its tables come, but "
            "perhaps not all that is beside them");
    oids_free(&oids);
}

/* What is said of a table's rows is said of its definition: ITEMs know of ancestors that an archive may not
 * tell (TABLE ATTACH, by a pg_dump of 2021 or later). */
static void join(bool *says, const struct contents *c, const struct toc *t)
{
    if (!says)
        return;
    struct oids oids = contents_oids(c, says);
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->entry[i].type, "TABLE") == 0 && oids_have(&oids, t->entry[i].oid))
            says[c->count + i] = true;
    oids_free(&oids);
}

struct verdict verdict_of(struct pg *pg, const struct selection *s, const struct selection *recorded,
                          const struct contents *contents, const struct toc *t)
{
    struct names relations = {0}, schemas = {0};
    size_t n = contents->count + t->count;

    add_items(&relations, contents);
    add_entries(&relations, t, contents->count);
    add_schemas(&schemas, contents, t);
    struct verdict v = judge_one(pg, recorded, true, &relations, &schemas, n, NULL);
    trust_source(&v, contents, t);
    struct verdict own = judge_one(pg, s, false, &relations, &schemas, n, v.asked);
    merge(&v, &own, n);
    join(v.asked, contents, t);
    join(v.refused, contents, t);
    free(relations.name);
    free(relations.of);
    free(schemas.name);
    free(schemas.of);
    return v;
}

void verdict_free(struct verdict *v)
{
    free(v->asked);
    free(v->refused);
    free(v->without);
    *v = (struct verdict){0};
}
