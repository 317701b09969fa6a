#include "pick.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static bool is_one_of(const char *type, const char *const types[])
{
    for (; *types; types++)
        if (strcmp(type, *types) == 0)
            return true;
    return false;
}

bool pick_belongs(const struct toc_entry *e)
{
    static const char *const types[] = {"DEFAULT",
                                        "INDEX",
                                        "INDEX ATTACH",
                                        "TABLE ATTACH",
                                        "CONSTRAINT",
                                        "CHECK CONSTRAINT",
                                        "FK CONSTRAINT",
                                        "TRIGGER",
                                        "RULE",
                                        "POLICY",
                                        "ROW SECURITY",
                                        "STATISTICS",
                                        "COMMENT",
                                        "ACL",
                                        "SECURITY LABEL",
                                        "SEQUENCE OWNED BY",
                                        "MATERIALIZED VIEW DATA",
                                        NULL};

    return is_one_of(e->type, types);
}

bool pick_is_relation(const struct toc_entry *e)
{
    static const char *const types[] = {"TABLE",         "VIEW",     "MATERIALIZED VIEW",
                                        "FOREIGN TABLE", "SEQUENCE", NULL};

    return is_one_of(e->type, types);
}

struct work {
    const struct toc *t;
    enum pick *picks;
    const struct toc_entry **parent; /* of partitions */
    size_t *stack;
    bool *seen;
};

/* The place of the k-th need of an entry. False: it is no entry of this archive (a boundary between sections,
 * or what every database has). */
static bool need(const struct work *w, const struct toc_entry *e, size_t k, size_t *place)
{
    const struct toc_entry *found = toc_find(w->t, e->needs[k]);

    if (!found || w->parent[e - w->t->entry] == found) /* a partition is made as a table, and then attached */
        return false;
    *place = (size_t)(found - w->t->entry);
    return true;
}

static void refuse_dependents(struct work *w)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < w->t->count; i++) {
            const struct toc_entry *e = &w->t->entry[i];
            size_t n;
            for (size_t k = 0; k < e->need_count && w->picks[i] != PICK_REFUSED; k++) {
                if (!need(w, e, k, &n) || w->picks[n] != PICK_REFUSED)
                    continue;
                w->picks[i] = PICK_REFUSED;
                more = true;
            }
        }
    }
}

/* All that entry `i` needs, itself included, on the stack. Returns how many. */
static size_t closure(struct work *w, size_t i)
{
    size_t count = 0, n;

    memset(w->seen, 0, w->t->count * sizeof w->seen[0]);
    w->stack[count++] = i;
    w->seen[i] = true;
    for (size_t at = 0; at < count; at++) {
        const struct toc_entry *e = &w->t->entry[w->stack[at]];
        for (size_t k = 0; k < e->need_count; k++) {
            if (!need(w, e, k, &n) || w->seen[n])
                continue;
            w->seen[n] = true;
            w->stack[count++] = n;
        }
    }
    return count;
}

static void want(struct work *w, size_t i)
{
    size_t n = closure(w, i);

    for (size_t k = 0; k < n; k++)
        w->picks[w->stack[k]] = PICK_WANTED;
}

/* Does it need something wanted directly? */
static bool touches(const struct work *w, const struct toc_entry *e)
{
    size_t n;

    for (size_t k = 0; k < e->need_count; k++)
        if (need(w, e, k, &n) && w->picks[n] == PICK_WANTED)
            return true;
    return false;
}

/* Would it bring a table or view that was not asked for? */
static bool brings_relation(struct work *w, size_t i)
{
    size_t n = closure(w, i);

    for (size_t k = 0; k < n; k++) {
        const struct toc_entry *e = &w->t->entry[w->stack[k]];
        if (w->picks[w->stack[k]] != PICK_WANTED && pick_is_relation(e) && strcmp(e->type, "SEQUENCE") != 0)
            return true;
    }
    return false;
}

static void attach(struct work *w)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < w->t->count; i++) {
            const struct toc_entry *e = &w->t->entry[i];
            bool belongs = pick_belongs(e) || strcmp(e->type, "SEQUENCE") == 0;
            if (!belongs || w->picks[i] == PICK_WANTED || w->picks[i] == PICK_REFUSED || !touches(w, e))
                continue;
            if (brings_relation(w, i)) {
                w->picks[i] = PICK_LACKING;
                continue;
            }
            want(w, i);
            more = true;
        }
    }
}

void pick(const struct toc *t, enum pick *picks)
{
    struct work w = {.t = t, .picks = picks};

    w.parent = pick_parents(t);
    w.stack = xcalloc(t->count, sizeof w.stack[0]);
    w.seen = xcalloc(t->count, sizeof w.seen[0]);
    refuse_dependents(&w);
    for (size_t i = 0; i < t->count; i++)
        if (picks[i] == PICK_WANTED)
            want(&w, i);
    attach(&w);
    free(w.parent);
    free(w.stack);
    free(w.seen);
}

/* A partition's TABLE ATTACH has its name, and needs it and the table above it. Of each entry what is above
 * it, or NULL.
 */
const struct toc_entry **pick_parents(const struct toc *t)
{
    const struct toc_entry **parent = xcalloc(t->count, sizeof parent[0]);

    for (size_t i = 0; i < t->count; i++) {
        const struct toc_entry *a = &t->entry[i], *child = NULL, *above = NULL;
        if (strcmp(a->type, "TABLE ATTACH") != 0)
            continue;
        for (size_t k = 0; k < a->need_count; k++) {
            const struct toc_entry *e = toc_find(t, a->needs[k]);
            if (!e || !pick_is_relation(e))
                continue;
            if (strcmp(e->name, a->name) == 0 && strcmp(e->schema, a->schema) == 0)
                child = e;
            else
                above = e;
        }
        if (child)
            parent[child - t->entry] = above;
    }
    return parent;
}
