/* crc.h - layer a: CRC-32C (Castagnoli; RFC 3720, appendix B.4): by the CPU's instruction where there is one.
 *
 * It finds accidents: a bad disk, memory or line. It proves nothing against intent.
 */
#ifndef BK_CRC_H
#define BK_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The CRC-32C of `n` bytes. crc32c("123456789", 9) is 0xe3069283. */
uint32_t crc32c(const void *bytes, size_t n);

/* The same by table, on any CPU: for the test that holds one to the other. */
uint32_t crc32c_portable(const void *bytes, size_t n);

#endif
