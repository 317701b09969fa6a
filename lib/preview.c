#include "preview.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "choice.h"
#include "cluster.h"
#include "copyin.h"
#include "filter.h"
#include "io.h"
#include "msg.h"
#include "outlook.h"
#include "progress.h"
#include "refill.h"
#include "restore.h"
#include "session.h"
#include "single.h"
#include "target.h"

/* The first two columns of rows in COPY's text format, which come in bodies cut anywhere. */
struct columns {
    struct buf text; /* as they stand in the row, with the tab between */
    int tabs;
};

struct preview {
    struct outlook l;
    struct pg *pg; /* NULL: all has been looked at */
    int archive;   /* of definitions; -1: none */
    bool prepared; /* all ITEMs are there */
    bool replaces;
    double began;
    struct columns role, object;
    struct buf new_roles; /* a query that finds the names of the backup's roles */
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void take_complaint(void *arg, enum status status, const char *why, const char *hint)
{
    struct outlook *l = arg;

    l->complaint = xrealloc(l->complaint, l->complaints + 1, sizeof l->complaint[0]);
    l->complaint[l->complaints++] = (struct complaint){status, xstrdup(why), xstrdup(hint)};
}

static void open_target(struct preview *p, const struct newdb_options *newdb)
{
    struct outlook *l = &p->l;

    if (l->new_database)
        p->pg = newdb_look(newdb, &l->target);
    else
        p->pg = session_open(newdb->conninfo, msg_tool());
    pg_exec(p->pg, "set up the session", "SET default_transaction_read_only = on; SET lock_timeout = '60s'");
    buf_addf(&l->server, "PostgreSQL %s at %s", pg_parameter(p->pg, "server_version"), pg_host(p->pg));
    if (l->new_database)
        return;
    char size[16];
    buf_addf(&l->target, "%s '%s' (%s), which is there%s",
             l->o->into_existing ? "tables of the database" : "the database", pg_database(p->pg),
             format_size(cluster_size(p->pg, pg_database(p->pg)), size),
             l->o->into_existing        ? "; they must be there too, and empty"
             : l->o->single_transaction ? "; what is in it is dropped, in one transaction"
                                        : "; it must be empty");
    if (l->o->single_transaction)
        single_check(p->pg, l->o);
}

static void begin(void *ctx, const struct head *h)
{
    struct preview *p = ctx;
    uint64_t estimate = 0;

    head_copy(&p->l.head, h);
    load_check_begin(p->l.o, h, p->pg, p->l.new_database);
    fields_get_u64(&h->fields, "estimate", &estimate);
    progress_begin(estimate);
    p->began = seconds();
}

static void prepare(struct preview *p)
{
    struct outlook *l = &p->l;

    load_check_items(l->o, &l->contents, p->pg, p->replaces);
    l->older = target_is_older(p->pg, &l->contents.item[0].fields);
    if (load_encoding(&l->contents))
        pg_set_encoding(p->pg, load_encoding(&l->contents));
    p->prepared = true;
}

/* Of PostgreSQL's documentation: COPY, "Text Format". */
static void decode(char *text)
{
    static const char *const letters = "bfnrtv", *const meant = "\b\f\n\r\t\v";
    char *to = text;

    for (const char *s = text; *s; s++) {
        if (*s == '\\' && s[1]) {
            const char *at = strchr(letters, *++s);
            *to++ = at ? meant[at - letters] : *s;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
}

static void take_role(struct preview *p, char *row)
{
    row[strcspn(row, "\t")] = '\0';
    decode(row);
    buf_adds(&p->new_roles, p->new_roles.len > 0 ? ", (" : "VALUES (");
    pg_literal(p->pg, row, &p->new_roles);
    buf_adds(&p->new_roles, "::text)");
}

/* A row without page number stands for an object (lo.h). */
static void take_object(struct preview *p, char *row)
{
    p->l.objects += strcmp(row + strcspn(row, "\t"), "\t\\N") == 0;
}

static void take_rows(struct preview *p, struct columns *c, void (*take)(struct preview *p, char *row),
                      const uint8_t *body, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (body[i] == '\n') {
            take(p, buf_str(&c->text));
            c->text.len = 0;
            c->tabs = 0;
        } else if (c->tabs == 2) { /* what is left of the row */
            const uint8_t *end = memchr(body + i, '\n', n - i);
            i = end ? (size_t)(end - body) - 1 : n;
        } else if (body[i] != '\t' || ++c->tabs < 2) {
            buf_addc(&c->text, (char)body[i]);
        }
    }
}

static void look_at_roles(struct preview *p)
{
    char *sql = xasprintf("SELECT DISTINCT v.name FROM (%s) v(name) WHERE NOT EXISTS"
                          " (SELECT FROM pg_catalog.pg_roles WHERE rolname = v.name) ORDER BY 1",
                          buf_str(&p->new_roles));
    struct pg_rows *r = pg_query(p->pg, "look for the roles", sql);

    for (int i = 0; i < pg_count(r); i++)
        buf_addf(&p->l.roles, "%s%s", i ? ", " : "", pg_value(r, i, 0));
    pg_free(r);
    free(sql);
}

/* A new database has what is there below FirstNormalObjectId, as in target.c. */
static void look_at_extensions(struct preview *p)
{
    const struct fields *f = &p->l.choice.needs;
    struct buf sql = {0};
    size_t n = 0;

    buf_adds(&sql,
             "SELECT v.name, CASE WHEN x.oid IS NOT NULL THEN 'has ' || x.extversion"
             " WHEN a.name IS NOT NULL THEN 'makes ' || a.default_version ELSE 'has none' END FROM (VALUES ");
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->line[i].name, "extension") != 0)
            continue;
        buf_adds(&sql, n++ ? ", (" : "(");
        pg_literal(p->pg, f->line[i].value, &sql);
        buf_addc(&sql, ')');
    }
    buf_addf(&sql,
             ") v(name) LEFT JOIN pg_catalog.pg_available_extensions a"
             " ON a.name = pg_catalog.regexp_replace(v.name, ' [^ ]*$', '')"
             " LEFT JOIN pg_catalog.pg_extension x ON x.extname = a.name%s ORDER BY 1",
             p->l.new_database ? " AND x.oid < 16384" : "");
    struct pg_rows *r = n > 0 ? pg_query(p->pg, "look at the extensions", buf_str(&sql)) : NULL;
    for (int i = 0; r && i < pg_count(r); i++)
        buf_addf(&p->l.extensions, "%s%s (the target %s)", i ? ", " : "", pg_value(r, i, 0),
                 pg_value(r, i, 1));
    if (r)
        pg_free(r);
    buf_free(&sql);
}

