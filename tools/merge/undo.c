/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge --undo: the undo store is made or found again, and a merge does not go on without it unnoticed. */
#include "tools/merge/undo.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/check/identity.h"
#include "lib/store/fingerprint.h"
#include "lib/store/record.h"
#include "tools/cli/size.h"
#include "tools/merge/checks.h"
#include "tools/merge/preserve.h"
#include "tools/shared/accept.h"
#include "tools/shared/report.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static const uint8_t no_id[16];

static bool same_id(const uint8_t a[16], const uint8_t b[16])
{
    return memcmp(a, b, 16) == 0;
}

/* All zero where there is no record. */
static const struct snap_identity *record_of(const struct snap_store *store)
{
    return &store->identity;
}

static bool is_undo_store(const struct snap_store *store)
{
    return store->identity_state == SNAP_IDENTITY_OK && (record_of(store)->flags & SNAP_IDENTITY_UNDO) != 0;
}

/* ---- before the first write ---------------------------------------------------------------- */

/* The snapshot that this undo store belongs to, among the preserved ones. */
static struct merge_sibling *find_parent(struct merge_session *session)
{
    for (unsigned i = 0; i < session->preserve.count; i++) {
        struct merge_sibling *sibling = &session->preserve.siblings[i];

        if (sibling->store.identity_state == SNAP_IDENTITY_OK &&
            same_id(record_of(&sibling->store)->store_id, record_of(&session->store)->parent_id))
            return sibling;
    }
    return NULL;
}

/* An undo store is merged: a merge is taken back. */
static enum snap_status check_take_back(struct merge_session *session, struct snap_error *err)
{
    const struct merge_sibling *parent = find_parent(session);
    const struct snap_identity *record;

    if (!parent) {
        if (accept_has(session->arguments.accept, ACCEPT_PARENT) ||
            same_id(record_of(&session->store)->parent_id, no_id))
            return SNAP_OK;
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is the undo store of a merge; the snapshot that was merged loses "
                         "its view unless its store is named: add --preserve COW, or --accept=parent if that store no "
                         "longer exists",
                         session->cow.path);
    }
    record = record_of(&parent->store);
    if (accept_has(session->arguments.accept, ACCEPT_UNDO))
        return SNAP_OK;
    if ((record->flags & SNAP_IDENTITY_UNDO_LOST) != 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: a part of the merge of %s was done without this undo store, so it "
                         "brings back only a part of the old content; to merge it all the same, add --accept=undo",
                         session->cow.path, parent->device.path);
    if (!same_id(record->undo_id, no_id) && !same_id(record->undo_id, record_of(&session->store)->store_id))
        return snap_fail(err, SNAP_E_REFUSED, "%s: %s was merged with another undo store since then; to merge this one "
                         "all the same, add --accept=undo",
                         session->cow.path, parent->device.path);
    return SNAP_OK;
}

enum snap_status merge_undo_check(struct merge_session *session, struct snap_error *err)
{
    char id[37];

    if (is_undo_store(&session->store) && session->job.entries > 0) {
        enum snap_status status = check_take_back(session, err);

        if (status != SNAP_OK)
            return status;
    }
    if (!merge_undo_under_way(session) || session->job.entries == 0 || session->arguments.undo ||
        (accept_has(session->arguments.accept, ACCEPT_UNDO) && !session->arguments.keep_cow))
        return SNAP_OK;
    snap_identity_format_id(record_of(&session->store)->undo_id, id);
    if (session->arguments.keep_cow)
        return snap_fail(err, SNAP_E_REFUSED, "%s: this merge was begun with an undo store (%s); go on with --undo "
                         "FILE. To give up the way back, add --accept=undo and leave --keep-cow out, because that is "
                         "recorded in the COW", session->cow.path, id);
    return snap_fail(err, SNAP_E_REFUSED, "%s: this merge was begun with an undo store (%s); go on with --undo FILE, "
                     "or give up the way back: add --accept=undo", session->cow.path, id);
}

/*
 * Checks where the new file would lie: on the origin's own file system it could not be written, and in memory it would
 * not last.
 */
static enum snap_status check_folder(struct merge_session *session, const char *path, struct snap_error *err)
{
    struct statfs fs;
    enum snap_status status = snap_folder_open(&session->undo.folder, path, err);

    if (status == SNAP_OK)
        status = snap_folder_takes_files(session->undo.folder, err);
    if (status != SNAP_OK)
        return status;
    status = merge_check_apart(session, path, session->undo.folder->fd, NULL, err);
    if (status != SNAP_OK)
        return status;
    if (fstatfs(session->undo.folder->fd, &fs) != 0)
        return snap_fail_errno(err, errno, "%s: its folder cannot be looked at", path);
    if ((unsigned)fs.f_type == TMPFS_MAGIC || (unsigned)fs.f_type == RAMFS_MAGIC)
        cli_warn(session->cli, "%s: it lies in memory; after a power failure there is no way back", path);
    return SNAP_OK;
}

