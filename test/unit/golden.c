/* The streams in test/data, written once by the first bk that wrote format 1. Each later bk must read them,
 * and find in them what is written here. */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "codec.h"
#include "digest.h"
#include "gz.h"
#include "sample.h"
#include "sums.h"
#include "unit.h"
#include "walk.h"
#include "zst.h"

static const char head_text[] =
    "format: 1\nid: 910a2dec89025cc1beeb8da1658eec67\nkind: backup\n"
    "created: 2026-01-02T03:04:05Z\nlabel: sample\ntag: why=test\nmade-by: mkstream 1\n"
    "host: nowhere\nx-unknown: goes on as it is: \\\\ \\t \\xe9 \xc3\xa4\n";

/* The rows of the tables, items 3 and 4. */
static const char *const rows[2] = {
    "0\tdeltadeltaalphaalpha\xc3\xa4gamma\\Nalphagammabeta\xc3\xa4.\\N.\n"
    "1\tbeta\\N\\\\rho rhobetaalphagammadeltadelta\xc3\xa4\xc3\xa4"
    "delta\\\\0\\N\xc3\xa4\n"
    "2\tdeltaalphadelta\\\\alphabeta\\N0gammarho rhoalpharho rho\n"
    "3\talpha0rho rhodeltagamma\\\\0rho rho\\\\rho rhodeltabeta...\n"
    "4\trho rho\\Nalphabetaalphaalphagammagammadeltagamma..\n",
    "0\trho rhorho rhogamma0\\\\beta\xc3\xa4"
    "alpha\\N\xc3\xa4\\\\gamma0\\\\\xc3\xa4\xc3\xa4.\\N.\n"
    "1\tbeta0\\Nalpha\xc3\xa4"
    "alpha\\\\\\\\0\\N\\Nrho rho\xc3\xa4\\\\rho rho..\n"
    "2\tdeltagammagammadelta\\\\delta\xc3\xa4"
    "alpha0\\Nalphaalphabeta\n"
    "3\t0\\\\alpha0rho rho\xc3\xa4\\\\alpha\\\\delta0rho rhorho rho.\xc3\xa4\n"
    "4\t\\N\xc3\xa4gamma\\\\gammabeta0alpha\\\\rho rho\\N\\\\gamma.00.\\N\n",
};

enum { ITEMS = 5, DATA_BYTES = 4096 };

/* What was found in a stream. */
struct found {
    const struct codec *codec; /* undoes what was done to bodies; NULL: nothing was */
    struct buf head, data[ITEMS], item[ITEMS], done[ITEMS];
    int xtra;         /* frames of unknown lower-case types */
    int sums;         /* `sums` frames */
    struct buf index; /* the last of them */
    int more;
};

static void add_data(struct found *found, const struct frame *f, const uint8_t *body)
{
    struct buf *to = &found->data[f->item - 1];

    found->more += f->flags & FRAME_MORE;
    if (!found->codec) {
        buf_add(to, body, f->length);
        return;
    }
    void *state = found->codec->open(0);
    CHECK_STR(found->codec->run(state, body, f->length, FRAME_MAX_BODY, to), NULL);
    found->codec->close(state);
}

static void see(void *ctx, const struct frame *f, const uint8_t *body, size_t at)
{
    struct found *found = ctx;

    (void)at;
    if (f->type == FRAME_HEAD)
        buf_add(&found->head, body, f->length);
    else if (f->type == FRAME_ITEM)
        buf_add(&found->item[f->item - 1], body, f->length);
    else if (f->type == FRAME_DATA)
        add_data(found, f, body);
    else if (f->type == FRAME_DONE)
        buf_add(&found->done[f->item - 1], body, f->length);
    else if (f->type == FRAME_SUMS) {
        found->sums++;
        found->index.len = 0;
        buf_add(&found->index, body, f->length);
    } else if (!frame_numbered(f->type))
        found->xtra++;
}

static void free_found(struct found *found)
{
    for (int i = 0; i < ITEMS; i++) {
        buf_free(&found->data[i]);
        buf_free(&found->item[i]);
        buf_free(&found->done[i]);
    }
    buf_free(&found->head);
    buf_free(&found->index);
}

/* What a text of some other value must be for a field to be right. */
static void check_field(const struct buf *body, const char *name, const char *want)
{
    struct fields f = {0};

    CHECK_U64(fields_decode(&f, body->data, body->len), FIELDS_OK);
    CHECK_STR(fields_get(&f, name), want);
    fields_free(&f);
}

