/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the two devices, what is on them, how many entries there are, and whether the two belong together. */
#include "tools/shared/pair_report.h"

#include "tools/cli/size.h"
#include "tools/shared/verdict.h"

#include <inttypes.h>

static struct cli_text size_text(const struct pair_report *report, uint64_t bytes)
{
    return report->bytes ? cli_count_text(bytes, "byte", "bytes") : cli_size_text(bytes);
}

void pair_report_origin(const struct pair_report *report)
{
    report_field(report->cli, report->to, "origin", "%s: %s%s, %s", report->origin->path,
                 size_text(report, report->origin->io->size_bytes).text,
                 report_quoted(", ", report->origin->facts.model).text,
                 report_probe_text(&report->evidence->origin).text);
}

void pair_report_cow(const struct pair_report *report)
{
    const struct snap_store *store = report->store;
    const char *label = store->identity_state == SNAP_IDENTITY_OK ? store->identity.label : "";

    report_field(report->cli, report->to, "COW", "%s: %s%s, chunks of %s%s", report->cow->path,
                 size_text(report, report->cow->io->size_bytes).text,
                 report_quoted(", ", report->cow->facts.model).text,
                 size_text(report, store->layout.chunk_bytes).text, report_quoted(", label ", label).text);
}

void pair_report_entries(const struct pair_report *report)
{
    const struct snap_check_result *check = report->check;

    report_field(report->cli, report->to, "entries", "%" PRIu64 " in %s, %s%s", check->entries,
                 cli_count_text(check->runs, "run", "runs").text,
                 size_text(report, check->entries * report->store->layout.chunk_bytes).text,
                 check->canonical ? "" : ", not in canonical order");
}

void pair_report_judgement(const struct pair_report *report)
{
    report_field(report->cli, report->to, "view", "%s", report_probe_text(&report->evidence->view).text);
    report_field(report->cli, report->to, "pair", "%s", verdict_text(&report->evidence->pair).text);
}

void pair_report_all(const struct pair *pair, const struct snap_check_result *check,
                     const struct snap_evidence *evidence, enum report_to to)
{
    const struct pair_report report = {
        .cli = pair->cli,
        .to = to,
        .origin = pair->origin,
        .cow = pair->cow,
        .store = pair->store,
        .check = check,
        .evidence = evidence,
    };

    pair_report_origin(&report);
    pair_report_cow(&report);
    pair_report_entries(&report);
    pair_report_judgement(&report);
}
