/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares one load with the origin: before it is written, what is equal is left out; afterwards, it is verified. */
#ifndef DMSNAP_MERGE_COMPARE_LOAD
#define DMSNAP_MERGE_COMPARE_LOAD

#include "lib/merge/window.h"

/*
 * Reads what the load would replace on the origin into `found`, which has the size of the window's buffer, and leaves
 * the chunks that are equal out of the plan's writes. *compared is false where the origin could not be read: nothing is
 * left out then, since a write may mend the sector. Other failures of the read are returned.
 */
enum snap_status snap_compare_load_drop_equal(struct snap_window *window, struct snap_io *origin, uint8_t *found,
                                              const struct snap_copy_control *control, bool *compared,
                                              struct snap_error *err);

/*
 * Reads what the load has written back into `found`, and compares it with what it should be. It was flushed before.
 * SNAP_E_IO where it differs; the text names the first such byte. *verified_bytes grows by what is right.
 */
enum snap_status snap_compare_load_verify(struct snap_window *window, struct snap_io *origin, uint8_t *found,
                                          const struct snap_copy_control *control, uint64_t *verified_bytes,
                                          struct snap_error *err);

#endif
