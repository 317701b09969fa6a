/* Tests of pick.h, with small tables of contents that are made up. */
#include "pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mktoc.h"
#include "rng.h"
#include "unit.h"

enum { MOST_NEEDS = 5, MOST_ROWS = 16 };

/* in and out: '.' nothing, 'w' wanted, 'r' refused, 'l' lacking. */
struct row {
    char in, out;
    int id;
    const char *type, *name;
    int needs[MOST_NEEDS]; /* 0 ends them */
};

/* By way of an archive, so that it is sorted as any other. */
static void make(struct toc *t, const struct row *row, size_t n)
{
    struct mktoc m = {0};
    struct buf b = {0};

    for (size_t i = 0; i < n; i++) {
        char needs[MOST_NEEDS][12];
        struct mktoc_entry e = {
            .id = row[i].id, .type = row[i].type, .name = row[i].name, .schema = "s", .owner = "bk"};
        for (size_t k = 0; k < MOST_NEEDS && row[i].needs[k]; k++) {
            snprintf(needs[k], sizeof needs[k], "%d", row[i].needs[k]);
            e.needs[k] = needs[k];
        }
        mktoc_add(&m, &e);
    }
    mktoc_end(&m, &b);
    if (!toc_decode(t, b.data, b.len))
        die(FAILED, "the test's own archive is wrong");
    buf_free(&b);
}

static enum pick from_letter(char c)
{
    return c == 'w' ? PICK_WANTED : c == 'r' ? PICK_REFUSED : c == 'l' ? PICK_LACKING : PICK_NOTHING;
}

static void check_once(const struct row *row, size_t n)
{
    enum pick picks[MOST_ROWS];
    struct toc t;

    make(&t, row, n);
    for (size_t i = 0; i < n; i++)
        picks[i] = from_letter(row[i].in);
    pick(&t, picks);
    for (size_t i = 0; i < n; i++)
        unit_check_u64(picks[i], from_letter(row[i].out), row[i].name, __FILE__, __LINE__);
    toc_free(&t);
}

/* The order of an archive says nothing: as it stands, backwards, and mixed. */
static void check(const struct row *row, size_t n)
{
    struct row other[MOST_ROWS];
    uint64_t seed = 1;

    unit_about("as it stands");
    check_once(row, n);
    for (size_t i = 0; i < n; i++)
        other[i] = row[n - 1 - i];
    unit_about("backwards");
    check_once(other, n);
    for (int k = 0; k < 20; k++) {
        for (size_t i = n - 1; i > 0; i--) {
            size_t with = rng_below(&seed, i + 1);
            struct row one = other[i];
            other[i] = other[with];
            other[with] = one;
        }
        unit_about("mixed, %d", k);
        check_once(other, n);
    }
}

#define CHECK_ROWS(...)                                                                                      \
    do {                                                                                                     \
        static const struct row rows[] = {__VA_ARGS__};                                                      \
        check(rows, sizeof rows / sizeof rows[0]);                                                           \
    } while (0)

static void what_it_needs(void)
{
    CHECK_ROWS({'.', 'w', 1, "SCHEMA", "s", {0}}, {'.', 'w', 2, "TYPE", "state", {1}},
               {'.', 'w', 3, "FUNCTION", "f", {2}}, {'w', 'w', 4, "TABLE", "t", {3}},
               {'.', '.', 5, "TABLE", "other", {1}}, {'.', '.', 6, "TYPE", "unused", {1}},
               {'.', '.', 7, "FUNCTION", "of_the_table", {4}});
    /* A table that a function's body needs comes with it. */
    CHECK_ROWS({'.', 'w', 1, "TABLE", "a", {0}}, {'.', 'w', 2, "VIEW", "v", {1}},
               {'w', 'w', 3, "VIEW", "w", {2}}, {'.', '.', 4, "VIEW", "x", {3}});
}

