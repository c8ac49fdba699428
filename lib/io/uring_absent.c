/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine over io_uring in a build without liburing: there is none, so the threads serve. */
#include "lib/io/engine_private.h"

#include <errno.h>

int snap_engine_open_uring(struct snap_engine **engine, unsigned queue_depth)
{
    (void)engine;
    (void)queue_depth;
    return EOPNOTSUPP;
}
