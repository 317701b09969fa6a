#include "stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crc.h"

static const char end_mark[4] = {'b', 'k', '!', '\n'};

const char *stream_strerror(enum stream_err e)
{
    switch (e) {
    case STREAM_OK:
        return "no error";
    case STREAM_MAGIC:
        return "not a bk stream";
    case STREAM_HEADER:
        return "the header is damaged (CRC-32C)";
    case STREAM_TYPE:
        return "the type of the frame is none";
    case STREAM_UNKNOWN:
        return "a frame that this bk does not know: made by a newer bk";
    case STREAM_LENGTH:
        return "the frame says that it is longer than it may be";
    case STREAM_SEQ:
        return "frames are missing, doubled or out of order";
    case STREAM_ORDER:
        return "a frame stands where it must not";
    case STREAM_ITEM:
        return "the frame belongs to an item or a part that is none";
    case STREAM_MORE:
        return "the rest of a row is missing";
    case STREAM_BODY:
        return "the body is damaged (CRC-32C)";
    case STREAM_HEAD:
        return "HEAD is wrong";
    case STREAM_PARTIAL:
        return "only a part of a backup, which this bk does not read: made by a newer bk";
    case STREAM_ABRT:
        return "given up";
    case STREAM_END:
        return "END is not what it must be";
    case STREAM_TOTALS:
        return "END's totals are not what was read";
    }
    bug();
}

enum stream_err stream_magic(const uint8_t *magic, size_t n)
{
    return memcmp(magic, frame_magic, n) == 0 ? STREAM_OK : STREAM_MAGIC;
}

static enum stream_err header_error(enum frame_err e)
{
    switch (e) {
    case FRAME_OK:
        return STREAM_OK;
    case FRAME_BAD_CRC:
        return STREAM_HEADER;
    case FRAME_BAD_TYPE:
        return STREAM_TYPE;
    case FRAME_BAD_FLAGS:
    case FRAME_BAD_RESERVED:
        return STREAM_UNKNOWN;
    case FRAME_TOO_LONG:
        return STREAM_LENGTH;
    }
    bug();
}

static bool known_type(uint32_t type)
{
    return type == FRAME_HEAD || type == FRAME_ITEM || type == FRAME_DATA || type == FRAME_DONE ||
           type == FRAME_ABRT || type == FRAME_END;
}

/* Each item of a backup is done, and each whose digest is all there is of it; other kinds may only list
 * theirs. */
static bool all_done(const struct stream *s)
{
    bool must = head_kind_is(&s->head, "backup") || head_kind_is(&s->head, "digests");

    return s->dones == s->items || (s->dones == 0 && !must);
}

/* May a frame of this type come after those that came? */
static bool in_order(const struct stream *s, uint32_t type)
{
    switch (type) {
    case FRAME_HEAD:
        return s->next_seq == 0;
    case FRAME_ITEM:
        return s->last_type == FRAME_HEAD || s->last_type == FRAME_ITEM;
    case FRAME_DATA:
        return s->items > 0 && s->dones == 0 && !head_kind_is(&s->head, "digests");
    case FRAME_DONE:
        return s->dones < s->items;
    case FRAME_ABRT:
        return s->next_seq > 0;
    case FRAME_END:
        return s->next_seq > 0 && all_done(s);
    default:
        return s->next_seq > 0;
    }
}

static bool right_item(const struct stream *s, const struct frame *f)
{
    if (!frame_numbered(f->type) && f->type != FRAME_SUMS)
        return true; /* what it means there, we cannot know */
    if (f->part != 0 && f->type != FRAME_DATA)
        return false;
    switch (f->type) {
    case FRAME_ITEM:
        return f->item == s->items + 1 && f->item <= FRAME_MAX_ITEMS;
    case FRAME_DATA:
        return f->item >= 1 && f->item <= s->items;
    case FRAME_DONE:
        return f->item == s->dones + 1;
    default:
        return f->item == 0;
    }
}

static bool right_more(const struct stream *s, const struct frame *f)
{
    if (f->flags & FRAME_MORE && f->type != FRAME_DATA)
        return false;
    if (!s->more || !frame_numbered(f->type) || f->type == FRAME_ABRT)
        return true;
    return f->type == FRAME_DATA && f->item == s->more_item && f->part == s->more_part;
}

enum stream_err stream_header(struct stream *s, const uint8_t header[FRAME_HEADER_BYTES], struct frame *f)
{
    enum stream_err e = header_error(frame_decode(header, f));

    if (e)
        return e;
    if (frame_numbered(f->type) && !known_type(f->type))
        return STREAM_UNKNOWN;
    if ((f->type == FRAME_HEAD || f->type == FRAME_END || f->type == FRAME_ABRT) &&
        f->length > FRAME_MAX_FIELDS)
        return STREAM_LENGTH;
    if (s->ended)
        return STREAM_ORDER;
    if (f->seq != s->next_seq)
        return STREAM_SEQ;
    if (!in_order(s, f->type))
        return STREAM_ORDER;
    if (!right_item(s, f))
        return STREAM_ITEM;
    if (!right_more(s, f))
        return STREAM_MORE;
    return STREAM_OK;
}