static void check_items(struct found *found)
{
    static const char *const type[ITEMS] = {"database", "schema", "table", "table", "sequences"};
    static const char *const digest[ITEMS] = {
        "xxh3-128 99aa06d3014798d86001c324468d497f", "xxh3-128 d0cf22f95cec72c68885ff041eaa3f62",
        "xxh3-128-sum 510a0ae7530f54a3b3d97d60a6802ead", "xxh3-128-sum 7792d3924a10bc5e63fbcd98e74409cd",
        "xxh3-128-sum 96cdf872a068d98d8eb88f11e3f2e51c"};
    static const char *const count[ITEMS] = {"0", "0", "5", "5", "1"}, *const bytes[ITEMS] = {
                                                                           "0", "43", "276", "269", "21"};

    for (int i = 0; i < ITEMS; i++) {
        check_field(&found->item[i], "type", type[i]);
        check_field(&found->done[i], "digest", digest[i]);
        check_field(&found->done[i], "rows", count[i]);
        check_field(&found->done[i], "bytes", bytes[i]);
    }
    CHECK_STR(buf_str(&found->item[3]),
              "type: table\nschema: public\nname: t1\noid: 16386\npersistence: permanent\nparts: 1\n"
              "column: id\ncolumn-type: bigint\ncolumn: words\ncolumn-type: text\n");
    CHECK_U64(found->data[0].len, 0);
    CHECK_STR(buf_str(&found->data[1]), "PGDMP, or something like it: bytes, no rows");
    CHECK_STR(buf_str(&found->data[2]), rows[0]);
    CHECK_STR(buf_str(&found->data[3]), rows[1]);
    CHECK_STR(buf_str(&found->data[4]), "public\tt0_id_seq\t7\tt\n");
}

static void read_golden(const char *name, struct buf *out)
{
    const char *dir = getenv("BK_TEST_DATA");
    char path[300];

    snprintf(path, sizeof path, "%s/%s.bk", dir ? dir : "test/data", name);
    unit_read_file(path, out);
}

static enum walk_end walk_golden(const char *name, struct walk *w)
{
    struct buf bytes = {0};

    unit_about("%s", name);
    read_golden(name, &bytes);
    enum walk_end end = walk(w, bytes.data, bytes.len);
    buf_free(&bytes);
    return end;
}

/* Reads a whole one, and holds what all of them have in common to what it must be. The caller frees `found`.
 */
static void check_whole(const char *name, struct found *found, const char *step, const char *frames)
{
    struct walk w = {.see = see, .ctx = found};
    char head[sizeof head_text + 100];

    CHECK_U64(walk_golden(name, &w), WALK_WHOLE);
    snprintf(head, sizeof head, "%s%s", head_text, step);
    CHECK_STR(buf_str(&found->head), head);
    CHECK_STR(fields_get(&w.stream.end, "id"), "910a2dec89025cc1beeb8da1658eec67");
    CHECK_STR(fields_get(&w.stream.end, "frames"), frames);
    CHECK_STR(fields_get(&w.stream.end, "items"), "5");
    CHECK_STR(fields_get(&w.stream.end, "rows"), "11");
    CHECK_STR(fields_get(&w.stream.end, "bytes"), "609");
    if (unit_good())
        check_items(found);
    stream_free(&w.stream);
}

static void plain(void)
{
    struct found found = {0};

    check_whole("plain", &found, "", "20");
    CHECK(found.xtra == 0 && found.sums == 0 && found.more == 0);
    free_found(&found);
}

static void gzip(void)
{
    struct found found = {.codec = &gz_decompress};

    check_whole("gzip", &found, "step: gzip level=1\n", "20");
    free_found(&found);
}

static void zstd(void)
{
    struct found found = {.codec = &zst_decompress};

    check_whole("zstd", &found, "step: zstd level=1\n", "20");
    free_found(&found);
}

static void more(void)
{
    struct found found = {0};

    check_whole("more", &found, "", "44");
    CHECK_U64(found.more, 20);
    free_found(&found);
}

/* A tuple of the row that stands as text in rows[0]. */
static void add_tuple(int row, struct buf *out)
{
    const char *s = rows[0];

    for (int i = 0; i < row; i++)
        s = strchr(s, '\n') + 1;
    s = strchr(s, '\t') + 1;
    size_t n = (size_t)(strchr(s, '\n') - s);
    const char front[] = {0, 2, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, (char)row, 0, 0, 0, (char)n};
    buf_add(out, front, sizeof front);
    buf_add(out, s, n);
}

static void binary(void)
{
    struct found found = {0};
    struct walk w = {.see = see, .ctx = &found};
    struct buf want = {0};

    CHECK_U64(walk_golden("binary", &w), WALK_WHOLE);
    for (int i = 0; i < 5; i++)
        add_tuple(i, &want);
    CHECK_BYTES(found.data[2].data, found.data[2].len, want.data, want.len);
    CHECK_STR(buf_str(&found.data[3]), rows[1]);
    CHECK_U64(found.more, 5);
    CHECK_STR(buf_str(&found.item[2]),
              "type: table\nschema: public\nname: t0\noid: 16385\npersistence: permanent\nformat: binary\n"
              "parts: 2\ncolumn: id\ncolumn-type: bigint\ncolumn: words\ncolumn-type: text\n");
    CHECK_STR(buf_str(&found.done[2]), "frames: 10\nrows: 5\nbytes: 351\n"
                                       "digest: xxh3-128-sum 81430b288ba4e93042eb5e7264657086\n");
    stream_free(&w.stream);
    buf_free(&want);
    free_found(&found);
}

