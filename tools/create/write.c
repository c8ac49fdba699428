/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcreate writes: the image, the store, and what is said where that fails half-way. */
#include "tools/create/write.h"

#include "lib/device/probe.h"
#include "lib/store/create.h"
#include "lib/view/diff.h"
#include "tools/cli/progress.h"
#include "tools/cli/size.h"
#include "tools/shared/report.h"

#include <inttypes.h>

#define SIGNATURES_MAX 32 /* on one device; a backup that stays after so many is worth no loop */

/* After a failure there is no file, or it is said that there is one. */
static enum snap_status make_image(struct create_session *session, struct snap_error *err)
{
    const struct snap_file_options io_options = {.write = true};
    struct snap_error left;
    enum snap_status status = snap_new_file_make(&session->image, session->folder, "", err);

    if (status != SNAP_OK)
        return status;
    status = snap_file_open_new(&session->cow.io, session->image, session->new_image_bytes, &io_options, err);
    session->cow.folder = session->folder;
    if (status != SNAP_OK && snap_new_file_remove(session->image, &left) != SNAP_OK)
        cli_warn(session->cli, "%s", left.text);
    return status;
}

static void show_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    cli_progress_update(context, "compare", done_bytes, total_bytes);
}

/* --from-diff: what differs between the origin and the newer content goes into the store. */
static enum snap_status add_difference(struct create_session *session, struct snap_create *create,
                                       struct snap_error *err)
{
    struct cli_progress progress;
    const struct snap_diff_control control = {.next_data = snap_io_next_data,
                                              .stop = cli_stop_asked,
                                              .progress = show_progress,
                                              .progress_context = &progress};
    enum snap_status status;

    cli_progress_begin(&progress, session->cli, session->newer.path, false, 0);
    status = snap_diff(create, &session->layout, session->origin.io, session->newer.io, &control, err);
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    return status;
}

/* What was on the COW must not be taken for its content any more: one signature after the other, as they are found. */
static enum snap_status wipe_signatures(struct create_session *session, struct snap_create *create,
                                        struct snap_error *err)
{
    struct snap_probe probe;
    enum snap_status status = SNAP_OK;

    for (int i = 0; i < SIGNATURES_MAX && status == SNAP_OK; i++) {
        status = snap_probe_io(session->cow.io, &probe, err);
        if (status != SNAP_OK || (probe.type[0] == '\0' && probe.pttype[0] == '\0'))
            return status;
        status = snap_create_wipe(create, probe.signature_offset_bytes, err);
    }
    return status;
}

enum snap_status create_write(struct create_session *session, struct snap_error *err)
{
    struct snap_create *create;
    enum snap_status status = SNAP_OK;

    if (session->new_image_bytes > 0)
        status = make_image(session, err);
    if (status != SNAP_OK)
        return status;
    status = snap_create_begin(&create, session->cow.io, &session->layout, err);
    /* It refuses before its first write; a new image is there in any case. */
    session->touched = session->new_image_bytes > 0 || (status != SNAP_E_REFUSED && status != SNAP_E_NOMEM);
    if (status != SNAP_OK)
        return status;
    session->begun = true;
    status = wipe_signatures(session, create, err);
    if (status == SNAP_OK && session->arguments.from_diff)
        status = add_difference(session, create, err);
    if (status == SNAP_OK)
        status = snap_create_finish(create, session->arguments.no_identity ? NULL : &session->identity,
                                    session->fingerprint.samples > 0 ? &session->fingerprint : NULL, err);
    session->entries = snap_create_entries(create);
    snap_create_close(create);
    if (status == SNAP_OK && session->image)
        status = snap_new_file_place(session->image, NULL, err);
    if (status == SNAP_OK)
        cli_note(session->cli, "%s: made a store with chunks of %s and %s", session->cow.path,
                 cli_size_text(session->layout.chunk_bytes).text,
                 cli_count_text(session->entries, "entry", "entries").text);
    if (status == SNAP_OK)
        report_note_cached(session->cli, &session->cow);
    return status;
}

int create_write_failed(struct create_session *session, const struct snap_error *err)
{
    int exit_status = cli_fail(session->cli, err);
    struct snap_error left;

    if (session->image && session->image->placed)
        return exit_status; /* the file is whole; the failure has said so */
    if (session->image && snap_new_file_remove(session->image, &left) == SNAP_OK)
        cli_line(session->cli, "%s was removed again.", session->cow.path);
    else if (session->image)
        cli_line(session->cli, "%s", left.text);
    else if (!session->begun)
        cli_line(session->cli, "%s: its first block could not be cleared durably, so it is not certain that it still "
                 "holds what it held before; repeat the command to make a store.", session->cow.path);
    else
        cli_line(session->cli, "%s holds no store now; %srepeat the command%s to make one.", session->cow.path,
                 err->status == SNAP_E_NOSPC ? "make room (--size max: an image that can never overflow), then " : "",
                 session->arguments.from_diff && !session->arguments.force ? " with -f" : "");
    return exit_status;
}

enum snap_status create_write_close(struct create_session *session, struct snap_error *err)
{
    const enum snap_status status = snap_new_file_close(session->image, err);

    session->image = NULL;
    snap_folder_close(session->folder);
    session->folder = NULL;
    return status;
}