static void what_belongs_to_it(void)
{
    CHECK_ROWS({'w', 'w', 1, "TABLE", "t", {0}}, {'.', 'w', 2, "DEFAULT", "t id", {1, 3}},
               {'.', 'w', 3, "SEQUENCE", "t_id_seq", {0}},
               {'.', 'w', 4, "SEQUENCE OWNED BY", "t_id_seq", {1, 3}},
               {'.', 'w', 5, "CONSTRAINT", "t t_pkey", {1}}, {'.', 'w', 6, "INDEX", "t_i", {1, 7}},
               {'.', 'w', 7, "FUNCTION", "f", {0}}, {'.', 'w', 8, "COMMENT", "INDEX t_i", {6}},
               {'.', 'w', 9, "ACL", "TABLE t", {1}}, {'.', 'w', 10, "COMMENT", "FUNCTION f", {7}},
               {'.', '.', 11, "TABLE", "u", {0}}, {'.', 'l', 12, "INDEX", "u_i", {11, 7}},
               {'.', '.', 13, "COMMENT", "TABLE u", {11}}, {'.', '.', 14, "VIEW", "v", {1}},
               {'.', '.', 15, "PUBLICATION TABLE", "p t", {1}});
}

/* The sequence of an identity column is made with its table. */
static void identity(void)
{
    CHECK_ROWS({'w', 'w', 1, "TABLE", "t", {0}}, {'.', 'w', 2, "SEQUENCE", "t_id_seq", {1}},
               {'.', 'w', 3, "ACL", "SEQUENCE t_id_seq", {2}}, {'.', '.', 4, "TABLE", "u", {0}},
               {'.', '.', 5, "SEQUENCE", "u_id_seq", {4}}, {'.', '.', 6, "SEQUENCE", "alone", {0}});
}

static void foreign_keys(void)
{
    /* Both tables; one of them; and a key to itself. */
    CHECK_ROWS(
        {'w', 'w', 1, "TABLE", "a", {0}}, {'w', 'w', 2, "TABLE", "b", {0}},
        {'.', 'w', 3, "CONSTRAINT", "b b_pkey", {2}}, {'.', 'w', 4, "FK CONSTRAINT", "a a_fkey", {1, 2, 3}},
        {'.', '.', 5, "TABLE", "c", {0}}, {'.', '.', 6, "CONSTRAINT", "c c_pkey", {5}},
        {'.', 'l', 7, "FK CONSTRAINT", "b b_c_fkey", {2, 5, 6}},
        {'.', 'l', 8, "FK CONSTRAINT", "c c_a_fkey", {1, 5}},
        {'.', 'w', 9, "FK CONSTRAINT", "b b_b_fkey", {2, 3}}, {'.', 'l', 10, "COMMENT", "b b_c_fkey", {7, 2}},
        {'.', '.', 11, "FK CONSTRAINT", "c c_c_fkey", {5, 6}});
    /* A table that only came along counts as one that was asked for: its key can be made. */
    CHECK_ROWS({'.', 'w', 1, "TABLE", "a", {0}}, {'w', 'w', 2, "VIEW", "v", {1}},
               {'w', 'w', 3, "TABLE", "b", {0}}, {'.', 'w', 4, "FK CONSTRAINT", "b b_fkey", {1, 3}});
    /* One that needs the other table only through a view or a function. */
    CHECK_ROWS({'w', 'w', 1, "TABLE", "a", {0}}, {'.', '.', 2, "TABLE", "b", {0}},
               {'.', '.', 3, "FUNCTION", "f", {2}}, {'.', 'l', 4, "TRIGGER", "a t", {1, 3}},
               {'.', '.', 5, "VIEW", "v", {0}}, {'.', 'l', 6, "POLICY", "a p", {1, 5}},
               {'.', '.', 7, "FOREIGN TABLE", "f", {0}}, {'.', 'l', 8, "RULE", "a r", {1, 7}},
               {'.', '.', 9, "MATERIALIZED VIEW", "m", {0}}, {'.', 'l', 10, "DEFAULT", "a d", {1, 9}},
               {'.', 'w', 11, "SEQUENCE", "q", {0}}, {'.', 'w', 12, "DEFAULT", "a e", {1, 11}});
}

