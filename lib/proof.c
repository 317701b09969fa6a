#include "proof.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contents.h"
#include "describe.h"
#include "filter.h"
#include "msg.h"

enum {
    OLDEST = 24 * 60 * 60, /* seconds */
    AHEAD = 5 * 60,        /* seconds that clocks may differ by */
};

struct proof {
    struct pg *pg;
    const char *path;
    struct contents contents;
};

/* By the clock of the server, as that of a backup is. */
static void check_age(const struct proof *p, const char *created)
{
    struct buf sql = {0};

    buf_adds(&sql, "SELECT age > ");
    buf_addf(&sql, "%d, age < -%d FROM (SELECT EXTRACT(epoch FROM pg_catalog.now() - ", OLDEST, AHEAD);
    pg_literal(p->pg, created, &sql);
    buf_adds(&sql, "::timestamptz) AS age) a");
    struct pg_rows *r = pg_query(p->pg, "compare the time of the backup", buf_str(&sql));
    if (strcmp(pg_value(r, 0, 0), "t") == 0) {
        hint("make a new one: bk-dump");
        complain(GUARDED, "'%s' is of %s, and that is more than 24 hours ago", p->path, created);
    }
    if (strcmp(pg_value(r, 0, 1), "t") == 0)
        complain(GUARDED, "'%s' is of %s, which is yet to come: a clock is wrong", p->path, created);
    pg_free(r);
    buf_free(&sql);
}

static void begin(void *ctx, const struct head *h)
{
    struct proof *p = ctx;

    if (strcmp(head_kind(h), "backup") != 0)
        die(GUARDED, "'%s' is no backup, but a stream of kind '%s'", p->path, head_kind(h));
    if (!head_items_readable(h)) {
        hint("give it a file without that step; or --no-backup");
        die(GUARDED, "'%s' cannot be looked into: its last step is '%s'", p->path, head_last_step(h));
    }
    check_age(p, fields_get(&h->fields, "created"));
}

/* The name alone proves nothing, and may have been changed since. */
static void check_database(const struct proof *p, const struct fields *database)
{
    struct fields ours = {0};
    const char *names[] = {"server-id", "oid"};

    if (fields_get(database, "select"))
        complain(GUARDED, "'%s' is a backup of a part of its database only (%s)", p->path,
                 fields_get(database, "select"));
    describe_identity(p->pg, &ours);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *here = fields_get(&ours, names[i]), *there = fields_get(database, names[i]);
        if (!here || !there) {
            hint("--no-backup, if you are sure");
            die(GUARDED, "%s%s%s does not say for certain which one it is", here ? "'" : "the database",
                here ? p->path : "", here ? "'" : "");
        }
        if (strcmp(here, there) != 0)
            complain(GUARDED, "'%s' is a backup of another database: '%s' of %s", p->path,
                     fields_get(database, "name"), fields_get(database, "server-host"));
    }
    fields_free(&ours);
}

static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct proof *p = ctx;
    const char *wrong = NULL;

    (void)out;
    if (f->type == FRAME_ITEM)
        wrong = contents_item(&p->contents, f, body);
    if (f->type == FRAME_DATA)
        wrong = contents_data(&p->contents, f);
    if (f->type == FRAME_DONE)
        wrong = contents_done(&p->contents, f, body);
    if (wrong)
        filter_die_frame(f, wrong);
    if (f->type == FRAME_ITEM && f->item == 1) {
        if (p->contents.item[0].type != ITEM_DATABASE)
            die(BAD_DATA, "the backup does not say of which database it is");
        check_database(p, &p->contents.item[0].fields);
    }
    return true;
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct proof *p = ctx;

    (void)out;
    if (p->contents.count == 0)
        die(BAD_DATA, "the backup does not say of which database it is");
    contents_check(&p->contents, end, false);
    return NULL;
}

void proof_check(struct pg *pg, const char *path)
{
    static const struct tap tap = {begin, see, end};
    struct proof p = {.pg = pg, .path = path};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        die_errno("cannot open '%s'", path);
    info("looking whether '%s' is a backup of '%s'", path, pg_database(pg));
    filter_tap(&tap, &p, &(struct ends){.in = fd, .in_name = path, .out = -1});
    contents_free(&p.contents);
    close(fd);
}
