/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device that changes one byte of its n-th write on the way, and says that all is well. */
#ifndef DMSNAP_TEST_CRASH_ALTERED_WRITE_H
#define DMSNAP_TEST_CRASH_ALTERED_WRITE_H

#include "lib/io/io.h"

/* Wraps `lower` and owns it. Requests count from 0, in vector order. */
struct snap_io *altered_write_new(struct snap_io *lower, uint64_t write);

bool altered_write_happened(const struct snap_io *io);

/* Never again. */
void altered_write_end(struct snap_io *io);

#endif
