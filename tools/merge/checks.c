/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge asks of every store that it will write to, or whose view it keeps: before the first write. */
#include "tools/merge/checks.h"

#include "lib/check/marks.h"

#include <inttypes.h>

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

#define OTHERS_MAX (2u + MERGE_SIBLINGS_MAX)

/* Origin, COW and all siblings but `device`. */
static size_t others_of(const struct merge_session *session, const struct device *device,
                        const struct device *others[OTHERS_MAX])
{
    size_t count = 0;

    others[count++] = &session->origin;
    others[count++] = &session->cow;
    for (unsigned i = 0; i < session->preserve.count; i++)
        if (&session->preserve.siblings[i].device != device)
            others[count++] = &session->preserve.siblings[i].device;
    return count;
}

enum snap_status merge_check_distinct(const struct merge_session *session, const struct device *device,
                                      struct snap_error *err)
{
    const struct device *others[OTHERS_MAX];

    return devices_distinct_from_all(device, others, others_of(session, device, others), err);
}

enum snap_status merge_check_apart(const struct merge_session *session, const char *name, int fd,
                                   const struct device *device, struct snap_error *err)
{
    const struct device *others[OTHERS_MAX];

    return devices_apart(name, fd, others, others_of(session, device, others), err);
}

struct pair merge_pair(const struct merge_session *session, const struct device *cow, const struct snap_store *store)
{
    return (struct pair){
        .cli = session->cli,
        .origin = &session->origin,
        .cow = cow,
        .store = store,
        .merged = session->evidence.pair.brought ? &session->store.identity : NULL, /* set before siblings are judged */
        .writes_entries = cow == &session->cow,
        .accept = session->arguments.accept,
        .memory_bytes = session->options.memory_bytes,
    };
}

/* What a record or a device says of its content would not fit any more. */
static bool changes(const struct snap_probe *before, const struct snap_probe *after)
{
    const bool known = before->type[0] != '\0' || before->ptuuid[0] != '\0';

    return snap_marks_compare(before, after, false) == SNAP_MARKS_DIFFERENT ||
           (!known && (after->type[0] != '\0' || after->ptuuid[0] != '\0'));
}

bool merge_changes_identity(const struct merge_session *session)
{
    struct snap_probe recorded;

    snap_marks_of_record(&session->store.identity, &recorded);
    return changes(&session->evidence.origin, &session->evidence.view) ||
           (session->store.identity_state == SNAP_IDENTITY_OK && changes(&recorded, &session->evidence.view));
}
