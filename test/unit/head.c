/* Tests of head.h: the record, steps, lines that nobody knows, labels. */
#include "head.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

#define ID      "id: 00112233445566778899aabbccddeeff\n"
#define CREATED "created: 2026-01-02T03:04:05Z\n"
#define BASE    "format: 1\n" ID "kind: backup\n" CREATED

static enum head_err decode(const char *text)
{
    struct head h;
    enum head_err e = head_decode(&h, text, strlen(text));

    head_free(&h);
    return e;
}

static void each_error(void)
{
    static const struct {
        enum head_err want;
        const char *text;
    } t[] = {
        {HEAD_OK, BASE},
        {HEAD_OK, BASE "label: a.b_c-9\ntag: a=1\ntag: a=1\nbase: x y\nbase: z\nstep: gzip\nstep: "
                       "zstd\nslot: 1\nslot: 2\n"},
        {HEAD_FIELDS, "format 1\n"},
        {HEAD_FIELDS, BASE "label: x"},
        {HEAD_FORMAT, ""},
        {HEAD_FORMAT, ID "format: 1\nkind: backup\n" CREATED},
        {HEAD_NEWER, "format: 2\n"},
        {HEAD_NEWER, "format: 01\n" ID "kind: backup\n" CREATED},
        {HEAD_TWICE, BASE "format: 1\n"},
        {HEAD_TWICE, BASE ID},
        {HEAD_TWICE, BASE "kind: backup\n"},
        {HEAD_TWICE, BASE CREATED},
        {HEAD_TWICE, BASE "label: a\nlabel: a\n"},
        {HEAD_TWICE, BASE "made-by: a\nmade-by: a\n"},
        {HEAD_TWICE, BASE "host: a\nhost: a\n"},
        {HEAD_TWICE, BASE "estimate: 1\nestimate: 1\n"},
        {HEAD_TWICE, BASE "commit: 1\ncommit: 1\n"},
        {HEAD_TWICE, BASE "partial: 1\npartial: 1\n"},
        {HEAD_ID, "format: 1\nkind: backup\n" CREATED},
        {HEAD_ID, "format: 1\nid: 00112233445566778899aabbccddeef\nkind: backup\n" CREATED},
        {HEAD_ID, "format: 1\nid: 00112233445566778899aabbccddeeff0\nkind: backup\n" CREATED},
        {HEAD_ID, "format: 1\nid: 00112233445566778899AABBCCDDEEFF\nkind: backup\n" CREATED},
        {HEAD_KIND, "format: 1\n" ID CREATED},
        {HEAD_CREATED, "format: 1\n" ID "kind: backup\n"},
        {HEAD_CREATED, "format: 1\n" ID "kind: backup\ncreated: 2026-01-02 03:04:05Z\n"},
        {HEAD_CREATED, "format: 1\n" ID "kind: backup\ncreated: 2026-01-02T03:04:05\n"},
        {HEAD_CREATED, "format: 1\n" ID "kind: backup\ncreated: 2026-01-02T03:04:05Z \n"},
        {HEAD_CREATED, "format: 1\n" ID "kind: backup\ncreated: 2026-01-0xT03:04:05Z\n"},
        {HEAD_CREATED, "format: 1\n" ID "kind: backup\ncreated: \n"},
        {HEAD_LABEL, BASE "label: \n"},
        {HEAD_LABEL, BASE "label: ../x\n"},
        {HEAD_LABEL, BASE "label: .x\n"},
        {HEAD_LABEL, BASE "label: a b\n"},
    };

    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        unit_about("row %zu", i);
        CHECK_U64(decode(t[i].text), t[i].want);
        CHECK(*head_strerror(t[i].want) != '\0');
    }
}

static void check_text(const struct head *h, const char *want)
{
    struct buf out = {0};

    head_encode(h, &out);
    CHECK_STR(buf_str(&out), want);
    buf_free(&out);
}

static void check_record(const struct head *h, const char *want)
{
    struct buf out = {0};

    head_record(h, &out);
    CHECK_STR(buf_str(&out), want);
    buf_free(&out);
}

/* The record ends before the first line of the seal, or `partial`; a step goes in there. */
static void record(void)
{
    static const char *const after[] = {"commit: c\n",    "sign: s\n",   "quiet: q\n",  "slot: s\n",
                                        "slots-mac: m\n", "pad: ....\n", "partial: 1\n"};

    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        char text[400];
        struct head h;
        unit_about("%s", after[i]);
        snprintf(text, sizeof text, BASE "host: x\n%s", after[i]);
        CHECK_U64(head_decode(&h, text, strlen(text)), HEAD_OK);
        check_record(&h, BASE "host: x\n");
        head_push_step(&h, "zstd level=3");
        snprintf(text, sizeof text, BASE "host: x\nstep: zstd level=3\n%s", after[i]);
        check_text(&h, text);
        check_record(&h, BASE "host: x\nstep: zstd level=3\n");
        CHECK(head_partial(&h) == (strncmp(after[i], "partial", 7) == 0));
        head_free(&h);
    }
}

