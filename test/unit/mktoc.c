#include "mktoc.h"

#include <string.h>

static void set_defaults(struct mktoc *m)
{
    m->minor = m->minor ? m->minor : 14;
    m->int_size = m->int_size ? m->int_size : 4;
    m->offset_size = m->offset_size ? m->offset_size : 8;
}

void mktoc_int(const struct mktoc *m, int64_t value, struct buf *out)
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    buf_addc(out, value < 0);
    for (int i = 0; i < m->int_size; i++, left >>= 8)
        buf_addc(out, (char)left);
}

void mktoc_text(const struct mktoc *m, const char *text, struct buf *out)
{
    mktoc_int(m, text ? (int64_t)strlen(text) : -1, out);
    if (text)
        buf_adds(out, text);
}

void mktoc_add(struct mktoc *m, const struct mktoc_entry *e)
{
    struct buf *b = &m->entries;

    set_defaults(m);
    mktoc_int(m, e->id, b);
    mktoc_int(m, 0, b); /* no data */
    mktoc_text(m, e->catalog ? e->catalog : "0", b);
    mktoc_text(m, e->oid ? e->oid : "0", b);
    mktoc_text(m, e->name, b);
    mktoc_text(m, e->type, b);
    mktoc_int(m, 2, b); /* pre-data */
    mktoc_text(m, "CREATE SOMETHING ();\n", b);
    mktoc_text(m, "DROP SOMETHING;\n", b);
    mktoc_text(m, NULL, b); /* no COPY */
    mktoc_text(m, e->schema, b);
    mktoc_text(m, "", b); /* tablespace */
    if (m->minor >= 14)
        mktoc_text(m, "heap", b);
    if (m->minor >= 16)
        mktoc_int(m, 'r', b);
    mktoc_text(m, e->owner, b);
    mktoc_text(m, "false", b);
    for (size_t i = 0; i < sizeof e->needs / sizeof e->needs[0] && e->needs[i]; i++)
        mktoc_text(m, e->needs[i], b);
    mktoc_text(m, NULL, b);
    buf_addc(b, 3); /* K_OFFSET_NO_DATA */
    for (int i = 0; i < m->offset_size; i++)
        buf_addc(b, 0);
    m->count++;
}

size_t mktoc_end(struct mktoc *m, struct buf *out)
{
    static const int time[] = {6, 5, 4, 3, 1, 101, 0};
    size_t at;

    set_defaults(m);
    buf_adds(out, "PGDMP\1");
    buf_addc(out, (char)m->minor);
    buf_addc(out, 0);
    buf_addc(out, (char)m->int_size);
    buf_addc(out, (char)m->offset_size);
    buf_addc(out, 1); /* custom */
    if (m->minor >= 15)
        buf_addc(out, 0); /* no compression */
    else
        mktoc_int(m, -1, out);
    at = out->len;
    for (size_t i = 0; i < sizeof time / sizeof time[0]; i++)
        mktoc_int(m, time[i], out);
    mktoc_text(m, "app", out);
    mktoc_text(m, "15.18", out);
    mktoc_text(m, "15.18", out);
    mktoc_int(m, m->count, out);
    buf_add(out, m->entries.data, m->entries.len);
    m->count = 0;
    buf_free(&m->entries);
    return at;
}
