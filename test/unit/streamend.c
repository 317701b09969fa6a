/* streamend - looks at a stream on standard input, whatever is wrong with it, for the tests.
 *
 *     streamend            whole: says so, status 0; else says why not, status 3
 *     streamend list       a line a frame, as far as it is right: offset, type, flags, seq, item, part,
 * length streamend body N     the N-th DATA frame's body (from 1) streamend flip SEED  all of it with one bit
 * changed, chosen by SEED; says which on standard error streamend set OFFSET HEX...   all of it with the
 * header at OFFSET changed: pairs FIELD-OFFSET=U32, then its CRC put right
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc.h"
#include "io.h"
#include "rng.h"
#include "walk.h"

static void write_all(const void *bytes, size_t n)
{
    if (io_write(STDOUT_FILENO, bytes, n) < 0)
        die_errno("cannot write");
}

static void list_frame(void *ctx, const struct frame *f, const uint8_t *body, size_t at)
{
    char type[5];

    (void)ctx, (void)body;
    printf("%zu %s %" PRIu32 " %" PRIu64 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", at,
           frame_type_name(f->type, type), f->flags, f->seq, f->item, f->part, f->length);
}

static void body_frame(void *ctx, const struct frame *f, const uint8_t *body, size_t at)
{
    uint64_t *wanted = ctx;

    (void)at;
    if (f->type == FRAME_DATA && --*wanted == 0)
        write_all(body, f->length);
}

static int say_end(const struct buf *in, struct walk *w)
{
    static const char *const words[] = {"whole", "bad", "cut", "goes on after END"};
    enum walk_end end = walk(w, in->data, in->len);

    if (!w->see)
        printf("%s at byte %zu: %s%s%s\n", words[end], w->at, stream_strerror(w->error),
               w->stream.abort_why ? ": " : "", w->stream.abort_why ? w->stream.abort_why : "");
    stream_free(&w->stream);
    return end == WALK_WHOLE ? DONE_OK : BAD_DATA;
}

static int flip(struct buf *in, uint64_t seed)
{
    if (in->len == 0)
        die(FAILED, "nothing to flip");
    size_t bit = rng_below(&seed, in->len * 8);
    in->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    fprintf(stderr, "bit %zu of byte %zu\n", bit % 8, bit / 8);
    write_all(in->data, in->len);
    return DONE_OK;
}

static int set(struct buf *in, char **word)
{
    size_t at = strtoul(*word++, NULL, 10);

    if (at + FRAME_HEADER_BYTES > in->len)
        die(FAILED, "no header there");
    for (; *word; word++) {
        char *equals;
        unsigned long field = strtoul(*word, &equals, 10);
        if (field > 32 || *equals != '=')
            die(BAD_CALL, "not FIELD-OFFSET=U32: %s", *word);
        put_u32(in->data + at + field, (uint32_t)strtoul(equals + 1, NULL, 0));
    }
    put_u32(in->data + at + 36, crc32c(in->data + at, 36));
    write_all(in->data, in->len);
    return DONE_OK;
}

static int run(struct buf *in, int argc, char **argv)
{
    struct walk w = {0};
    uint64_t number = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

    if (argc == 1)
        return say_end(in, &w);
    if (strcmp(argv[1], "list") == 0) {
        w.see = list_frame;
        return say_end(in, &w);
    }
    if (strcmp(argv[1], "body") == 0 && argc == 3) {
        w.see = body_frame;
        w.ctx = &number;
        return say_end(in, &w);
    }
    if (strcmp(argv[1], "flip") == 0 && argc == 3)
        return flip(in, number);
    if (strcmp(argv[1], "set") == 0 && argc >= 3)
        return set(in, argv + 2);
    die(BAD_CALL, "streamend [list | body N | flip SEED | set OFFSET FIELD=VALUE...]");
}

int main(int argc, char **argv)
{
    struct buf in = {0};
    ssize_t got;

    msg_init("streamend");
    while ((got = io_read(STDIN_FILENO, buf_room(&in, 256 << 10), 256 << 10)) > 0)
        in.len += (size_t)got;
    if (got < 0)
        die_errno("cannot read");
    int status = run(&in, argc, argv);
    buf_free(&in);
    return status;
}