static enum stream_err take_head(struct stream *s, const struct frame *f, const uint8_t *body)
{
    s->head_err = head_decode(&s->head, body, f->length);
    if (s->head_err)
        return STREAM_HEAD;
    return head_partial(&s->head) ? STREAM_PARTIAL : STREAM_OK;
}

static enum stream_err take_abort(struct stream *s, const struct frame *f, const uint8_t *body)
{
    struct fields words = {0};

    fields_decode(&words, body, f->length); /* whatever of it can be read: this is the end in any case */
    const char *tool = fields_get(&words, "tool"), *why = fields_get(&words, "why");
    s->abort_tool = xstrdup(tool ? tool : "a tool");
    s->abort_why = xstrdup(why ? why : "for no reason that it gave");
    fields_free(&words);
    return STREAM_ABRT;
}

static bool total_is(const struct fields *end, const char *name, uint64_t value)
{
    uint64_t said;

    return fields_get_u64(end, name, &said) && said == value;
}

/* Where it is there, it is a number. */
static bool right_number(const struct fields *end, const char *name)
{
    uint64_t n;

    return !fields_get(end, name) || fields_get_u64(end, name, &n);
}

static enum stream_err take_end(struct stream *s, const struct frame *f, const uint8_t *body)
{
    static const char *const single[] = {"id",  "frames", "items", "rows", "bytes",
                                         "mac", "size",   "sums",  NULL};

    if (f->length < END_TRAILER_BYTES)
        return STREAM_END;
    const uint8_t *trailer = body + f->length - END_TRAILER_BYTES;
    if (get_u32(trailer) != FRAME_HEADER_BYTES + f->length ||
        memcmp(trailer + 4, end_mark, sizeof end_mark) != 0)
        return STREAM_END;
    if (fields_decode(&s->end, body, f->length - END_TRAILER_BYTES) != FIELDS_OK ||
        fields_twice(&s->end, single) || !right_number(&s->end, "rows") || !right_number(&s->end, "bytes"))
        return STREAM_END;
    const char *id = fields_get(&s->end, "id");
    if (!id || strcmp(id, head_id(&s->head)) != 0 || !total_is(&s->end, "frames", f->seq + 1) ||
        !total_is(&s->end, "items", s->items) || !total_is(&s->end, "size", s->size))
        return STREAM_TOTALS;
    s->ended = true;
    return STREAM_OK;
}

static void count_frame(struct stream *s, const struct frame *f)
{
    if (f->type != FRAME_HEAD && f->type != FRAME_END)
        s->size += FRAME_HEADER_BYTES + (uint64_t)f->length;
    if (!frame_numbered(f->type))
        return;
    s->next_seq++;
    s->last_type = f->type;
    s->items += f->type == FRAME_ITEM;
    s->dones += f->type == FRAME_DONE;
    s->more = f->flags & FRAME_MORE;
    s->more_item = f->item;
    s->more_part = f->part;
}

enum stream_err stream_body(struct stream *s, const struct frame *f, const uint8_t *body)
{
    enum stream_err e = STREAM_OK;

    if (crc32c(body, f->length) != f->crc)
        return STREAM_BODY;
    if (f->type == FRAME_HEAD)
        e = take_head(s, f, body);
    else if (f->type == FRAME_ABRT)
        e = take_abort(s, f, body);
    else if (f->type == FRAME_END)
        e = take_end(s, f, body);
    if (e == STREAM_OK)
        count_frame(s, f);
    return e;
}

void stream_free(struct stream *s)
{
    head_free(&s->head);
    fields_free(&s->end);
    free(s->abort_tool);
    free(s->abort_why);
    *s = (struct stream){0};
}

bool end_line_is_local(const char *name)
{
    return strcmp(name, "size") == 0 || strcmp(name, "sums") == 0;
}

void end_encode(const struct fields *end, uint64_t size, const char *sums, struct buf *out)
{
    size_t start = out->len;
    struct fields local = {0};

    fields_encode(end, out);
    fields_addf(&local, "size", "%" PRIu64, size);
    if (sums)
        fields_add(&local, "sums", sums);
    fields_encode(&local, out);
    fields_free(&local);
    uint8_t *trailer = buf_room(out, END_TRAILER_BYTES);
    put_u32(trailer, (uint32_t)(FRAME_HEADER_BYTES + out->len - start + END_TRAILER_BYTES));
    memcpy(trailer + 4, end_mark, sizeof end_mark);
    out->len += END_TRAILER_BYTES;
}