static void steps(void)
{
    static const char start[] = BASE "base: b\n";
    struct head h, copy;

    CHECK_U64(head_decode(&h, start, sizeof start - 1), HEAD_OK);
    CHECK_U64(head_steps(&h), 0);
    CHECK(head_last_step(&h) == NULL);
    check_record(&h, start);
    head_push_step(&h, "gzip level=6");
    head_push_step(&h, "seal x");
    CHECK_U64(head_steps(&h), 2);
    CHECK_STR(head_last_step(&h), "seal x");
    head_copy(&copy, &h);
    head_pop_step(&h);
    CHECK_STR(head_last_step(&h), "gzip level=6");
    head_pop_step(&h);
    check_text(&h, start);
    CHECK_STR(head_last_step(&copy), "seal x");
    CHECK_STR(head_id(&copy), "00112233445566778899aabbccddeeff");
    CHECK_STR(head_kind(&copy), "backup");
    head_free(&copy);
    head_free(&h);
}

static void words(void)
{
    CHECK(step_is("gzip", "gzip"));
    CHECK(step_is("gzip level=6", "gzip"));
    CHECK(!step_is("gzipx", "gzip"));
    CHECK(!step_is("gzi", "gzip"));
    CHECK(!step_is("", "gzip"));
    CHECK_STR(step_undone_by("gzip level=6"), "bk-gz -d");
    CHECK_STR(step_undone_by("zstd"), "bk-zstd -d");
    CHECK(step_undone_by("brotli level=6") == NULL);
    CHECK(step_has_only("zstd level=3", "zstd", "level"));
    CHECK(!step_has_only("zstd level=3 dict=5", "zstd", "level"));
    CHECK(!step_has_only("zstd level=x", "zstd", "level"));
    CHECK(!step_has_only("zstd dict=3", "zstd", "level"));
    CHECK(step_has_only("zstd", "zstd", "level"));
    CHECK(!step_has_only("zstd ", "zstd", "level"));
    CHECK(!step_has_only("gzip level=3", "zstd", "level"));
}

/* What stands behind the record is vouched for by nothing: no line of the record may be there. */
static void behind_the_record(void)
{
    static const char *const text[] = {BASE "step: gzip level=1\ncommit: x\nstep: zstd level=1\n",
                                       BASE "slot: x\ntag: a=b\n", BASE "partial: x\nhost: h\n"};
    struct head h;

    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        unit_about("%s", text[i]);
        CHECK_U64(head_decode(&h, text[i], strlen(text[i])), HEAD_ORDER);
        head_free(&h);
    }
}

/* Lines that this bk does not know go on byte for byte, in their place. */
static void unknown_lines(void)
{
    static const char text[] = BASE "zz: \\\\ \\n \\t \\x1b \xc3\xa4 \\xe9\nlabel: l\nzz: again\nx-1: \n";
    struct head h;

    CHECK_U64(head_decode(&h, text, sizeof text - 1), HEAD_OK);
    check_text(&h, text);
    head_push_step(&h, "gzip");
    head_pop_step(&h);
    check_text(&h, text);
    head_free(&h);
}

static void labels(void)
{
    static const char *const t[][2] = {
        {"app", "app"}, {"App_1.x-y", "App_1.x-y"}, {"my app", "my_app"}, {"../etc", "_._etc"}, {"", "_"},
        {".", "_"},     {"\xc3\xa4", "__"},         {"a/b\n", "a_b_"},
    };
    static const char *const wrong[] = {"", ".a", "a/b", "a b", "\xc3\xa4", "a\n"};
    char label[LABEL_MAX + 1], name[100];

    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        unit_about("'%s'", t[i][0]);
        label_from_name(t[i][0], label);
        CHECK_STR(label, t[i][1]);
        CHECK(label_is_right(label));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(!label_is_right(wrong[i]));
    memset(name, 'x', sizeof name);
    name[99] = '\0';
    label_from_name(name, label);
    CHECK_U64(strlen(label), LABEL_MAX);
    CHECK(label_is_right(label));
    CHECK(!label_is_right(name + 99 - LABEL_MAX - 1));
    CHECK(label_is_right(name + 99 - LABEL_MAX));
}

int main(void)
{
    RUN(each_error);
    RUN(record);
    RUN(steps);
    RUN(words);
    RUN(behind_the_record);
    RUN(unknown_lines);
    RUN(labels);
    return unit_end();
}
