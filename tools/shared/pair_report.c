/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the two devices, what is on them, and how many entries there are. */
#include "tools/shared/pair_report.h"

#include "tools/cli/size.h"
#include "tools/shared/report.h"
#include "tools/shared/verdict.h"

#include <inttypes.h>

void pair_report_talk(const struct pair *pair, const struct snap_check_result *check,
                      const struct snap_evidence *evidence)
{
    const struct snap_store *store = pair->store;
    const char *label = store->identity_state == SNAP_IDENTITY_OK ? store->identity.label : "";

    cli_line(pair->cli, "origin  %s", report_device_text(pair->origin, &evidence->origin).text);
    cli_line(pair->cli, "COW     %s: %s%s, chunks of %s, %s%s", pair->cow->path,
             cli_size_text(pair->cow->io->size_bytes).text, report_quoted(", ", pair->cow->facts.model).text,
             cli_size_text(store->layout.chunk_bytes).text,
             cli_count_text(check->entries, "entry", "entries").text, report_quoted(", label ", label).text);
    cli_line(pair->cli, "        the snapshot shows %s", report_probe_text(&evidence->view).text);
    cli_line(pair->cli, "pair    %s", verdict_text(&evidence->pair).text);
}

void pair_report_print(const struct pair *pair, const struct snap_check_result *check,
                       const struct snap_evidence *evidence, FILE *out)
{
    report_print(out, "origin: %s", report_device_text(pair->origin, &evidence->origin).text);
    report_print(out, "COW: %s: %s", pair->cow->path, cli_size_text(pair->cow->io->size_bytes).text);
    report_print(out, "view: %s", report_probe_text(&evidence->view).text);
    report_print(out, "pair: %s", verdict_text(&evidence->pair).text);
    report_print(out, "entries: %" PRIu64 " in chunks of %s, %s", check->entries,
                 cli_size_text(pair->store->layout.chunk_bytes).text, cli_count_text(check->runs, "run", "runs").text);
}
