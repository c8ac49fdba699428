/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a metadata text says: a group, its physical volumes, its logical volumes with their segments. */
#ifndef DMSNAP_LVM_METADATA
#define DMSNAP_LVM_METADATA

#include "lib/base/error.h"
#include "lib/lvm/label.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAP_METADATA_STRIPES_MAX 128u /* as many as LVM makes */

struct snap_lvm_text;
struct snap_metadata_index;

/* Strings belong to the metadata; they come from a device: escape before printing. */
struct snap_metadata_pv {
    const char *name;          /* "pv0": only inside of the text */
    const char *device;        /* where LVM saw it last; empty where unknown */
    char id[SNAP_LABEL_ID_BYTES];
    uint64_t device_sectors;   /* 0 where the text does not say it */
    uint64_t start_sectors;    /* of extent 0, on the device */
    uint64_t extents;
    bool missing;              /* LVM has given it up */
};

enum snap_metadata_kind {
    SNAP_METADATA_STRIPED,     /* one stripe: linear */
    SNAP_METADATA_SNAPSHOT,
    SNAP_METADATA_RAID1,       /* can only be read, from one of its legs (raid.h) */
    SNAP_METADATA_MIRROR,      /* can only be read, from its first leg, which is the one that the others are made of */
    SNAP_METADATA_OTHER        /* known by its type's name only */
};

struct snap_metadata_stripe {
    size_t pv;                 /* index of the physical volume */
    uint64_t first_extent;     /* on it */
};

/* Indexes of logical volumes. */
struct snap_metadata_leg {
    size_t meta;               /* with the superblock; of a mirror the image itself */
    size_t image;              /* with the data */
};

struct snap_metadata_segment {
    enum snap_metadata_kind kind;
    const char *type;          /* as the text says it: "striped", "snapshot", "raid1", "thin", ... */
    const char *on_volume;     /* OTHER: the logical volume on which this striped segment stands, else NULL */
    uint64_t start_extent;     /* in the logical volume */
    uint64_t extents;
    /* STRIPED */
    uint64_t stripe_sectors;   /* 0 where there is one stripe */
    unsigned stripe_count;
    struct snap_metadata_stripe *stripes;
    /* RAID1, MIRROR */
    unsigned leg_count;
    struct snap_metadata_leg *legs;
    /* SNAPSHOT: indexes of logical volumes */
    size_t origin, cow;
    bool merging;              /* the next activation of the origin begins, or goes on with, the merge */
    uint64_t chunk_sectors;
};

struct snap_metadata_lv {
    const char *name;
    char id[SNAP_LABEL_ID_BYTES];
    bool visible;
    bool writable;
    bool locked;               /* by a pvmove, or in the middle of another change */
    const char *strange_flag;  /* the first status that this library does not know, else NULL */
    uint64_t extents;
    size_t segment_count;
    struct snap_metadata_segment *segments; /* in the order of start_extent, without gaps */
};

struct snap_metadata {
    const char *name;
    char id[SNAP_LABEL_ID_BYTES];
    uint64_t seqno;
    uint64_t extent_sectors;
    const char *system_id;     /* empty: of any system */
    const char *lock_type;     /* empty, or "none": not shared */
    bool exported;
    bool clustered;
    bool partial;              /* the group was changed while physical volumes were missing */
    const char *strange_flag;  /* as of a logical volume */
    size_t pv_count;
    struct snap_metadata_pv *pvs;
    size_t lv_count;
    struct snap_metadata_lv *lvs;
    struct snap_metadata_index *index; /* private: finds snapshots, knows of an overlap */
    struct snap_lvm_text *tree; /* private: it holds the strings */
};

/*
 * Reads the text of one metadata area; messages begin with `name`. All numbers are checked: extents lie inside of their
 * physical volumes, segments follow each other, each name that is used is defined, no id of a physical volume and no
 * snapshot's store is there twice. SNAP_E_CORRUPT: something is missing, contradicts itself, or cannot be.
 * SNAP_E_UNSUPPORTED: this build lacks libdevmapper. SNAP_E_NOMEM. Free with snap_metadata_free.
 */
enum snap_status snap_metadata_read(const char *name, const char *text, uint64_t length_bytes,
                                    struct snap_metadata **metadata, struct snap_error *err);
void snap_metadata_free(struct snap_metadata *metadata); /* NULL is allowed */

/* Whether several systems use the group at the same time, under locks that this library does not have. */
bool snap_metadata_is_shared(const struct snap_metadata *metadata);

/* The index of the logical volume of this name; lv_count where there is none. */
size_t snap_metadata_find(const struct snap_metadata *metadata, const char *lv_name);

/*
 * The next snapshot at or after the logical volume `from` (an index, 0 at first) that `origin` is the origin of, or,
 * with `origin` set to lv_count, any snapshot. NULL behind the last; else *at is the index of the volume that holds the
 * segment, to go on with *at + 1.
 */
const struct snap_metadata_segment *snap_metadata_next_snapshot(const struct snap_metadata *metadata, size_t origin,
                                                                size_t from, size_t *at);

/*
 * Another volume that stands on this one, or refers to it in another way, and is no snapshot of it: a raid array or a
 * mirror on its leg, a cache, a pool, a thin volume with an external origin. NULL: there is none. *type is the type of
 * the segment that says so.
 */
const struct snap_metadata_lv *snap_metadata_user_of(const struct snap_metadata *metadata, size_t lv,
                                                     const char **type);

/*
 * How many volumes and extents were looked at so far to find snapshots and overlaps: what a text costs beyond its
 * length.
 */
uint64_t snap_metadata_looks(const struct snap_metadata *metadata);

/* The snapshot whose store is in this logical volume; NULL where there is none. */
const struct snap_metadata_segment *snap_metadata_snapshot_of(const struct snap_metadata *metadata, size_t cow);

#endif
