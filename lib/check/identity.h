/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identity record: what a store remembers of its origin, filled in, and held against an origin. */
#ifndef DMSNAP_CHECK_IDENTITY
#define DMSNAP_CHECK_IDENTITY

#include "lib/device/device.h"
#include "lib/device/probe.h"
#include "lib/store/codec.h"

/* What is known of an origin as it stands now. */
struct snap_origin_facts {
    uint64_t sectors;
    const struct snap_device *device;  /* borrowed */
    const struct snap_probe *probe;    /* of the origin itself; borrowed */
};

/*
 * Fills a new record: random store id, the origin's size, tags and serial; `label` may be NULL. `now_seconds` is the
 * time since 1970 UTC. SNAP_E_IO where the system gives no random bytes.
 */
enum snap_status snap_identity_fill(struct snap_identity *identity, const struct snap_origin_facts *origin,
                                    uint32_t chunk_sectors, const char *label, uint64_t now_seconds,
                                    struct snap_error *err);

/* Room for a text of snap_identity_compare. */
#define SNAP_IDENTITY_TEXT_BYTES 768u

/* A record and an origin: what was compared, and what differs. */
struct snap_identity_match {
    bool device_differs;         /* size (smaller), PARTUUID or serial: no content can explain that */
    bool smaller;                /* that is because the origin is smaller than recorded */
    bool content_differs;        /* file system or partition table: may have changed since; not for another device */
    bool brought;                /* what differs of these was brought there by a merge of this store */
    bool grown;                  /* the origin is larger than recorded, and nothing else differs */
    bool content, partuuid;      /* is the same, and tells one device from another; `content` of another device, too */
    bool serial;                 /* is the same, as it is for partitions of a disk, or other parts of a device */
    char text[SNAP_IDENTITY_TEXT_BYTES]; /* the first difference, both sides named; empty: none */
};

/*
 * Holds a record against an origin. `brought` is what a merge of this store may have brought to it, empty where there
 * is no such thing: where the origin shows that, it is no difference. `in_part`: some places of the origin could not be
 * read, so that what was not found may be there all the same.
 */
void snap_identity_compare(const struct snap_identity *record, const struct snap_origin_facts *origin,
                           const struct snap_probe *brought, bool in_part, struct snap_identity_match *match);

/* A UUID as 8-4-4-4-12 hexadecimal digits. */
void snap_identity_format_id(const uint8_t id[16], char text[37]);

/* Whether the record of a store, all zero where it has none, names an undo store that can take its merge back. */
bool snap_identity_has_undo(const struct snap_identity *record);

#endif
