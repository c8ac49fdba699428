/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A metadata area of an LVM physical volume: its header, and the text that is in force. */
#ifndef DMSNAP_LVM_AREA
#define DMSNAP_LVM_AREA

#include "lib/base/error.h"
#include "lib/io/io.h"
#include "lib/lvm/label.h"

#include <stdbool.h>
#include <stdint.h>

/* LVM's default areas hold 1 MiB; no text is read that is larger than this. */
#define SNAP_AREA_TEXT_BYTES_MAX (UINT64_C(16) << 20)

struct snap_area {
    bool ignored;           /* LVM keeps no text here for now: another area of the group has it */
    char *text;             /* NUL terminated; NULL where the area is ignored, or was never written */
    uint64_t length_bytes;  /* without the NUL */
    uint64_t text_at_bytes; /* where it begins on the device, for messages */
    bool wraps;             /* its end stands at the begin of the area */
};

/*
 * Reads the area that the label names. SNAP_E_CORRUPT: the header or the text is damaged. SNAP_E_NOMEM, SNAP_E_IO. The
 * text may hold anything but a NUL. Free with snap_area_free, after a failure as well.
 */
enum snap_status snap_area_read(struct snap_io *io, const struct snap_label_range *range, struct snap_area *area,
                                struct snap_error *err);

void snap_area_free(struct snap_area *area);

#endif