static void lower(void)
{
    struct found found = {0};

    check_whole("lower", &found, "", "20");
    CHECK_U64(found.xtra, 19); /* before each frame but HEAD and END, and one before END */
    free_found(&found);
}

static void sums(void)
{
    struct found found = {0};
    struct sums_branch *b;
    size_t n;
    uint8_t record[SHA256_BYTES], want[SHA256_BYTES];

    check_whole("sums", &found, "", "20");
    CHECK_U64(found.sums, 2);
    CHECK_U64(sums_root_decode(found.index.data, found.index.len, record, &b, &n), SUMS_OK);
    CHECK_U64(n, 1);
    if (unit_good()) {
        SHA256((const uint8_t *)head_text, sizeof head_text - 1, want);
        CHECK_BYTES(record, sizeof record, want, sizeof want);
        CHECK_U64(b[0].first_seq, 1);
        CHECK_U64(b[0].last_seq, 18);
        CHECK_U64(b[0].lowest_item, 1);
        CHECK_U64(b[0].highest_item, 5);
        CHECK_U64(b[0].offset, 2185);
        CHECK_U64(b[0].length, 18 * 64);
    }
    free(b);
    free_found(&found);
}

static void given_up(void)
{
    struct walk w = {0};

    CHECK_U64(walk_golden("abort", &w), WALK_BAD);
    CHECK_U64(w.error, STREAM_ABRT);
    CHECK_STR(w.stream.abort_tool, "bk-dump");
    CHECK_STR(w.stream.abort_why, "the server went away");
    stream_free(&w.stream);
}

static void from_the_future(void)
{
    struct walk w = {0};

    CHECK_U64(walk_golden("upper", &w), WALK_BAD);
    CHECK_U64(w.error, STREAM_UNKNOWN);
    stream_free(&w.stream);
    w = (struct walk){0};
    CHECK_U64(walk_golden("format2", &w), WALK_BAD);
    CHECK_U64(w.error, STREAM_HEAD);
    CHECK_U64(w.stream.head_err, HEAD_NEWER);
    stream_free(&w.stream);
}

/* The files are as they were made; with the compressors of that day mkstream makes them still. */
static void same_bytes(void)
{
    static const struct {
        const char *name, *sha256;
    } t[] = {
        {"plain", "1026e93af5f60a0cac058d3b19c9a0cee62704030a5d6143b2fd78388d09559b"},
        {"gzip", "5e81159e432a7f3533cea8f49f5bef764f9523eb9db95bc40c0f68200ded2526"},
        {"zstd", "4036693bc3fcd1169fa99c5557e3f6022aa643c258a5780f81816ab3daef1258"},
        {"sums", "a523c0d50f4a16a2fa49dc1a7a0f1d9750a3271991c84cafde9d980dec6e0556"},
        {"more", "5f6a704b5fce9640d6e81735f510a38dadb8df490697ed9bee47178a76525e2e"},
        {"binary", "5e59d2522a3d38652e5dff82d7c8556c5465572e06a4f353dd04245806f0dd86"},
        {"lower", "622aebf3586bc8f0b831100bdc193f37e99cd5a5b661147ad9bf9e348acdd628"},
        {"upper", "f59ea141a945850af3ac33c89fc355910974b9d17ac76a93209d45d5ac08e5ec"},
        {"abort", "21390f8a3beabe2610a6ab26d8096fc5dfd23cdac65ab18c099284235295920a"},
        {"format2", "4610abce0cd5c2f62c5977c50aa600632bb31a1a1415dd1e552d24edf4e38f77"},
    };

    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct buf kept = {0}, made = {0};
        struct sample s;
        uint8_t sha[SHA256_BYTES];
        char hex[2 * SHA256_BYTES + 1];
        unit_about("%s", t[i].name);
        read_golden(t[i].name, &kept);
        SHA256(kept.data, kept.len, sha);
        format_hex(sha, sizeof sha, hex);
        CHECK_STR(hex, t[i].sha256);
        CHECK(sample_golden(t[i].name, &s));
        sample_make(&s, &made);
        bool may_differ = (strcmp(t[i].name, "gzip") == 0 && strcmp(zlibVersion(), "1.2.13") != 0) ||
                          (strcmp(t[i].name, "zstd") == 0 && strcmp(ZSTD_versionString(), "1.5.4") != 0);
        if (!may_differ)
            CHECK_BYTES(made.data, made.len, kept.data, kept.len);
        buf_free(&kept);
        buf_free(&made);
    }
}

int main(void)
{
    RUN(plain);
    RUN(gzip);
    RUN(zstd);
    RUN(more);
    RUN(binary);
    RUN(lower);
    RUN(sums);
    RUN(given_up);
    RUN(from_the_future);
    RUN(same_bytes);
    return unit_end();
}
