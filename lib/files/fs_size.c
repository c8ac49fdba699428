/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads one superblock, and has it looked at in a process without rights. */
#include "lib/files/fs_size.h"

#include "lib/base/child.h"
#include "lib/files/ext2_private.h"

#include <string.h>

/* A file system that could lie on a device begins with so many bytes, and its superblock is in them. */
#define HEAD_BYTES 2048u

/*
 * ---- in the other process --------------------------------------------------------------------------------------
 */

/* The only question there is. */
static enum snap_status read_head(void *context, uint64_t offset_bytes, uint64_t length_bytes, bool needed,
                                  void *buffer, struct snap_error *err)
{
    uint8_t head[HEAD_BYTES];
    const int *fd = context;
    enum snap_status status = snap_child_ask(*fd, "?", 1, head, sizeof head, err);

    (void)needed;
    if (status == SNAP_OK)
        memcpy(buffer, head + offset_bytes, (size_t)length_bytes); /* the channel asks for nothing behind the end */
    return status;
}

static enum snap_status look(int fd, void *answer, struct snap_error *err)
{
    const struct snap_ext2_source source = {.read = read_head, .context = &fd, .size_bytes = HEAD_BYTES};

    return snap_ext2_size(&source, answer, err);
}

/*
 * ---- in this one -----------------------------------------------------------------------------------------------
 */

static enum snap_status serve(void *context, const void *question, size_t question_bytes, void *reply,
                              size_t reply_bytes, struct snap_error *err)
{
    (void)question;
    if (question_bytes != 1 || reply_bytes != HEAD_BYTES)
        return snap_fail(err, SNAP_E_UNSUPPORTED, "the process that looks at the file system makes no sense");
    memcpy(reply, context, HEAD_BYTES);
    return SNAP_OK;
}

static bool is_for_the_caller(enum snap_status status)
{
    return status == SNAP_E_STOPPED || status == SNAP_E_NOMEM;
}

enum snap_status snap_fs_size_find(snap_fs_size_read_fn read_fn, void *context, uint64_t size_bytes, uint64_t *bytes,
                                   struct snap_error *err)
{
    uint8_t head[HEAD_BYTES];
    const struct snap_child_work work = {
        .work = look, .answer = bytes, .answer_bytes = sizeof *bytes, .serve = serve, .context = head};
    struct snap_error reason;
    enum snap_status status;

    *bytes = 0;
    if (!snap_owners_available() || size_bytes < HEAD_BYTES)
        return SNAP_OK;
    status = read_fn(context, 0, HEAD_BYTES, head, &reason);
    if (status == SNAP_OK)
        status = snap_child_run(&work, &reason);
    if (status != SNAP_OK)
        *bytes = 0;
    if (is_for_the_caller(status) && err)
        *err = reason;
    return is_for_the_caller(status) ? status : SNAP_OK;
}
