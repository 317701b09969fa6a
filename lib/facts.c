#include "facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"

/* Which lines of an ITEM are facts; and what is found if the other one has another value, or no such line. */
enum form {
    VALUE,     /* there is one such line */
    NAME,      /* there may be several, and they have no value */
    PAIR,      /* the next line is the value */
    SETTING,   /* the value is behind the first "=" */
    VERSIONED, /* the value is behind the last space */
};

struct rule {
    enum item_type type;
    const char *field;
    enum form form;
    enum finding_level differs, missing;
};

static const struct rule rules[] = {
    {ITEM_DATABASE, "copy-setting", SETTING, INCOMPARABLE, INCOMPARABLE},
    {ITEM_DATABASE, "extension", VERSIONED, NOTE, DIFFERENCE},
    {ITEM_DATABASE, "server-version", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "encoding", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "collate", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "ctype", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "locale-provider", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "icu-locale", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "owner", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "acl", NAME, NOTE, NOTE},
    {ITEM_DATABASE, "comment", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "tablespace", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "connection-limit", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "is-template", VALUE, NOTE, NOTE},
    {ITEM_DATABASE, "setting", SETTING, NOTE, NOTE},
    {ITEM_DATABASE, "select", NAME, NOTE, NOTE},
    {ITEM_TABLE, "column", PAIR, DIFFERENCE, DIFFERENCE},
    {ITEM_TABLE, "persistence", VALUE, NOTE, NOTE},
    {ITEM_TABLE, "extension", VALUE, NOTE, NOTE},
    {ITEM_TABLE, "condition", VALUE, NOTE, NOTE},
};

/* A partition that is compared with others as one thing. */
static const struct rule partition_rule = {ITEM_TABLE, "partition", NAME, DIFFERENCE, DIFFERENCE};

/* The format of such partitions: if a row goes from one to another, the sum changes with its format. */
static const char mixed[] = "text and binary";

/* Strings are the contents'. */
struct fact {
    const struct rule *rule;
    const char *name, *value; /* "" if it has none */
};

/* A table, or all partitions of one root if a restore may put their rows elsewhere among them; or another
 * item. Strings are the contents'. */
struct thing {
    enum item_type type;
    const char *word, *schema, *name; /* the type's; the table's, else "" */
    bool partitions;
    const char *format;
    struct digest rows;
    struct fact *fact; /* in order, none twice */
    size_t facts;
};

struct facts {
    struct thing *thing; /* in order; the first is the database */
    size_t things;
};

struct comparison {
    void (*tell)(void *ctx, const struct finding *f);
    void *ctx;
    bool comparable; /* the digests */
};

static void add_fact(struct thing *t, struct fact f)
{
    t->fact = xrealloc(t->fact, t->facts + 1, sizeof t->fact[0]);
    t->fact[t->facts++] = f;
}

static const struct rule *rule_of(enum item_type type, const char *field)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].type == type && strcmp(rules[i].field, field) == 0)
            return &rules[i];
    return NULL;
}

static void add_line(struct thing *t, const struct fields *f, size_t i)
{
    const struct rule *rule = rule_of(t->type, f->line[i].name);
    char *line = f->line[i].value, *cut = NULL;

    if (!rule)
        return;
    struct fact fact = {.rule = rule, .name = line, .value = ""};
    if (rule->form == VALUE)
        fact = (struct fact){.rule = rule, .name = "", .value = line};
    if (rule->form == PAIR && i + 1 < f->count)
        fact.value = f->line[i + 1].value;
    if (rule->form == SETTING)
        cut = strchr(line, '=');
    if (rule->form == VERSIONED)
        cut = strrchr(line, ' ');
    if (cut) {
        *cut = '\0';
        fact.value = cut + 1;
    }
    add_fact(t, fact);
}

/* The name is that of the root where rows may go from one partition to another. */
static void set_name(struct thing *t, const struct item *i)
{
    const struct fields *f = &i->fields;

    t->schema = item_get(i, "schema");
    t->name = item_get(i, "name");
    if (strcmp(item_get(i, "load-into"), "root") != 0)
        return;
    t->partitions = true;
    add_fact(t, (struct fact){&partition_rule, t->name, ""});
    for (size_t k = 0; k + 1 < f->count; k++) {
        if (strcmp(f->line[k].name, "ancestor-schema") == 0) {
            t->schema = f->line[k].value;
            t->name = f->line[k + 1].value;
        }
    }
}

