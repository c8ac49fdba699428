/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets the mask from a walk over the list, and clears the sector at the end. */
#include "lib/merge/fingerprint_mask_private.h"

#include "lib/store/fingerprint.h"

#include <string.h>

static bool has_fingerprint(const struct snap_list_end *end)
{
    return end->store->fingerprint_state == SNAP_FINGERPRINT_OK;
}

static enum snap_status mask_listed(const struct snap_store *store, struct snap_fingerprint *masked,
                                    struct snap_error *err)
{
    uint8_t listed[sizeof masked->mask];
    enum snap_status status =
        snap_fingerprint_find_listed(store, &store->fingerprint, store->identity.origin_sectors, listed, err);

    *masked = store->fingerprint;
    for (size_t i = 0; i < sizeof listed && status == SNAP_OK; i++)
        masked->mask[i] |= listed[i];
    return status;
}

static bool differ(const struct snap_store *store, const struct snap_fingerprint *masked)
{
    return memcmp(masked->mask, store->fingerprint.mask, sizeof masked->mask) != 0;
}

enum snap_status snap_fingerprint_mask_listed(struct snap_list_end *end, struct snap_error *err)
{
    struct snap_fingerprint masked;
    enum snap_status status;

    if (!has_fingerprint(end))
        return SNAP_OK;
    status = mask_listed(end->store, &masked, err);
    if (status != SNAP_OK || !differ(end->store, &masked))
        return status;
    end->counts.written_bytes += snap_header_unit_bytes(end->store);
    return snap_fingerprint_put(end->store, &masked, err);
}

bool snap_fingerprint_mask_ends(const struct snap_store *store, uint64_t entries)
{
    return entries > 0 || snap_fingerprint_masked(&store->fingerprint) > 0;
}

enum snap_status snap_fingerprint_mask_drop(struct snap_list_end *end, struct snap_error *err)
{
    struct snap_error reason;
    struct snap_store now;
    enum snap_status status;

    if (!has_fingerprint(end))
        return SNAP_OK;
    end->zeros_unflushed = true;
    status = snap_fingerprint_put(end->store, NULL, &reason);
    if (status == SNAP_E_IO && snap_header_read(&now, end->store->io, NULL) == SNAP_OK)
        return SNAP_OK; /* no more than that place is bad */
    if (status == SNAP_OK)
        end->counts.written_bytes += snap_header_unit_bytes(end->store);
    else if (err)
        *err = reason;
    return status;
}

enum snap_status snap_fingerprint_mask_count(struct snap_list_end *end, bool drop, struct snap_error *err)
{
    struct snap_fingerprint masked;
    enum snap_status status;

    if (!has_fingerprint(end))
        return SNAP_OK;
    status = mask_listed(end->store, &masked, err);
    if (status == SNAP_OK && differ(end->store, &masked))
        end->counts.written_bytes += snap_header_unit_bytes(end->store);
    if (status == SNAP_OK && drop) {
        end->counts.written_bytes += snap_header_unit_bytes(end->store);
        end->zeros_unflushed = true;
    }
    return status;
}