static void refused(void)
{
    CHECK_ROWS({'w', 'w', 1, "SCHEMA", "s", {0}}, {'r', 'r', 2, "TABLE", "a", {1}},
               {'w', 'r', 3, "VIEW", "v", {2}}, {'w', 'r', 4, "VIEW", "w", {3}},
               {'w', 'r', 5, "INDEX", "a_i", {2}}, {'.', 'r', 6, "ACL", "VIEW w", {4}},
               {'w', 'w', 7, "TABLE", "b", {1}}, {'w', 'r', 8, "FK CONSTRAINT", "b b_fkey", {7, 2}},
               {'w', 'w', 9, "INDEX", "b_i", {7}}, {'.', 'w', 10, "TRIGGER", "b t", {7}},
               {'.', 'r', 11, "TRIGGER", "b u", {7, 2}}, {'r', 'r', 12, "SEQUENCE", "b_id_seq", {7}},
               {'.', 'r', 13, "DEFAULT", "b id", {7, 12}});
    /* Refusing what others need is not what they need themselves. */
    CHECK_ROWS({'w', 'w', 1, "TABLE", "a", {0}}, {'r', 'r', 2, "VIEW", "v", {1}},
               {'w', 'w', 3, "VIEW", "w", {1}});
}

/* Views that need each other by rules; what needs itself; and a ring that is all there is. */
static void rings(void)
{
    CHECK_ROWS({'w', 'w', 1, "VIEW", "a", {2, 1}}, {'.', 'w', 2, "VIEW", "b", {3}},
               {'.', 'w', 3, "VIEW", "c", {1, 4}}, {'.', 'w', 4, "TABLE", "t", {0}},
               {'.', 'w', 5, "RULE", "a r", {1, 5}}, {'.', '.', 6, "VIEW", "d", {7}},
               {'.', '.', 7, "VIEW", "e", {6}}, {'.', '.', 8, "RULE", "x", {9}},
               {'.', '.', 9, "RULE", "y", {8}});
    CHECK_ROWS({'w', 'r', 1, "VIEW", "a", {2}}, {'r', 'r', 2, "VIEW", "b", {3}},
               {'w', 'r', 3, "VIEW", "c", {1, 4}}, {'w', 'w', 4, "TABLE", "t", {0}},
               {'.', 'r', 5, "RULE", "a r", {1, 5}});
    CHECK_ROWS({'w', 'w', 1, "VIEW", "a", {2}}, {'.', 'w', 2, "VIEW", "b", {1}});
}

/* Boundaries between sections, and what every database has, are in no archive. */
static void unknown_ids(void)
{
    CHECK_ROWS({'w', 'w', 1, "TABLE", "a", {99, 2, 2147483647}}, {'.', 'w', 2, "TYPE", "y", {98}},
               {'.', '.', 3, "INDEX", "i", {99}}, {'.', 'w', 4, "INDEX", "j", {97, 1}},
               {'.', '.', 5, "TABLE", "b", {97}});
    CHECK_ROWS({'r', 'r', 1, "TABLE", "a", {99}}, {'w', 'w', 2, "TABLE", "b", {99}});
}

