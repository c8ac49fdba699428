/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The type of an ioctl request differs by C library: unsigned long with glibc, int with musl. */
#ifndef DMSNAP_BASE_IOCTL
#define DMSNAP_BASE_IOCTL

/* For requests that do not fit an int, as those that read: ioctl(fd, SNAP_IOCTL_REQUEST(BLKGETSIZE64), ...) */
#ifdef __GLIBC__
#define SNAP_IOCTL_REQUEST(request) (request)
#else
#define SNAP_IOCTL_REQUEST(request) ((int)(request))
#endif

#endif
