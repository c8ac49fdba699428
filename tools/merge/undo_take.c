/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes up what is there already: an undo store of ours, which is made known to the COW, or a blank device. */
#include "tools/merge/undo.h"

#include "lib/base/bytes.h"
#include "lib/store/record.h"
#include "tools/cli/quote.h"
#include "tools/merge/checks.h"
#include "tools/merge/hold.h"
#include "tools/merge/preserve.h"
#include "tools/shared/holds.h"
#include "tools/shared/volumes.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define OTHERS_MAY_DO_ANYTHING 077u
#define OTHERS_MAY_WRITE 022u
#define NTFS3_MAGIC 0x7366746e /* not in linux/magic.h */

/* On these, each file has the mode that the mount gives to all, and chmod changes nothing. */
static bool keeps_modes(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) != 0 || (fs.f_type != MSDOS_SUPER_MAGIC && fs.f_type != EXFAT_SUPER_MAGIC &&
                                     fs.f_type != NTFS3_MAGIC);
}

enum snap_status merge_undo_check_owner(const struct device *undo, struct snap_error *err)
{
    const char *path = undo->io->name;
    struct snap_file_info info;
    struct stat seen;
    int fd;

    devices_info(undo, &info);
    if (info.block_device || undo->part_count > 0)
        return SNAP_OK;
    fd = snap_file_fd(undo->io);
    if (fstat(fd, &seen) != 0)
        return snap_fail_errno(err, errno, "%s: cannot tell whose it is", path);
    if (seen.st_uid != geteuid())
        return snap_fail(err, SNAP_E_REFUSED, "%s: it belongs to another user (%u), who can read what would be copied "
                         "to it, and may have written what is in it; name a new file", path, seen.st_uid);
    if (keeps_modes(fd) && (seen.st_mode & OTHERS_MAY_DO_ANYTHING) != 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: other users have rights to it (mode %04o), and what is copied to "
                         "it is content of the origin: chmod 600 %s, then repeat this command", path,
                         seen.st_mode & 07777,
                         cli_quote(path).text);
    if ((seen.st_mode & OTHERS_MAY_WRITE) != 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: other users may write to it, for its file system keeps no rights "
                         "of files: mount that with umask=077, then repeat this command", path);
    return SNAP_OK;
}

/* An LVM volume is one, also where its physical volumes are images. */
static bool is_device(const struct device *device)
{
    return device->facts.block_device || device->part_count > 0;
}

/*
 * Of an undo store whose list is read: refused where it has entries though the COW, which could tell, does not know it;
 * of a device also where the COW cannot tell.
 */
static enum snap_status check_known(const struct merge_session *session, struct snap_error *err)
{
    const struct merge_sibling *undo = session->undo.sibling;
    const bool could_know = !session->arguments.keep_cow && snap_record_possible(&session->store);

    /* What this merge has put into it before would be noted in the COW, if the COW can take a note. */
    if (session->store.identity_state == SNAP_IDENTITY_OK || undo->check.entries == 0 ||
        (!could_know && !is_device(&undo->device)))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_REFUSED, "%s: it holds entries, and nothing in %s says that they are of this merge. "
                     "Name a new file; or, if they are of an earlier run, take that back and repeat this command: "
                     "snapmerge%s --origin %s --cow %s", undo->device.path, session->cow.path,
                     volumes_option(&session->arguments.devices).text,
                     cli_quote(session->origin.path).text,
                     cli_quote(undo->device.path).text);
}

/* A store is to be made on a device that has nothing on it. */
static enum snap_status plan_device(struct merge_session *session, struct merge_sibling *sibling,
                                    struct snap_error *err)
{
    struct snap_layout *layout = &sibling->store.layout;
    enum snap_status status = snap_layout_init(layout, session->store.layout.chunk_sectors,
                                               sibling->device.io->size_bytes / SNAP_SECTOR_BYTES, err);

