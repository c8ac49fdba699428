/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device that tells of each write before it is made. */
#ifndef DMSNAP_TEST_CRASH_WATCH_H
#define DMSNAP_TEST_CRASH_WATCH_H

#include "lib/io/io.h"

typedef void (*watch_fn)(void *context, unsigned disk, uint64_t offset_bytes, uint64_t length_bytes);

/* Wraps `lower` and owns it. `disk` is handed on. */
struct snap_io *watch_new(struct snap_io *lower, unsigned disk, watch_fn fn, void *context);

#endif
