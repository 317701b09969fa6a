/* zst.h - layer a: Zstandard (RFC 8878), by libzstd: each body is one frame of its own, that stock zstd
 * reads. */
#ifndef BK_ZST_H
#define BK_ZST_H

#include "codec.h"

extern const struct codec zst_compress;
extern const struct codec zst_decompress; /* insists on one whole frame, and nothing after it */

#endif