static void set_digest(struct thing *t, const struct item *i)
{
    const char *said = fields_get(&i->done, "digest");

    if (!said || !digest_parse(said, &t->rows))
        die(BAD_DATA, "the digest of %s is of a kind that this bk does not know: made by a newer bk",
            item_name(i));
    fields_get_u64(&i->done, "rows", &t->rows.rows);
}

static struct thing thing_of(const struct item *i)
{
    struct thing t = {.type = i->type, .word = item_get(i, "type"), .schema = "", .name = ""};

    digest_begin(&t.rows, DIGEST_ROWS);
    t.format = *item_get(i, "format") ? item_get(i, "format") : "text";
    if (i->type == ITEM_TABLE)
        set_name(&t, i);
    for (size_t k = 0; k < i->fields.count; k++)
        add_line(&t, &i->fields, k);
    if (i->type != ITEM_DATABASE && i->type != ITEM_OTHER)
        set_digest(&t, i);
    return t;
}

static int compare_names(const struct thing *a, const struct thing *b)
{
    int c = (a->type > b->type) - (a->type < b->type);

    c = c ? c : strcmp(a->word, b->word);
    c = c ? c : strcmp(a->schema, b->schema);
    return c ? c : strcmp(a->name, b->name);
}

static int compare_things(const void *a, const void *b)
{
    return compare_names(a, b);
}

static int compare_fact_names(const struct fact *a, const struct fact *b)
{
    int c = strcmp(a->rule->field, b->rule->field);

    return c ? c : strcmp(a->name, b->name);
}

static int compare_facts(const void *a, const void *b)
{
    const struct fact *f = a, *g = b;
    int c = compare_fact_names(f, g);

    return c ? c : strcmp(f->value, g->value);
}

static void sort_facts(struct thing *t)
{
    size_t kept = 0;

    if (t->facts > 0)
        qsort(t->fact, t->facts, sizeof t->fact[0], compare_facts);
    for (size_t i = 0; i < t->facts; i++)
        if (kept == 0 || compare_facts(&t->fact[kept - 1], &t->fact[i]) != 0)
            t->fact[kept++] = t->fact[i];
    t->facts = kept;
}

/* Partitions of one root become one thing. */
static void merge(struct thing *to, struct thing *t)
{
    digest_merge(&to->rows, &t->rows);
    if (strcmp(to->format, t->format) != 0)
        to->format = mixed;
    for (size_t i = 0; i < t->facts; i++)
        add_fact(to, t->fact[i]);
    free(t->fact);
}

static _Noreturn void die_twice(const struct thing *t)
{
    if (t->type != ITEM_TABLE)
        die(BAD_DATA, "there are two items of type '%s'", t->word);
    die(BAD_DATA, "the table %s.%s is there twice", t->schema, t->name);
}

/* Of what a newer bk has there may be several. */
static void join(struct facts *f, struct thing *t)
{
    struct thing *last = f->things > 0 ? &f->thing[f->things - 1] : NULL;

    if (!last || compare_names(last, t) != 0 || last->type == ITEM_OTHER)
        f->thing[f->things++] = *t;
    else if (last->partitions && t->partitions)
        merge(last, t);
    else
        die_twice(last);
}

struct facts *facts_open(struct contents *c)
{
    struct facts *f = xcalloc(1, sizeof *f);
    size_t n = 0;

    f->thing = xcalloc((size_t)c->count + 1, sizeof f->thing[0]);
    for (uint32_t i = 0; i < c->count; i++)
        if (c->item[i].type != ITEM_SCHEMA)
            f->thing[n++] = thing_of(&c->item[i]);
    qsort(f->thing, n, sizeof f->thing[0], compare_things);
    if (n == 0 || f->thing[0].type != ITEM_DATABASE)
        die(BAD_DATA, "nothing is said of the database");
    for (size_t i = 0; i < n; i++)
        join(f, &f->thing[i]);
    for (size_t i = 0; i < f->things; i++)
        sort_facts(&f->thing[i]);
    return f;
}

