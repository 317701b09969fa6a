/* frame.h - layer 2: one frame of a stream. man/bk-stream.5 is the norm.
 *
 *     stream = magic HEAD frame* END        frame = header body
 *
 *     header   0  4  type       four ASCII letters or spaces; lower case first: may be skipped
 *              4  4  flags      bit 0: MORE
 *              8  8  seq        number of this frame, or (lower case) of the next upper-case one
 *             16  4  item       0: the stream itself
 *             20  4  part       which page range of a table
 *             24  4  length     of the body, at most 16 MiB
 *             28  4  crc        CRC-32C of the body
 *             32  4  reserved   0
 *             36  4  crc        CRC-32C of bytes 0 to 35
 *
 * All integers are little-endian. Pure: no I/O, no memory taken.
 */
#ifndef BK_FRAME_H
#define BK_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_TYPE(a, b, c, d)                                                                               \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define FRAME_HEAD FRAME_TYPE('H', 'E', 'A', 'D')
#define FRAME_ITEM FRAME_TYPE('I', 'T', 'E', 'M')
#define FRAME_DATA FRAME_TYPE('D', 'A', 'T', 'A')
#define FRAME_DONE FRAME_TYPE('D', 'O', 'N', 'E')
#define FRAME_SUMS FRAME_TYPE('s', 'u', 'm', 's')
#define FRAME_ABRT FRAME_TYPE('A', 'B', 'R', 'T')
#define FRAME_END  FRAME_TYPE('E', 'N', 'D', ' ')

#define FRAME_MORE 1u /* the row at the end of the body goes on in the next upper-case frame */

enum {
    MAGIC_BYTES = 8,
    FRAME_HEADER_BYTES = 40,
    FRAME_MAX_BODY = 16 << 20,   /* readers take up to this */
    FRAME_MAX_SOURCE = 8 << 20,  /* sources write up to this, so that every map's worst case fits */
    FRAME_MAX_FIELDS = 64 << 10, /* HEAD, END and ABRT */
    FRAME_MAX_ITEMS = 1 << 22,
};

extern const uint8_t frame_magic[MAGIC_BYTES];

struct frame {
    uint32_t type;
    uint32_t flags;
    uint64_t seq;
    uint32_t item;
    uint32_t part;
    uint32_t length; /* of the body, bytes */
    uint32_t crc;    /* of the body; set by frame_decode() only */
};

/* True for types that begin upper case: they are numbered, and must be understood. */
static inline bool frame_numbered(uint32_t type)
{
    return (type & 0xff) >= 'A' && (type & 0xff) <= 'Z';
}

/* Writes the header of `f` with a body of f->length bytes. */
void frame_encode(const struct frame *f, const void *body, uint8_t header[FRAME_HEADER_BYTES]);

enum frame_err {
    FRAME_OK,
    FRAME_BAD_CRC,  /* of the header */
    FRAME_BAD_TYPE, /* not letters and spaces */
    FRAME_BAD_FLAGS,
    FRAME_BAD_RESERVED,
    FRAME_TOO_LONG,
};
enum frame_err frame_decode(const uint8_t header[FRAME_HEADER_BYTES], struct frame *f);

/* The type as a string, for messages. Returns `name`. */
char *frame_type_name(uint32_t type, char name[5]);

#endif