static void partitions(void)
{
    /* All of them. */
    CHECK_ROWS({'w', 'w', 1, "TABLE", "top", {0}}, {'w', 'w', 2, "TABLE", "part", {1}},
               {'w', 'w', 3, "TABLE", "leaf", {2}}, {'.', 'w', 4, "TABLE ATTACH", "part", {1, 2}},
               {'.', 'w', 5, "TABLE ATTACH", "leaf", {2, 3}}, {'.', 'w', 6, "INDEX", "top_i", {1}},
               {'.', 'w', 7, "INDEX", "part_i", {2}}, {'.', 'w', 8, "INDEX ATTACH", "part_i", {6, 7}});
    /* One in the middle: a table by itself, with what is below it. */
    CHECK_ROWS({'.', '.', 1, "TABLE", "top", {0}}, {'w', 'w', 2, "TABLE", "part", {1}},
               {'w', 'w', 3, "TABLE", "leaf", {2}}, {'.', 'l', 4, "TABLE ATTACH", "part", {1, 2}},
               {'.', 'w', 5, "TABLE ATTACH", "leaf", {2, 3}}, {'.', '.', 6, "INDEX", "top_i", {1}},
               {'.', 'w', 7, "INDEX", "part_i", {2}}, {'.', 'l', 8, "INDEX ATTACH", "part_i", {6, 7}},
               {'.', '.', 9, "TABLE", "other", {1}}, {'.', '.', 10, "TABLE ATTACH", "other", {1, 9}});
    /* Without what is above: the same. */
    CHECK_ROWS({'r', 'r', 1, "TABLE", "top", {0}}, {'w', 'w', 2, "TABLE", "part", {1}},
               {'w', 'r', 4, "TABLE ATTACH", "part", {1, 2}}, {'w', 'r', 6, "INDEX", "top_i", {1}},
               {'w', 'w', 7, "INDEX", "part_i", {2}}, {'w', 'r', 8, "INDEX ATTACH", "part_i", {6, 7}});
    /* Without a partition: the others, and the top. */
    CHECK_ROWS({'w', 'w', 1, "TABLE", "top", {0}}, {'r', 'r', 2, "TABLE", "part", {1}},
               {'w', 'w', 3, "TABLE", "leaf", {1}}, {'w', 'r', 4, "TABLE ATTACH", "part", {1, 2}},
               {'w', 'w', 5, "TABLE ATTACH", "leaf", {1, 3}});
    /* A child by plain inheritance needs its parent. */
    CHECK_ROWS({'.', 'w', 1, "TABLE", "parent", {0}}, {'w', 'w', 2, "TABLE", "child", {1}});
}

static void parents(void)
{
    static const struct row rows[] = {
        {'.', '.', 1, "TABLE", "top", {0}},
        {'.', '.', 2, "TABLE", "a", {1}},
        {'.', '.', 3, "TABLE ATTACH", "a", {1, 2, 99}},
        {'.', '.', 4, "FOREIGN TABLE", "f", {1}},
        {'.', '.', 5, "TABLE ATTACH", "f", {4, 1}},
        {'.', '.', 6, "TABLE", "alone", {1}},
        {'.', '.', 7, "TABLE ATTACH", "alone", {6, 98}}, /* nothing is above it */
        {'.', '.', 8, "TABLE ATTACH", "none", {1}},      /* nothing is below */
        {'.', '.', 9, "TABLE ATTACH", "empty", {0}},
        {'.', '.', 10, "TYPE", "a", {0}},
        {'.', '.', 11, "TABLE", "b", {1, 10}},
        {'.', '.', 12, "TABLE ATTACH", "b", {11, 1, 10}}, /* a type is no table */
        {'.', '.', 13, "INDEX ATTACH", "alone", {6, 1}},
    };
    static const int want[] = {0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0};
    struct toc t;

    make(&t, rows, sizeof rows / sizeof rows[0]);
    const struct toc_entry **parent = pick_parents(&t);
    for (size_t i = 0; i < t.count; i++) {
        unit_about("%s %s", t.entry[i].type, t.entry[i].name);
        CHECK_U64(parent[i] ? parent[i]->id : 0, want[i]);
    }
    free(parent);
    /* The name alone does not say which of the two is the partition. */
    char *schema = t.entry[0].schema, *name = t.entry[0].name;
    t.entry[0].schema = xstrdup("other");
    t.entry[0].name = xstrdup("a");
    parent = pick_parents(&t);
    CHECK(parent[1] == &t.entry[0] && parent[0] == NULL);
    free(parent);
    free(schema);
    free(name);
    toc_free(&t);
}

