/* stream.h - layer 2: what a whole stream must be: each rule that every reader checks, and no I/O.
 *
 * The caller brings the magic, then a header and its body in turn, until `ended`; what it says of each is an
 * enum, and one place (reader.c) turns that into words. Order of the frames:
 *
 *     HEAD  ITEM 1..n  DATA*  DONE 1..n  END        lower-case frames and ABRT anywhere after HEAD
 *
 * One of the kind `digests` has no DATA.
 *
 * It does not look into ITEM, DATA, DONE or lower-case bodies: they may be compressed or sealed.
 */
#ifndef BK_STREAM_H
#define BK_STREAM_H

#include "fields.h"
#include "frame.h"
#include "head.h"

enum { END_TRAILER_BYTES = 8 }; /* the END frame's whole length (u32) and "bk!\n" */

enum stream_err {
    STREAM_OK,
    STREAM_MAGIC,   /* not a bk stream */
    STREAM_HEADER,  /* the header's CRC is wrong */
    STREAM_TYPE,    /* a type that is none */
    STREAM_UNKNOWN, /* an upper-case type, a flag or a reserved field that this bk does not know */
    STREAM_LENGTH,  /* longer than such a frame may be */
    STREAM_SEQ,     /* a frame is missing, doubled or out of order */
    STREAM_ORDER,   /* a type where it must not be */
    STREAM_ITEM,    /* an item or a part that is none */
    STREAM_MORE,    /* a row goes on, but not in the next frame */
    STREAM_BODY,    /* the body's CRC is wrong */
    STREAM_HEAD,    /* HEAD is wrong: `head_err` says how */
    STREAM_PARTIAL, /* a partial stream */
    STREAM_ABRT,    /* an ABRT frame; `abort_tool` and `abort_why` are set */
    STREAM_END,     /* END is not what it must be */
    STREAM_TOTALS,  /* END's id, frames, items or size are not what was read */
};
const char *stream_strerror(enum stream_err e);

/* A zeroed struct is ready for the magic. Freed with stream_free(). */
struct stream {
    struct head head;
    enum head_err head_err;
    struct fields end; /* END's lines, once `ended` */
    bool ended;        /* END was there, and agrees */
    uint64_t size;     /* bytes read since HEAD */
    uint64_t next_seq;
    uint32_t items;     /* ITEMs so far */
    uint32_t dones;     /* DONEs so far */
    uint32_t last_type; /* of the last numbered frame */
    bool more;          /* the last DATA frame had MORE, in: */
    uint32_t more_item, more_part;
    char *abort_tool, *abort_why;
};

/* Are these the magic, or as much of it as there is (n <= MAGIC_BYTES)? */
enum stream_err stream_magic(const uint8_t *magic, size_t n);

/* Checks a header, in its place; then the body that belongs to it (f->length bytes). */
enum stream_err stream_header(struct stream *s, const uint8_t header[FRAME_HEADER_BYTES], struct frame *f);
enum stream_err stream_body(struct stream *s, const struct frame *f, const uint8_t *body);

void stream_free(struct stream *s);

/* Adds END's body to `out`: the lines of `end` (id to bytes, and mac), then size, sums (unless NULL) and the
 * trailer. */
void end_encode(const struct fields *end, uint64_t size, const char *sums, struct buf *out);

/* Is this line of END one that each writer makes anew? */
bool end_line_is_local(const char *name);

#endif
