#include "frame.h"

#include "crc.h"
#include "mem.h"

/* As in PNG: a byte above 7f, line ends that a text transfer would change, and ^Z, at which a terminal stops.
 */
const uint8_t frame_magic[MAGIC_BYTES] = {0x89, 'b', 'k', 's', '\r', '\n', 0x1a, '\n'};

void frame_encode(const struct frame *f, const void *body, uint8_t header[FRAME_HEADER_BYTES])
{
    put_u32(header, f->type);
    put_u32(header + 4, f->flags);
    put_u64(header + 8, f->seq);
    put_u32(header + 16, f->item);
    put_u32(header + 20, f->part);
    put_u32(header + 24, f->length);
    put_u32(header + 28, crc32c(body, f->length));
    put_u32(header + 32, 0);
    put_u32(header + 36, crc32c(header, 36));
}

static bool letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool right_type(const uint8_t *type)
{
    for (int i = 1; i < 4; i++)
        if (!letter(type[i]) && type[i] != ' ')
            return false;
    return letter(type[0]);
}

enum frame_err frame_decode(const uint8_t header[FRAME_HEADER_BYTES], struct frame *f)
{
    if (get_u32(header + 36) != crc32c(header, 36))
        return FRAME_BAD_CRC;
    if (!right_type(header))
        return FRAME_BAD_TYPE;
    *f = (struct frame){
        .type = get_u32(header),
        .flags = get_u32(header + 4),
        .seq = get_u64(header + 8),
        .item = get_u32(header + 16),
        .part = get_u32(header + 20),
        .length = get_u32(header + 24),
        .crc = get_u32(header + 28),
    };
    if (f->flags & ~FRAME_MORE)
        return FRAME_BAD_FLAGS;
    if (get_u32(header + 32) != 0)
        return FRAME_BAD_RESERVED;
    if (f->length > FRAME_MAX_BODY)
        return FRAME_TOO_LONG;
    return FRAME_OK;
}

char *frame_type_name(uint32_t type, char name[5])
{
    for (int i = 0; i < 4; i++)
        name[i] = (char)(type >> (8 * i));
    name[4] = '\0';
    return name;
}