/* One chunk of the COW's size for each entry, and the areas for them: exactly what this merge can replace. */
static enum snap_status plan_image(struct merge_session *session, struct snap_error *err)
{
    const struct snap_layout *layout = &session->store.layout;
    enum snap_status status = check_folder(session, session->arguments.undo, err);
    uint64_t chunks;

    if (status != SNAP_OK)
        return status;
    if (!snap_layout_chunks_for_entries(layout->entries_per_area, session->job.entries, &chunks) ||
        !snap_mul(chunks, layout->chunk_bytes, &session->undo.new_image_bytes))
        return snap_fail(err, SNAP_E_NOSPC, "%s: the undo store would be too large", session->arguments.undo);
    session->undo.new_store = true;
    session->undo.sibling->need = (struct snap_sibling_need){session->job.entries, session->job.entries};
    return SNAP_OK;
}

enum snap_status merge_undo_check_ours(const struct merge_session *session, const struct merge_sibling *sibling,
                                       struct snap_error *err)
{
    const struct snap_identity *cow = record_of(&session->store), *undo = record_of(&sibling->store);
    const char *path = sibling->device.path;

    if (sibling->store.defect != SNAP_HEADER_GOOD || !is_undo_store(&sibling->store))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists and is not an undo store; name a new file", path);
    if (merge_undo_check_owner(&sibling->device, err) != SNAP_OK)
        return err->status;
    if (!same_id(undo->parent_id, session->store.identity_state == SNAP_IDENTITY_OK ? cow->store_id : no_id))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is the undo store of another merge; name a new file", path);
    if (merge_undo_under_way(session) && !same_id(cow->undo_id, undo->store_id))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is not the undo store that this merge was begun with; name that "
                         "one", path);
    if (same_id(cow->undo_id, undo->store_id) && (cow->flags & SNAP_IDENTITY_UNDO_LOST) != 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it lacks a part that was merged without it, so it cannot be "
                         "continued; name a new file", path);
    if (!merge_undo_under_way(session) && same_id(cow->undo_id, undo->store_id))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it belongs to a merge of this store that is complete, and shows the "
                         "content from before that; name a new file", path);
    return SNAP_OK;
}

bool merge_undo_under_way(const struct merge_session *session)
{
    return (record_of(&session->store)->flags & SNAP_IDENTITY_MERGING) != 0;
}

enum snap_status merge_undo_prepare(struct merge_session *session, struct snap_error *err)
{
    const char *path = session->arguments.undo;
    struct merge_sibling *sibling;
    struct stat st;
    enum snap_status status;

    if (!path || session->job.entries == 0)
        return SNAP_OK;
    sibling = merge_preserve_next(session);
    if (!sibling)
        return snap_fail(err, SNAP_E_USAGE, "too many stores: --preserve and --undo take %u together",
                         MERGE_SIBLINGS_MAX);
    sibling->is_undo = true;
    session->undo.sibling = sibling;
    if (!devices_is_lvm(path) && !strchr(path, '=') && lstat(path, &st) != 0 && errno == ENOENT)
        status = plan_image(session, err);
    else
        status = merge_undo_take(session, sibling, err);
    if (status == SNAP_OK && session->undo.new_store && merge_undo_under_way(session))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is new, but this merge was begun with an undo store and needs "
                         "that one",
                         path);
    return status;
}

/* ---- the first writes ----------------------------------------------------------------------- */

static enum snap_status set_flags(struct snap_store *store, uint32_t flags, const uint8_t undo_id[16],
                                  struct snap_error *err)
{
    struct snap_identity record = store->identity;

    if (store->identity_state != SNAP_IDENTITY_OK)
        return SNAP_OK;
    record.flags = (record.flags & ~(SNAP_IDENTITY_MERGING | SNAP_IDENTITY_UNDO_LOST)) | flags;
    memcpy(record.undo_id, undo_id, sizeof record.undo_id);
    return memcmp(&record, &store->identity, sizeof record) == 0 ? SNAP_OK : snap_record_write(store, &record, err);
}

/*
 * The merge goes on without its undo store (--accept=undo), or the store is merged once more: from now on that undo
 * store brings back only a part of the old content.
 */
static bool spoils_undo_store(const struct merge_session *session)
{
    const uint8_t *undo_id = record_of(&session->store)->undo_id;

    for (unsigned i = 0; i < session->preserve.count; i++) {
        const struct merge_sibling *sibling = &session->preserve.siblings[i];

        if (!sibling->invalidate && same_id(record_of(&sibling->store)->store_id, undo_id))
            return false;
    }
    return !same_id(undo_id, no_id);
}

