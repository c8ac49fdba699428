/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What unit tests begin with: cmocka, calls that must succeed, and random numbers that are the same in every run. */
#ifndef DMSNAP_TESTS_UNIT_H
#define DMSNAP_TESTS_UNIT_H

#include "lib/base/error.h"
#include "lib/io/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef test_calloc /* cmocka's macros of these names hide the functions of io_mem.h; what they give is not for free() */
#undef test_realloc

/* A status with the sentence that came with it, so that a failing test says why. */
#define assert_status(call, expected, err)                                                              \
    do {                                                                                                \
        enum snap_status got_status = (call);                                                           \
                                                                                                        \
        if (got_status != (expected))                                                                   \
            fail_msg("%s: status %d, expected %d: %s", #call, (int)got_status, (int)(expected),         \
                     got_status != SNAP_OK ? (err)->text : "");                                         \
    } while (0)

#define assert_ok(call, err) assert_status(call, SNAP_OK, err)

/* For the steps on the way to what is tested. A macro, so that a failure names the line of the test. */
#define must(call) assert_int_equal(call, SNAP_OK)

#define must_close(io) must(snap_io_close(io, NULL))

/* A number below `below`. The state may be anything; a test begins with one of its own. */
static inline uint64_t unit_random(uint64_t *state, uint64_t below)
{
    uint64_t mixed;

    *state += 0x9e3779b97f4a7c15u;
    mixed = (*state ^ (*state >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return (mixed ^ (mixed >> 31)) % below;
}

#endif
