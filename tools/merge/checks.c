/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge asks of every store that it will write to, or whose view it keeps: before the first write. */
#include "tools/merge/checks.h"

#include <inttypes.h>
#include <string.h>

enum snap_status merge_check_blocks(const struct device *device, const struct snap_store *store,
                                    struct snap_error *err)
{
    if (store->layout.chunk_bytes >= device->io->logical_block_bytes)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_UNSUPPORTED,
                     "%s: its logical blocks have %" PRIu32 " bytes, but the store's chunks only %" PRIu64
                     ": such chunks can be read, but not written",
                     device->path, device->io->logical_block_bytes, store->layout.chunk_bytes);
}

enum snap_status merge_check_distinct(const struct merge_session *session, const struct device *device,
                                      struct snap_error *err)
{
    const struct device *others[2 + MERGE_SIBLINGS_MAX] = {&session->origin, &session->cow};
    size_t count = 2;

    for (unsigned i = 0; i < session->preserve.count; i++)
        if (&session->preserve.siblings[i].device != device)
            others[count++] = &session->preserve.siblings[i].device;
    return devices_distinct_from_all(device, others, count, err);
}

struct pair merge_pair(const struct merge_session *session, const struct device *cow, const struct snap_store *store)
{
    return (struct pair){
        .cli = session->cli,
        .origin = &session->origin,
        .cow = cow,
        .store = store,
        .accept = session->arguments.accept,
        .memory_bytes = session->options.memory_bytes,
    };
}

static bool differ(const char *before, const char *after)
{
    return before[0] != '\0' && after[0] != '\0' && strcmp(before, after) != 0;
}

bool merge_changes_identity(const struct merge_session *session)
{
    const struct snap_probe *before = &session->evidence.origin, *after = &session->evidence.view;
    const struct snap_identity *record = &session->store.identity; /* empty strings where there is none */

    return differ(before->uuid, after->uuid) || differ(before->uuid_sub, after->uuid_sub) ||
           differ(before->ptuuid, after->ptuuid) || differ(record->fs_uuid, after->uuid) ||
           differ(record->uuid_sub, after->uuid_sub) || differ(record->ptuuid, after->ptuuid);
}
