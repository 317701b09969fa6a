#include "crc.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41 with its bits reversed */

static uint32_t table[256];
static bool by_instruction;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#if defined(__x86_64__)

static bool have_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) static uint32_t update_fast(uint32_t crc, const uint8_t *p, size_t n)
{
    uint64_t wide = crc;

    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; n > 0; n--)
        crc = __builtin_ia32_crc32qi(crc, *p++);
    return crc;
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

static bool have_instruction(void)
{
    return true;
}

static uint32_t update_fast(uint32_t crc, const uint8_t *p, size_t n)
{
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = __crc32cd(crc, word);
    }
    for (; n > 0; n--)
        crc = __crc32cb(crc, *p++);
    return crc;
}

#else

static bool have_instruction(void)
{
    return false;
}

static uint32_t update_fast(uint32_t crc, const uint8_t *p, size_t n)
{
    (void)p, (void)n;
    return crc;
}

#endif

static void prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        table[i] = crc;
    }
    by_instruction = have_instruction();
}

static uint32_t update_portable(uint32_t crc, const uint8_t *p, size_t n)
{
    for (; n > 0; n--)
        crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
    return crc;
}

uint32_t crc32c_portable(const void *bytes, size_t n)
{
    pthread_once(&once, prepare);
    return ~update_portable(0xffffffffu, bytes, n);
}

uint32_t crc32c(const void *bytes, size_t n)
{
    pthread_once(&once, prepare);
    if (by_instruction)
        return ~update_fast(0xffffffffu, bytes, n);
    return ~update_portable(0xffffffffu, bytes, n);
}