    if (status == SNAP_OK)
        status = merge_check_blocks(&sibling->device, &sibling->store, err);
    if (status != SNAP_OK)
        return status;
    session->undo.new_store = true;
    sibling->need = (struct snap_sibling_need){session->job.entries, snap_layout_capacity_entries(layout)};
    if (sibling->need.free_chunks < sibling->need.needed_chunks)
        return snap_fail(err, SNAP_E_NOSPC, "%s: it has room for %s, but this merge may replace %" PRIu64
                         "; name a larger device or a new file",
                         sibling->device.path, cli_count_text(sibling->need.free_chunks, "chunk", "chunks").text,
                         sibling->need.needed_chunks);
    return SNAP_OK;
}

/* What other snapshots of LVM show is not touched. */
static enum snap_status open_volume(struct merge_session *session, struct merge_sibling *sibling, const char *name,
                                    struct snap_error *err)
{
    const struct snap_file_options options = merge_preserve_io(session);
    enum snap_status status = volumes_refuse_snapshots(&session->held.volumes, name, err);

    if (status == SNAP_OK)
        status = merge_hold_find(session, &sibling->device, name, &options, err);
    return status == SNAP_OK ? merge_check_distinct(session, &sibling->device, err) : status;
}

static enum snap_status open_device(struct merge_session *session, struct merge_sibling *sibling, const char *argument,
                                    struct snap_error *err)
{
    const struct snap_file_options options = merge_preserve_io(session);
    enum snap_status status = devices_find(&sibling->device, argument, err);

    if (status == SNAP_OK)
        status = merge_check_distinct(session, &sibling->device, err);
    if (status == SNAP_OK)
        status = merge_check_apart(session, sibling->device.path, sibling->device.found->fd, &sibling->device, err);
    return status == SNAP_OK ? devices_open(&sibling->device, &options, err) : status;
}

/* An undo store that is there is one more store whose view is kept. */
static enum snap_status take_store(struct merge_session *session, struct merge_sibling *sibling,
                                   struct snap_error *err)
{
    enum snap_status status;

    /* A merge that was begun with it has said so in the COW, before the first entry. */
    sibling->must_be_empty = session->store.identity_state == SNAP_IDENTITY_OK && !merge_undo_under_way(session) &&
                             !session->arguments.keep_cow;
    status = merge_preserve_add(session, sibling, err);
    if (status == SNAP_OK)
        status = check_known(session, err);
    /* A kept COW has no mark of the merge. */
    if (status == SNAP_OK && session->arguments.keep_cow && sibling->check.entries > 0 &&
        sibling->need.needed_chunks == 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it holds all that this merge replaces, from an earlier run, and "
                         "would not get what was written to %s since then; to be able to take this merge back, name a "
                         "new file; to repeat the earlier merge, leave --undo out", sibling->device.path,
                         session->origin.path);
    return status;
}

enum snap_status merge_undo_take(struct merge_session *session, struct merge_sibling *sibling, struct snap_error *err)
{
    const char *argument = session->arguments.undo;
    struct report_text what;
    enum snap_status status = devices_is_lvm(argument) ? open_volume(session, sibling, argument, err)
                                                       : open_device(session, sibling, argument, err);

    if (status == SNAP_OK)
        status = snap_header_read(&sibling->store, sibling->device.io, err);
    if (status == SNAP_OK)
        status = holds_find(&sibling->device, &what, err);
    if (status != SNAP_OK)
        return status;
    if (is_device(&sibling->device) && what.text[0] == '\0')
        return plan_device(session, sibling, err);
    if (is_device(&sibling->device) && !snap_header_is_store(&sibling->store))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it holds %s; an undo store is only made on a blank device, or in a "
                         "new file", sibling->device.path, what.text);
    status = merge_undo_check_ours(session, sibling, err);
    return status == SNAP_OK ? take_store(session, sibling, err) : status;
}

enum snap_status merge_undo_make_known(struct merge_session *session, struct snap_error *err)
{
    struct snap_store *undo = &session->undo.sibling->store;
    struct snap_identity record = undo->identity;
    enum snap_status status = merge_undo_give_record(session, err);

    /* In this order: until the COW names it, another undo store can be taken. */
    if (status != SNAP_OK || session->store.identity_state != SNAP_IDENTITY_OK)
        return status;
    memcpy(record.parent_id, session->store.identity.store_id, sizeof record.parent_id);
    return memcmp(&record, &undo->identity, sizeof record) == 0 ? SNAP_OK : snap_record_write(undo, &record, err);
}