bool merge_undo_may_bring_back(const struct merge_session *session)
{
    const struct snap_identity *record = record_of(&session->store);

    if (session->undo.sibling)
        return true;
    return !same_id(record->undo_id, no_id) && (record->flags & SNAP_IDENTITY_UNDO_LOST) == 0 &&
           (session->job.entries == 0 || !spoils_undo_store(session));
}

enum snap_status merge_undo_begin(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status;

    if (!session->undo.sibling)
        return session->job.entries > 0 && !session->arguments.keep_cow && spoils_undo_store(session)
                   ? set_flags(&session->store, SNAP_IDENTITY_UNDO_LOST, record_of(&session->store)->undo_id, err)
                   : SNAP_OK;
    status = session->undo.new_store ? merge_undo_make(session, err) : merge_undo_make_known(session, err);
    if (status == SNAP_OK && !session->arguments.keep_cow)
        status = set_flags(&session->store, SNAP_IDENTITY_MERGING, session->undo.sibling->store.identity.store_id, err);
    return status;
}

/*
 * A chunk whose new content was the old one is not in the undo store, so it does not come back to the list: there the
 * right origin is as it was before the merge.
 */
static enum snap_status forget_merge(struct snap_store *parent, struct snap_error *err)
{
    struct snap_fingerprint fingerprint = parent->fingerprint;

    if (parent->fingerprint_state != SNAP_FINGERPRINT_OK)
        return SNAP_OK;
    snap_fingerprint_forget_masked(&fingerprint);
    return snap_fingerprint_write(parent, &fingerprint, err);
}

enum snap_status merge_undo_end(struct merge_session *session, struct snap_error *err)
{
    struct merge_sibling *parent = is_undo_store(&session->store) ? find_parent(session) : NULL;
    enum snap_status status = SNAP_OK;

    if (session->result.entries_left > 0 || session->arguments.keep_cow)
        return SNAP_OK;
    if (merge_undo_under_way(session))
        status = set_flags(&session->store, 0, session->store.identity.undo_id, err);
    if (status == SNAP_OK && parent && !parent->invalidate) /* the merge is taken back, so its marks go */
        status = forget_merge(&parent->store, err);
    if (status == SNAP_OK && parent && !parent->invalidate)
        status = set_flags(&parent->store, 0, no_id, err);
    return status;
}

void merge_undo_print(struct merge_session *session)
{
    if (session->undo.new_image_bytes > 0)
        report_field(session->cli, REPORT_DATA, "undo", "%s: a new image of %s would be made", session->arguments.undo,
                     cli_size_text_exact(session->undo.new_image_bytes).text);
    else if (session->undo.new_store)
        report_field(session->cli, REPORT_DATA, "undo", "%s: a store would be made on it",
                     session->undo.sibling->device.path);
}

void merge_undo_show_before(struct merge_session *session, enum report_to to)
{
    const struct merge_sibling *parent = is_undo_store(&session->store) ? find_parent(session) : NULL;

    if (is_undo_store(&session->store))
        report_field(session->cli, to, "takes back", "the merge of %s: %s is an undo store",
                     parent ? parent->device.path : "another store", session->cow.path);
}

void merge_undo_show_taken_back(struct merge_session *session)
{
    const struct merge_sibling *parent = is_undo_store(&session->store) ? find_parent(session) : NULL;
    const char *origin = session->origin.path;

    if (!is_undo_store(&session->store))
        return;
    if (accept_has(session->arguments.accept, ACCEPT_UNDO))
        cli_note(session->cli, "taken back: %s holds what it held before the merge, as far as this undo store had it",
                 origin);
    else
        cli_note(session->cli, "taken back: %s holds what it held before the merge", origin);
    if (parent && !parent->invalidate)
        cli_note(session->cli, "%s has its entries again", parent->device.path);
    else if (session->arguments.preserve.count == 0 || parent)
        cli_note(session->cli, "what the snapshot that was merged showed is lost");
}

bool merge_undo_kept_whole(const struct merge_session *session)
{
    const struct merge_sibling *sibling = session->undo.sibling;

    return session->arguments.keep_cow && sibling && sibling->handle &&
           snap_sibling_counts(sibling->handle)->copied_chunks >= sibling->need.needed_chunks;
}

bool merge_undo_lost_parent(const struct merge_session *session)
{
    bool invalidated = false;

    for (unsigned i = 0; i < session->preserve.count; i++)
        invalidated |= session->preserve.siblings[i].invalidate;
    return invalidated && is_undo_store(&session->store);
}