/* Rows only: tables, and the columns that binary rows go into. */
static void look_at_tables(struct preview *p)
{
    const struct outlook *l = &p->l;

    refill_check(p->pg, &l->contents, l->choice.rows);
    for (uint32_t i = 0; i < l->contents.count; i++) {
        struct buf sql = {0};
        if (l->contents.item[i].type == ITEM_TABLE && l->choice.rows[i])
            copyin_sql(p->pg, &l->contents.item[i], l->o->by_root, &sql);
        buf_free(&sql);
    }
}

/* All that the definitions need. */
static void look_at_needs(struct preview *p)
{
    struct outlook *l = &p->l;
    const struct item *schema = contents_find(&l->contents, ITEM_SCHEMA);
    struct restore restore = {.made_with = schema ? item_get(schema, "made-with") : ""};
    struct left_out out = l->o->out;

    out.properties |= !l->choice.all;
    target_check_needs(p->pg, &l->choice.needs, &out, p->new_roles.len > 0 ? buf_str(&p->new_roles) : NULL,
                       l->new_database);
    if (p->new_roles.len > 0)
        look_at_roles(p);
    look_at_extensions(p);
    if (!schema)
        return;
    struct pgtool tool = restore_tool(&restore);
    if (tool.path)
        l->tool = xasprintf("%s (%s)", tool.path, tool.version);
    pgtool_free(&tool);
}

