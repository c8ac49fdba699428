/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills in findings and counts them. */
#include "lib/check/findings.h"

#include "lib/store/list_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void snap_findings_init(struct snap_finding *finding, enum snap_rule rule, const char *format, ...)
{
    va_list args;

    *finding = (struct snap_finding){.rule = rule, .severity = snap_rules_info(rule)->severity};
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
}

void snap_findings_init_failure(struct snap_finding *finding, enum snap_rule rule, const struct snap_store *store,
                                const struct snap_error *failure)
{
    const size_t name_length = strlen(store->io->name);
    const char *text = failure->text;

    if (strncmp(text, store->io->name, name_length) == 0 && strncmp(text + name_length, ": ", 2) == 0)
        text += name_length + 2;
    snap_findings_init(finding, rule, "%s", text);
}

void snap_findings_place_area(struct snap_finding *finding, const struct snap_store *store, uint64_t area)
{
    finding->has_area = finding->has_offset = true;
    finding->area = area;
    finding->offset_bytes = snap_layout_area_chunk(&store->layout, area) * store->layout.chunk_bytes;
}

void snap_findings_place_entry(struct snap_finding *finding, const struct snap_store *store, uint64_t index,
                               const struct snap_entry *entry)
{
    finding->has_area = finding->has_entry = finding->has_offset = true;
    finding->index = index;
    finding->area = index / store->layout.entries_per_area;
    finding->slot = index % store->layout.entries_per_area;
    finding->offset_bytes = snap_list_read_offset_bytes(store, index);
    finding->old_chunk = entry->old_chunk;
    finding->new_chunk = entry->new_chunk;
}

bool snap_findings_tells(const struct snap_findings *findings, enum snap_rule rule)
{
    return findings->fn && (findings->per_rule_max == 0 || findings->rule_counts[rule] < findings->per_rule_max);
}

enum snap_status snap_findings_add(struct snap_findings *findings, const struct snap_finding *finding,
                                   struct snap_error *err)
{
    const bool told = snap_findings_tells(findings, finding->rule);

    findings->rule_counts[finding->rule]++;
    findings->severity_counts[finding->severity]++;
    findings->fatal_counts[finding->rule] += finding->severity == SNAP_FATAL;
    findings->own_counts[finding->rule] += finding->own_chunk != 0 && finding->neighbours_agree;
    return told ? findings->fn(findings->context, finding, err) : SNAP_OK;
}
