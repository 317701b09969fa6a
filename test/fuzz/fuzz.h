/* fuzz.h - what each fuzz target has: libFuzzer's entry, and a check that ends the program. */
#ifndef BK_TEST_FUZZ_H
#define BK_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Whatever the input is, this must be so. */
#define MUST(what)                                                                                           \
    do {                                                                                                     \
        if (!(what))                                                                                         \
            abort();                                                                                         \
    } while (0)

#endif
