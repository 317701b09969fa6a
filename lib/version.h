/* version.h - layer 0: the one place that says which bk this is. */
#ifndef BK_VERSION_H
#define BK_VERSION_H

#define BK_VERSION "0.1.0"

#endif
