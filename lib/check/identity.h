/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a store and an origin belong together: what is recorded of an origin, and how evidence is judged. */
#ifndef DMSNAP_CHECK_IDENTITY
#define DMSNAP_CHECK_IDENTITY

#include "lib/device/device.h"
#include "lib/device/probe.h"
#include "lib/store/codec.h"
#include "lib/store/header.h"

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

enum snap_identity_verdict {
    SNAP_IDENTITY_MATCH,      /* a record, and it fits */
    SNAP_IDENTITY_NO_RECORD,  /* nothing contradicts, but nothing proves it either */
    SNAP_IDENTITY_GROWN,      /* the record fits but for a larger origin */
    SNAP_IDENTITY_CONTRADICTS
};

/*
 * Holds the store's record against the origin. `view` is what the list itself holds of the
 * snapshot view (what the view has from the origin must not be in it: it would speak for any origin). With a record:
 * the origin must not be smaller; of UUID_SUB, PARTUUID and serial, those that both sides have must agree (members of
 * one array share the file system's UUID); the file system's UUID may be the recorded one or the view's (it may have
 * been changed inside the snapshot, and a merge under way has brought part of that to the origin). Without a record:
 * where the view and the origin both carry something that has a UUID, it must be the same. `text` gets the reason.
 */
enum snap_identity_verdict snap_identity_judge(const struct snap_store *store, const struct snap_origin_facts *origin,
                                               const struct snap_probe *view, char *text, size_t text_bytes);

/* A UUID as 8-4-4-4-12 hexadecimal digits. */
void snap_identity_format_id(const uint8_t id[16], char text[37]);

#endif
