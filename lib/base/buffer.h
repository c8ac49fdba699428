/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is aligned for direct I/O on any device. */
#ifndef DMSNAP_BASE_BUFFER
#define DMSNAP_BASE_BUFFER

#include <stdint.h>

/*
 * A zeroed buffer, aligned to 4096 bytes; one of 2 MiB or more is aligned to 2 MiB, and huge pages are asked for. No
 * core dump holds its content. NULL where memory is short. Free it with snap_buffer_free.
 */
void *snap_buffer_new(uint64_t length_bytes);

/* The same with undefined content: a large buffer that is filled anyway need not be touched twice. */
void *snap_buffer_new_unset(uint64_t length_bytes);

/* NULL is fine. */
void snap_buffer_free(void *buffer);

#endif
