#include "spool.h"

#include <unistd.h>

#include "io.h"
#include "msg.h"

enum { HEADER_BYTES = 8 }; /* tag u32, length u32 */

static void need_file(struct spool *s)
{
    if (!s->file)
        s->file = io_scratch_file() + 1;
}

void spool_put(struct spool *s, uint32_t tag, const void *bytes, uint32_t n)
{
    uint8_t header[HEADER_BYTES];

    need_file(s);
    put_u32(header, tag);
    put_u32(header + 4, n);
    io_scratch_write(s->file - 1, header, sizeof header);
    io_scratch_write(s->file - 1, bytes, n);
    s->pieces++;
}

void spool_rewind(struct spool *s)
{
    if (s->file && lseek(s->file - 1, 0, SEEK_SET) < 0)
        die_errno("cannot read a temporary file");
}

static void read_all(const struct spool *s, void *to, size_t n)
{
    if (io_read(s->file - 1, to, n) != (ssize_t)n)
        die_errno("cannot read a temporary file");
}

bool spool_next(struct spool *s, uint32_t *tag, struct buf *bytes)
{
    uint8_t header[HEADER_BYTES];

    if (s->pieces == 0)
        return false;
    s->pieces--;
    read_all(s, header, sizeof header);
    *tag = get_u32(header);
    bytes->len = 0;
    read_all(s, buf_room(bytes, get_u32(header + 4)), get_u32(header + 4));
    bytes->len = get_u32(header + 4);
    return true;
}

void spool_free(struct spool *s)
{
    if (s->file)
        close(s->file - 1);
    *s = (struct spool){0};
}
