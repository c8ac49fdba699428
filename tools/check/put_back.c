/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcheck --put-back: writes the old bytes that a repair has saved. */
#include "tools/check/repair.h"

#include "lib/base/lookup.h"
#include "lib/repair/saved.h"
#include "tools/cli/size.h"
#include "tools/shared/report.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* Regular files only: nothing else is ever written by a repair, and reading it may never end. */
static enum snap_status read_saved(struct check_session *session, struct snap_saved *saved, struct snap_error *err)
{
    const char *name = session->arguments.put_back;
    struct snap_lookup *found = NULL;
    enum snap_status status = snap_lookup_new(&found, name, err);
    int fd = -1;

    if (status == SNAP_OK && !S_ISREG(found->mode))
        status = snap_fail(err, SNAP_E_REFUSED, "%s: it is no file of old bytes", name);
    if (status == SNAP_OK) {
        fd = snap_lookup_reopen(found, O_RDONLY);
        if (fd < 0)
            status = snap_fail_errno(err, -fd, "%s: cannot open", name);
    }
    if (status == SNAP_OK)
        status = snap_saved_read(saved, fd, name, session->cow.io, err);
    if (fd >= 0)
        (void)close(fd); /* it was only read */
    snap_lookup_free(found);
    return status;
}

enum snap_status check_put_back(struct check_session *session, struct snap_error *err)
{
    const char *name = session->arguments.put_back;
    struct snap_saved saved = {.cow_bytes = 0};
    uint64_t units = 0;
    enum snap_status status = read_saved(session, &saved, err);

    saved.stop = cli_stop_asked;
    if (status == SNAP_OK)
        status = snap_edits_check_blocks(&saved.edits, err);
    if (status == SNAP_OK)
        status = snap_saved_count(&saved, name, &units, err);
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    if (status == SNAP_OK && session->held.used)
        status = held_read_again(&session->held, err);
    if (status == SNAP_OK && units > 0 && !session->arguments.dry_run) {
        session->touched = true;
        status = snap_saved_put_back(&saved, err);
    }
    if (status == SNAP_OK && units == 0)
        cli_note(session->cli, "%s: it holds the old bytes already", session->cow.path);
    else if (status == SNAP_OK)
        cli_note(session->cli, "%s: %" PRIu64 " bytes of it %s what they were before the repair", session->cow.path,
                 units * saved.edits.unit_bytes, session->arguments.dry_run ? "would be" : "are again");
    if (status == SNAP_OK && session->touched)
        report_note_cached(session->cli, &session->cow);
    session->put_back_bytes = units * saved.edits.unit_bytes;
    snap_saved_free(&saved);
    return status;
}
