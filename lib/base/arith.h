/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overflow-checked arithmetic and rounding on unsigned 64-bit numbers. */
#ifndef DMSNAP_BASE_ARITH
#define DMSNAP_BASE_ARITH

#include <stdbool.h>
#include <stdint.h>

/* Each returns false, and leaves *out unspecified, where the result does not fit. */
static inline bool snap_add(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool snap_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool snap_is_pow2(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Cannot overflow; `unit` must not be 0. */
static inline uint64_t snap_div_up(uint64_t value, uint64_t unit)
{
    return value / unit + (value % unit != 0);
}

static inline uint64_t snap_round_down(uint64_t value, uint64_t unit)
{
    return value - value % unit;
}

/* Returns false where the rounded value does not fit. */
static inline bool snap_round_up(uint64_t value, uint64_t unit, uint64_t *out)
{
    return snap_mul(snap_div_up(value, unit), unit, out);
}

static inline uint64_t snap_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t snap_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* True where [offset, offset + length) lies inside [0, size); safe for all values. */
static inline bool snap_range_fits(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

#endif