/* Where the real run would begin to change something. Nobody needs the connection then, while the rows are
 * read. */
static void look(struct preview *p)
{
    struct outlook *l = &p->l;

    if (!p->prepared)
        prepare(p);
    choice_make(&l->choice, p->pg, &l->o->selection, &l->contents, p->archive);
    if (l->o->into_existing)
        look_at_tables(p);
    else
        look_at_needs(p);
    pg_close(p->pg);
    p->pg = NULL;
}

static void take_archive(struct preview *p, const struct frame *f, const uint8_t *body)
{
    if (p->l.o->into_existing)
        return;
    if (p->archive < 0)
        p->archive = io_scratch_file();
    io_scratch_write(p->archive, body, f->length);
}

static const char *take_data(struct preview *p, const struct frame *f, const uint8_t *body)
{
    struct contents *c = &p->l.contents;
    enum item_type type = c->item[f->item - 1].type;
    const char *wrong = contents_data(c, f);

    if (wrong)
        return wrong;
    progress_add(f->length);
    if (!p->prepared)
        prepare(p);
    if (type == ITEM_TABLE || type == ITEM_SEQUENCES || type == ITEM_LARGE_OBJECTS) {
        if (p->pg)
            look(p);
    } else if (!p->pg) {
        return "definitions or roles come after rows";
    }
    if (type == ITEM_SCHEMA)
        take_archive(p, f, body);
    if (type == ITEM_ROLES && p->l.o->create_roles)
        take_rows(p, &p->role, take_role, body, f->length);
    if (type == ITEM_LARGE_OBJECTS)
        take_rows(p, &p->object, take_object, body, f->length);
    return contents_digest(c, f, body);
}

static bool see(void *ctx, struct writer *out, const struct frame *f, const uint8_t *body)
{
    struct preview *p = ctx;
    const char *wrong = NULL;

    (void)out;
    if (f->type == FRAME_ITEM)
        wrong = contents_item(&p->l.contents, f, body);
    if (f->type == FRAME_ITEM && !wrong)
        load_check_item(&p->l.contents.item[f->item - 1]);
    if (f->type == FRAME_DATA)
        wrong = take_data(p, f, body);
    if (f->type == FRAME_DONE)
        wrong = contents_done(&p->l.contents, f, body);
    if (wrong)
        filter_die_frame(f, wrong);
    return true;
}

static const char *end(void *ctx, struct writer *out, const struct fields *end)
{
    struct preview *p = ctx;

    (void)out;
    if (p->pg)
        look(p);
    progress_end();
    contents_check(&p->l.contents, end, true);
    p->l.seconds = seconds() - p->began;
    return NULL;
}

static void print(struct outlook *l)
{
    struct buf out = {0};

    outlook_print(l, msg_is_verbose(), &out);
    if (io_write(STDOUT_FILENO, out.data, out.len) < 0)
        die_errno("cannot write to standard output");
    buf_free(&out);
}

enum status preview_stream(const struct load_options *o, const struct newdb_options *newdb, bool new_database)
{
    static const struct tap tap = {begin, see, end};
    struct preview p = {.l = {.o = o, .new_database = new_database, .choice.list = -1},
                        .archive = -1,
                        .replaces = o->single_transaction || (new_database && newdb->replace)};

    complaints_to(take_complaint, &p.l);
    open_target(&p, newdb);
    filter_tap(&tap, &p, &filter_stdin_only);
    print(&p.l);
    enum status status = p.l.complaints > 0 ? p.l.complaint[0].status : DONE_OK;
    if (status != DONE_OK)
        warning("this load would be refused: %s", p.l.complaint[0].why);
    complaints_to(NULL, NULL);
    if (p.archive >= 0)
        close(p.archive);
    buf_free(&p.role.text);
    buf_free(&p.object.text);
    buf_free(&p.new_roles);
    outlook_free(&p.l);
    return status;
}
