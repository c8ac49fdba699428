/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocates arrays whose length is a 64-bit number, also where a size_t is smaller. */
#ifndef DMSNAP_BASE_ARRAY
#define DMSNAP_BASE_ARRAY

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* `count` zeroed items. NULL where memory is short or the array is larger than the address space. Free with free(). */
static inline void *snap_array_new(uint64_t count, size_t item_bytes)
{
    return count > SIZE_MAX ? NULL : calloc((size_t)count, item_bytes);
}

/* The same with undefined content: pages that are not used cost nothing. */
static inline void *snap_array_new_unset(uint64_t count, size_t item_bytes)
{
    return count > SIZE_MAX / item_bytes ? NULL : malloc((size_t)count * item_bytes);
}

#endif
