/* A sealed HEAD, its slots, and a sealed body. The input is HEAD's body, a zero byte, and a frame's body.
 * Nothing in it may be opened, as no fuzzer knows a key; and what is of the right shape must be the same when
 * it is taken apart twice. */
#include "fuzz.h"

#include <string.h>

#include "mem.h"
#include "seal.h"
#include "slot.h"

static const uint8_t key[KEY_BYTES] = {1, 2, 3};

static void check_slots(const struct head *h)
{
    for (size_t i = 0; i < h->fields.count; i++) {
        uint8_t dek[KEY_BYTES];
        if (strcmp(h->fields.line[i].name, "slot") != 0)
            continue;
        struct slot s = slot_decode(h->fields.line[i].value);
        MUST(s.type != SLOT_SCRYPT || (s.log_n >= 1 && s.log_n <= SLOT_LOG_N_MAX));
        MUST(s.wrapped.len <= SLOT_BLOB_MAX);
        if (s.type == SLOT_KEY)
            MUST(slot_open_key(&s, key, dek) != SLOT_DAMAGED);
        slot_free(&s);
    }
}

static void check_sealed(struct head *h, const uint8_t *body, size_t n)
{
    const struct frame f = {.type = FRAME_DATA, .seq = 3, .item = 1, .length = (uint32_t)n};
    struct buf out = {0};

    MUST(fields_count(&h->fields, "slot") >= 1 && fields_count(&h->fields, "slot") <= SLOTS_MAX);
    struct seal *s = seal_open(h, key);
    struct aead *a = seal_aead(s);
    MUST(seal_unbody(s, a, &f, body, &out) != NULL);
    MUST(out.len == 0);
    MUST(seal_check_signature(h, key) != NULL);
    seal_check(h, s); /* a corpus may hold a HEAD that is sealed to this key */
    seal_strip(h, s);
    MUST(!fields_get(&h->fields, "commit") && !fields_get(&h->fields, "slot"));
    aead_close(a);
    seal_close(s);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const uint8_t *zero = n > 0 ? memchr(bytes, '\0', n) : NULL;
    size_t head = zero ? (size_t)(zero - bytes) : n;
    uint8_t salt[KEY_BYTES];
    enum aead_kind kind;
    struct head h;

    if (head_decode(&h, bytes, head) == HEAD_OK) {
        check_slots(&h);
        const char *step = head_last_step(&h);
        if (step && !seal_decode_step(step, &kind, salt) && !seal_check_head(&h))
            check_sealed(&h, bytes + head, n - head);
    }
    head_free(&h);
    return 0;
}
