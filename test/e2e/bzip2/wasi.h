/*
 * Included before every file of bzip2: what wasi-libc lacks. A WASI file has no owner and no mode to set.
 */
#ifndef WASI_H
#define WASI_H

#define fchmod(descriptor, mode) (0)
#define fchown(descriptor, user, group) ((void)0)

#endif
