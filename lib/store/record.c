/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces the record in the first atomic unit of the device. */
#include "lib/store/record.h"

#include "lib/base/buffer.h"

#include <string.h>

bool snap_record_possible(const struct snap_store *store)
{
    return store->defect == SNAP_HEADER_GOOD && !store->spare_bytes && store->identity_state != SNAP_IDENTITY_NEWER;
}

enum snap_status snap_record_write(struct snap_store *store, const struct snap_identity *identity,
                                   struct snap_error *err)
{
    const uint64_t unit_bytes = snap_header_unit_bytes(store); /* a chunk is never smaller: the unit lies in chunk 0 */
    struct snap_header header;
    enum snap_status status;
    uint8_t *unit;

    if (!snap_record_possible(store))
        return snap_fail(err, SNAP_E_REFUSED, "%s: its header sector holds something that is not to be overwritten",
                         store->io->name);
    unit = snap_buffer_new(unit_bytes);
    if (!unit)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for its header", store->io->name);
    status = snap_io_read(store->io, 0, unit_bytes, unit, err);
    if (status == SNAP_OK) {
        snap_codec_decode_header(unit, &header);
        if (memcmp(&header, &store->header, sizeof header) != 0)
            status = snap_fail(err, SNAP_E_CORRUPT, "%s: the header has changed since it was read; another program "
                               "writes to it: stop that, then repeat this command", store->io->name);
    }
    if (status == SNAP_OK) {
        snap_codec_encode_record(identity, unit);
        status = snap_io_write(store->io, 0, unit_bytes, unit, err);
    }
    if (status == SNAP_OK)
        status = snap_io_flush(store->io, err);
    if (status == SNAP_OK) {
        store->identity_state = snap_codec_decode_record(unit, &store->identity);
        if (memcmp(store->fingerprint.store_id, store->identity.store_id, sizeof store->identity.store_id) != 0)
            store->fingerprint_state = SNAP_FINGERPRINT_NONE;
    }
    snap_buffer_free(unit);
    return status;
}
