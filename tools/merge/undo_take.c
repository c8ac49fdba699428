/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an undo store that is there already is ours, and what makes it known to a COW that does not know it yet. */
#include "tools/merge/undo.h"

#include "lib/store/record.h"
#include "tools/cli/quote.h"
#include "tools/shared/volumes.h"

#include <errno.h>
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
    const int fd = snap_file_fd(undo->io);
    struct snap_file_info info;
    struct stat seen;

    snap_file_get_info(undo->io, &info);
    if (info.block_device)
        return SNAP_OK;
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

enum snap_status merge_undo_check_known(const struct merge_session *session, struct snap_error *err)
{
    const struct merge_sibling *undo = session->undo.sibling;
    const bool could_know = !session->arguments.keep_cow && snap_record_possible(&session->store);

    /* What this merge has put into it before would be noted in the COW, if the COW can take a note. */
    if (session->store.identity_state == SNAP_IDENTITY_OK || undo->check.entries == 0 ||
        (!could_know && !undo->device.facts.block_device))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_REFUSED, "%s: it holds entries, and nothing in %s says that they are of this merge. "
                     "Name a new file; or, if they are of an earlier run, take that back and repeat this command: "
                     "snapmerge%s --origin %s --cow %s", undo->device.path, session->cow.path,
                     volumes_option(&session->arguments.devices).text,
                     cli_quote(session->origin.path).text,
                     cli_quote(undo->device.path).text);
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
