/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The making of a new undo store, and of the COW's record that tells which one belongs to it. */
#include "lib/base/bytes.h"
#include "tools/merge/undo.h"

#include "lib/check/fingerprinting.h"
#include "lib/check/identity.h"
#include "lib/store/create.h"
#include "lib/store/record.h"
#include "tools/cli/size.h"
#include "tools/merge/preserve.h"

#include <string.h>
#include <time.h>

static enum snap_status new_record(struct merge_session *session, struct snap_identity *record, struct snap_error *err)
{
    const struct snap_origin_facts facts = {session->origin.io->size_bytes / SNAP_SECTOR_BYTES, &session->origin.facts,
                                            &session->evidence.origin};
    const time_t now = time(NULL);

    return snap_identity_fill(record, &facts, session->store.layout.chunk_sectors, NULL, now > 0 ? (uint64_t)now : 0,
                              err);
}

/* The image gets its name only when the store on it is whole, so a run that is killed leaves no file. */
static enum snap_status make_image(struct merge_session *session, struct snap_new_file **image, struct snap_error *err)
{
    const struct snap_file_options options = merge_preserve_io(session);
    struct device *device = &session->undo.sibling->device;
    enum snap_status status = snap_new_file_make_nameless(image, session->undo.folder, err);

    if (status == SNAP_OK)
        status = snap_file_open_new(&device->io, *image, session->undo.new_image_bytes, &options, err);
    return status == SNAP_OK ? snap_file_reserve(device->io, err) : status;
}

/*
 * What the origin holds before the merge. It stays true: before a chunk of the origin changes, the undo store lists it.
 * What this merge may change says nothing from the start: an earlier run, of which a power failure may take a write
 * back, could have changed it already.
 */
static enum snap_status take_fingerprint(struct merge_session *session, const struct snap_identity *record,
                                         struct snap_fingerprint *fingerprint, struct snap_error *err)
{
    uint32_t unreadable; /* left out */
    enum snap_status status = snap_fingerprinting_take(fingerprint, record->store_id, session->origin.io,
                                                       &session->store, &unreadable, err);

    snap_fingerprint_forget_masked(fingerprint); /* as long as it does not list such a place, that is as it was */
    return status;
}

static enum snap_status make_store(struct merge_session *session, struct snap_error *err)
{
    struct snap_io *io = session->undo.sibling->device.io;
    struct snap_identity record = {0};
    struct snap_fingerprint fingerprint = {0};
    struct snap_layout layout;
    struct snap_create *create = NULL;
    enum snap_status status = snap_layout_init(&layout, session->store.layout.chunk_sectors,
                                               io->size_bytes / SNAP_SECTOR_BYTES, err);

    if (status == SNAP_OK)
        status = new_record(session, &record, err);
    if (status == SNAP_OK && layout.chunk_bytes >= SNAP_FINGERPRINT_OFFSET_BYTES + SNAP_FINGERPRINT_BYTES)
        status = take_fingerprint(session, &record, &fingerprint, err);
    if (status == SNAP_OK)
        status = snap_create_begin(&create, io, &layout, err);
    if (status != SNAP_OK)
        return status;
    record.flags = SNAP_IDENTITY_UNDO;
    if (session->store.identity_state == SNAP_IDENTITY_OK)
        memcpy(record.parent_id, session->store.identity.store_id, sizeof record.parent_id);
    status = snap_create_finish(create, &record, fingerprint.samples > 0 ? &fingerprint : NULL, err);
    snap_create_close(create);
    return status;
}

/* A file that was made without a name has a strange one for /proc for ever; one that is looked up now is followed. */
static void look_up(struct device *device, const struct snap_new_file *image)
{
    struct snap_lookup *found;

    if (snap_lookup_new(&found, device->path, NULL) != SNAP_OK)
        return; /* then only its folder is asked where it is */
    if (found->device == image->device && found->inode == image->inode)
        device->found = found;
    else
        snap_lookup_free(found);
}

/* The store is whole: it gets its name. What is written to it goes on through the descriptor that made it. */
static enum snap_status name_image(struct merge_session *session, struct snap_new_file *image, struct snap_error *err)
{
    const struct snap_lookup made = snap_new_file_lookup(image);
    struct device *device = &session->undo.sibling->device;

    device->path = strdup(session->arguments.undo);
    if (!device->path)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    if (snap_device_describe_found(&made, &device->facts, err) != SNAP_OK)
        return err->status;
    if (snap_new_file_place(image, NULL, err) != SNAP_OK)
        return err->status;
    device->folder = session->undo.folder;
    look_up(device, image);
    return SNAP_OK;
}

/*
 * With a record in both, COW and undo store can be matched in a later run. Without one the undo store works all the
 * same, but a later run does not notice that it is missing.
 */
enum snap_status merge_undo_give_record(struct merge_session *session, struct snap_error *err)
{
    struct snap_identity record;
    enum snap_status status;

    if (session->store.identity_state == SNAP_IDENTITY_OK || session->arguments.keep_cow)
        return SNAP_OK;
    if (!snap_record_possible(&session->store)) {
        cli_warn(session->cli, "%s: its header has no room for a mark; if this merge is resumed without --undo, "
                 "nothing will warn of it", session->cow.path);
        return SNAP_OK;
    }
    status = new_record(session, &record, err);
    return status == SNAP_OK ? snap_record_write(&session->store, &record, err) : status;
}

enum snap_status merge_undo_make(struct merge_session *session, struct snap_error *err)
{
    struct snap_new_file *image = NULL;
    enum snap_status status = SNAP_OK, closed;

    if (session->undo.new_image_bytes > 0)
        status = make_image(session, &image, err);
    if (status == SNAP_OK && image)
        status = merge_undo_check_owner(&session->undo.sibling->device, err);
    if (status == SNAP_OK)
        status = merge_undo_give_record(session, err);
    if (status == SNAP_OK)
        status = make_store(session, err);
    if (status == SNAP_OK && image)
        status = name_image(session, image, err);
    closed = snap_new_file_close(image, status == SNAP_OK ? err : NULL);
    if (status == SNAP_OK)
        status = closed;
    if (status == SNAP_OK)
        status = merge_preserve_add(session, session->undo.sibling, err);
    if (status == SNAP_OK)
        cli_note(session->cli, "%s: made an undo store of %s for what is replaced", session->undo.sibling->device.path,
                 cli_size_text(session->undo.sibling->device.io->size_bytes).text);
    return status;
}