void facts_free(struct facts *f)
{
    for (size_t i = 0; i < f->things; i++)
        free(f->thing[i].fact);
    free(f->thing);
    free(f);
}

static void tell(const struct comparison *c, enum finding_level level, const struct thing *t,
                 const char *what, const char *which, const char *a, const char *b)
{
    const struct finding f = {level, t->word, t->schema, t->name, what, which, a, b};

    c->tell(c->ctx, &f);
}

/* Of two lists in order, whose next elements compare so: which goes on? */
static int next_of(size_t i, size_t n, size_t k, size_t m)
{
    return i == n ? 1 : k == m ? -1 : 0;
}

/* True if all that may make them incomparable is the same. */
static bool compare_each_fact(const struct comparison *c, const struct thing *a, const struct thing *b)
{
    bool comparable = true;

    for (size_t i = 0, k = 0; i < a->facts || k < b->facts;) {
        const struct fact *f = &a->fact[i], *g = &b->fact[k];
        int order = next_of(i, a->facts, k, b->facts);
        order = order ? order : compare_fact_names(f, g);
        const struct fact *one = order > 0 ? g : f;
        enum finding_level level = order ? one->rule->missing : one->rule->differs;
        bool same = order == 0 && strcmp(f->value, g->value) == 0;
        if (!same)
            tell(c, level, a, one->rule->field, one->name, order > 0 ? NULL : f->value,
                 order < 0 ? NULL : g->value);
        comparable = comparable && (same || level != INCOMPARABLE);
        i += order <= 0;
        k += order >= 0;
    }
    return comparable;
}

static void compare_rows(const struct comparison *c, const struct thing *a, const struct thing *b)
{
    char x[DIGEST_TEXT_MAX], y[DIGEST_TEXT_MAX];

    if (a->rows.rows != b->rows.rows) {
        snprintf(x, sizeof x, "%" PRIu64, a->rows.rows);
        snprintf(y, sizeof y, "%" PRIu64, b->rows.rows);
        tell(c, DIFFERENCE, a, "rows", "", x, y);
    } else if (a->rows.rows > 0 && strcmp(a->format, b->format) != 0) {
        tell(c, INCOMPARABLE, a, "format", "", a->format, b->format);
    } else if (c->comparable && strcmp(digest_text(&a->rows, x), digest_text(&b->rows, y)) != 0) {
        if (a->format == mixed)
            tell(c, INCOMPARABLE, a, "format", "", mixed, mixed);
        else
            tell(c, DIFFERENCE, a, "digest", "", x, y);
    }
}

static void compare_both(const struct comparison *c, const struct thing *a, const struct thing *b)
{
    if (a->type == ITEM_OTHER) {
        tell(c, INCOMPARABLE, a, "type", "", "of a newer bk", "of a newer bk");
        return;
    }
    compare_each_fact(c, a, b);
    compare_rows(c, a, b);
}

/* Roles and tablespaces are the server's, and only there if they were asked for. */
static enum finding_level level_of_missing(const struct thing *t)
{
    if (t->type == ITEM_OTHER)
        return INCOMPARABLE;
    return t->type == ITEM_ROLES || t->type == ITEM_TABLESPACES ? NOTE : DIFFERENCE;
}

void facts_compare(const struct facts *a, const struct facts *b,
                   void (*teller)(void *ctx, const struct finding *f), void *ctx)
{
    struct comparison c = {.tell = teller, .ctx = ctx};

    c.comparable = compare_each_fact(&c, &a->thing[0], &b->thing[0]);
    for (size_t i = 1, k = 1; i < a->things || k < b->things;) {
        const struct thing *t = &a->thing[i], *u = &b->thing[k];
        int order = next_of(i, a->things, k, b->things);
        order = order ? order : compare_names(t, u);
        if (order == 0)
            compare_both(&c, t, u);
        else if (order < 0)
            tell(&c, level_of_missing(t), t, "", "", "", NULL);
        else
            tell(&c, level_of_missing(u), u, "", "", NULL, "");
        i += order <= 0;
        k += order >= 0;
    }
}
