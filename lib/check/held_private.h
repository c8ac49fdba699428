/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what the store itself holds of its view. */
#ifndef DMSNAP_CHECK_HELD_PRIVATE
#define DMSNAP_CHECK_HELD_PRIVATE

#include "lib/view/view.h"

/*
 * A snap_probe_read_fn whose context is a struct snap_view: the view, with zeros wherever it is not the list that holds
 * the bytes. Those come from the origin that is judged.
 */
enum snap_status snap_held_read(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                struct snap_error *err);

#endif
