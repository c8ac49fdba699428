/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says what may be damage or not where nothing in the store tells which. */
#include "tools/check/doubts.h"

#include "tools/cli/quote.h"
#include "tools/cli/size.h"
#include "tools/shared/verdict.h"
#include "tools/shared/volumes.h"

#include <inttypes.h>

/* Nothing in the store tells whether it is damaged. */
static void say_outlier(const struct check_session *session)
{
    if (verdict_has_outlier(&session->store, &session->findings, &session->result))
        cli_note(session->cli, "%s: one entry alone is out of its place. Moved entries and kernels before 3.13 leave "
                 "that, but its number may also be damaged, and nothing in the store tells: compare its data chunk "
                 "with the canonical one before you merge", session->cow.path);
}

/*
 * Zeros between the list and an area that continues it. A zeroed area looks like that, and so does one that the kernel
 * cleared in a store that was made over an older one; the olds of the two may differ in all entries, and be the same.
 */
static void say_gap(const struct check_session *session)
{
    const struct snap_check_result *result = &session->result;
    const struct snap_layout *layout = &session->store.layout;
    const char *origin = session->origin.path;
    uint64_t lost;

    if (result->continuation_entries == 0 || session->findings.rule_counts[SNAP_RULE_GARBAGE_BEHIND_END] > 0)
        return;
    lost = result->continuation_area * layout->entries_per_area - result->entries;
    cli_note(session->cli, "%s: between the end of the list and area %" PRIu64 ", %s all zeros, and nothing in the "
             "store tells why. If a fault zeroed them, %s, and what stands behind them is missing in the snapshot. If "
             "the store was made anew over an older one, or a merge was cut short, area %" PRIu64 " is left of that, "
             "and nothing is missing", session->cow.path, result->continuation_area,
             cli_count_text(lost, "slot is", "slots are").text,
             cli_count_text(lost, "entry is lost", "entries are lost").text, result->continuation_area);
    cli_line(session->cli, "If this device held no older store, and no merge was begun, it was a fault: keep a copy, "
             "and let nothing write to it. If nothing is missing, the store can be used as it is; to merge what its "
             "list names: snapmerge --accept=cut%s --origin %s --cow %s",
             volumes_option(&session->arguments.devices).text, origin ? cli_quote(origin).text : "ORIGIN",
             cli_quote(session->cow.path).text);
}

void check_doubts_say(const struct check_session *session)
{
    say_outlier(session);
    if (!session->cli->quiet && !session->mended && !session->arguments.repair_to &&
        !check_options_mend(&session->arguments))
        say_gap(session);
}
