/* rng.h - numbers that look random and are the same in each run (splitmix64). */
#ifndef BK_TEST_RNG_H
#define BK_TEST_RNG_H

#include <stddef.h>
#include <stdint.h>

/* `state` is the seed at first. */
static inline uint64_t rng_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 to below - 1. */
static inline size_t rng_below(uint64_t *state, size_t below)
{
    return (size_t)(rng_next(state) % below);
}

static inline void rng_bytes(uint64_t *state, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)rng_next(state);
}

#endif
