/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where each byte of a logical volume is: its extents and stripes as ranges of physical volumes. */
#ifndef DMSNAP_LVM_VOLUME
#define DMSNAP_LVM_VOLUME

#include "lib/base/error.h"
#include "lib/lvm/metadata.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A share of a segment on one physical volume, without gaps. */
struct snap_volume_area {
    size_t pv;              /* index in the metadata */
    uint64_t offset_bytes;  /* on the device */
};

struct snap_volume_segment {
    uint64_t logical_bytes; /* where it begins in the volume */
    uint64_t length_bytes;
    uint64_t stripe_bytes;  /* 0: linear, one area */
    unsigned area_count;    /* each has length_bytes / area_count */
    struct snap_volume_area *areas;
};

struct snap_volume {
    char *name;             /* "vg/lv" */
    uint64_t size_bytes;
    size_t segment_count;
    struct snap_volume_segment *segments; /* in the order of logical_bytes, without gaps */
    size_t pv_count;
    size_t *pvs;            /* the physical volumes that it is on, by index, in their order, each once */
};

/*
 * The places of logical volume `lv`. SNAP_E_REFUSED: it is of a type that is more than linear or striped, or a pvmove
 * stands below it. SNAP_E_CORRUPT: volumes of the group overlap, or the sizes cannot be. SNAP_E_NOMEM. Messages begin
 * with the volume's name. Free with snap_volume_free.
 */
enum snap_status snap_volume_new(const struct snap_metadata *metadata, size_t lv, struct snap_volume **volume,
                                 struct snap_error *err);
void snap_volume_free(struct snap_volume *volume); /* NULL is allowed */

struct snap_volume_place {
    size_t pv;
    uint64_t offset_bytes;
    uint64_t length_bytes;  /* so far there is no border of a segment or stripe */
};

/* Where this byte of the volume is; `logical_bytes` is below its size. */
struct snap_volume_place snap_volume_place_of(const struct snap_volume *volume, uint64_t logical_bytes);

/* Whether any byte of the volume is on this physical volume. */
bool snap_volume_is_on(const struct snap_volume *volume, size_t pv);

/* How large this physical volume has to be for the places of the volume on it; 0: there are none. */
uint64_t snap_volume_needed_bytes(const struct snap_volume *volume, size_t pv);

#endif
