/* gz.h - layer a: gzip (RFC 1952), by zlib: each body is one member of its own, that stock gzip reads. */
#ifndef BK_GZ_H
#define BK_GZ_H

#include "codec.h"

extern const struct codec gz_compress;
extern const struct codec gz_decompress; /* insists on one whole member, and nothing after it */

#endif