/* Two that say that they are above each other. */
static void parents_in_a_ring(void)
{
    CHECK_ROWS({'w', 'w', 1, "TABLE", "a", {2}}, {'.', '.', 2, "TABLE", "b", {1}},
               {'.', 'l', 3, "TABLE ATTACH", "a", {1, 2}}, {'.', 'l', 4, "TABLE ATTACH", "b", {1, 2}});
}

static void kinds(void)
{
    static const char *const belong[] = {"DEFAULT",
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
                                         "MATERIALIZED VIEW DATA"};
    static const char *const relations[] = {"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE",
                                            "SEQUENCE"};
    static const char *const others[] = {
        "SCHEMA", "TYPE",    "FUNCTION", "EXTENSION", "DEFAULT ACL", "EVENT TRIGGER", "PUBLICATION TABLE",
        "",       "INDEXES", "TABL",     "table",     "TABLE DATA"};

    for (size_t i = 0; i < sizeof belong / sizeof belong[0]; i++) {
        const struct toc_entry e = {.type = (char *)belong[i]};
        unit_about("%s", belong[i]);
        CHECK(pick_belongs(&e) && !pick_is_relation(&e));
    }
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        const struct toc_entry e = {.type = (char *)relations[i]};
        unit_about("%s", relations[i]);
        CHECK(!pick_belongs(&e) && pick_is_relation(&e));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const struct toc_entry e = {.type = (char *)others[i]};
        unit_about("%s", others[i]);
        CHECK(!pick_belongs(&e) && !pick_is_relation(&e));
    }
}

static void nothing_at_all(void)
{
    struct toc t;

    make(&t, NULL, 0);
    pick(&t, NULL);
    free(pick_parents(&t));
    toc_free(&t);
}

/* Whatever needs whatever: all that is wanted has what it needs, nothing refused comes, and no wish is
 * forgotten. */
static void any(void)
{
    static const char *const types[] = {"TABLE", "TABLE",         "VIEW",    "TYPE",    "FUNCTION",
                                        "INDEX", "FK CONSTRAINT", "COMMENT", "SEQUENCE"};
    uint64_t seed = 3;

    for (int round = 0; round < 2000; round++) {
        struct row row[MOST_ROWS];
        enum pick picks[MOST_ROWS];
        struct toc t;
        for (int i = 0; i < MOST_ROWS; i++) {
            row[i] = (struct row){.id = i + 1, .name = "x", .in = ".....wwr"[rng_below(&seed, 8)]};
            row[i].type = types[rng_below(&seed, sizeof types / sizeof types[0])];
            for (size_t k = rng_below(&seed, 4); k > 0; k--)
                row[i].needs[k - 1] = 1 + (int)rng_below(&seed, MOST_ROWS + 2);
            picks[i] = from_letter(row[i].in);
        }
        unit_about("round %d", round);
        make(&t, row, MOST_ROWS);
        pick(&t, picks);
        for (int i = 0; i < MOST_ROWS; i++) {
            CHECK(row[i].in != 'r' || picks[i] == PICK_REFUSED);
            CHECK(row[i].in != 'w' || picks[i] == PICK_WANTED || picks[i] == PICK_REFUSED);
            for (int k = 0; k < MOST_NEEDS && row[i].needs[k]; k++) {
                const struct toc_entry *n = toc_find(&t, row[i].needs[k]);
                enum pick p = n ? picks[n - t.entry] : PICK_WANTED;
                CHECK(picks[i] != PICK_WANTED || p == PICK_WANTED);
                CHECK(p != PICK_REFUSED || picks[i] == PICK_REFUSED);
            }
        }
        toc_free(&t);
    }
}

int main(void)
{
    RUN(what_it_needs);
    RUN(what_belongs_to_it);
    RUN(identity);
    RUN(foreign_keys);
    RUN(refused);
    RUN(rings);
    RUN(unknown_ids);
    RUN(partitions);
    RUN(parents);
    RUN(parents_in_a_ring);
    RUN(kinds);
    RUN(nothing_at_all);
    RUN(any);
    return unit_end();
}
