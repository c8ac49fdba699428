/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares what the names are, not what they say. */
#include "tools/merge/side_files.h"

#include "tools/merge/checks.h"

#define REPLACED 2 /* checkpoint file and bad list */

/* A file that is there may be one of the devices, or the file under a loop device. */
static enum snap_status distinct_from_devices(const struct merge_session *session, const struct snap_replace *file,
                                              struct snap_error *err)
{
    struct device side = {.path = file->folder->path,
                          .facts = {.file_device = file->old.device, .file_inode = file->old.inode}};
    enum snap_status status;

    /* The old file is replaced by a new one in the same folder. */
    status = merge_check_apart(session, side.path, file->folder->fd, NULL, err);
    if (status != SNAP_OK || !file->old.exists)
        return status;
    status = devices_distinct(&session->origin, &side, err);
    if (status == SNAP_OK)
        status = devices_distinct(&session->cow, &side, err);
    for (unsigned i = 0; i < session->preserve.count && status == SNAP_OK; i++)
        if (session->preserve.siblings[i].device.path)
            status = devices_distinct(&session->preserve.siblings[i].device, &side, err);
    return status;
}

enum snap_status merge_side_files_distinct(const struct merge_session *session, struct snap_error *err)
{
    const struct snap_replace *files[REPLACED] = {session->keep_cow.file, session->bad.file};
    const struct snap_folder *folders[REPLACED + 1] = {files[0] ? files[0]->folder : NULL,
                                                       files[1] ? files[1]->folder : NULL, session->undo.folder};
    enum snap_status status = SNAP_OK;

    for (int i = 0; i < REPLACED + 1; i++)
        for (int j = 0; j < i; j++)
            if (folders[i] && folders[j] && snap_folder_same(folders[i], folders[j]))
                return snap_fail(err, SNAP_E_REFUSED, "%s and %s are the same file; --undo, --bad-list and "
                                 "--checkpoint need a file each", folders[j]->path, folders[i]->path);
    for (int i = 0; i < REPLACED && status == SNAP_OK; i++)
        if (files[i])
            status = distinct_from_devices(session, files[i], err);
    return status;
}

bool merge_side_files_written(const struct merge_session *session)
{
    return (session->keep_cow.file && session->keep_cow.file->written) ||
           (session->bad.file && session->bad.file->written);
}

void merge_side_files_show(struct merge_session *session)
{
    const struct snap_replace *files[REPLACED] = {session->keep_cow.file, session->bad.file};

    for (int i = 0; i < REPLACED; i++)
        if (files[i] && files[i]->written)
            cli_line(session->cli, "%s was written.", files[i]->folder->path);
}
