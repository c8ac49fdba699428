/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings of one rule in neighbouring slots or areas, summed up. */
#ifndef DMSNAP_TOOLS_CHECK_RANGES
#define DMSNAP_TOOLS_CHECK_RANGES

#include "lib/store/layout.h"
#include "tools/shared/report.h"

/* So few neighbours are shown one by one. */
#define CHECK_RANGES_LEAST 3u

/* Findings beyond this number of a rule are only counted, and are in no range: their texts would take long to make. */
#define CHECK_RANGES_FINDINGS_MAX (1u << 20)

/* Neighbours in the order of the list. */
struct check_range {
    uint64_t count;                 /* 0: none yet */
    struct snap_finding first, second, last;
    uint64_t least_old, most_old;   /* chunks of the origin, where the findings are about entries */
    bool consecutive;               /* each entry is for the chunk behind that of the entry before */
};

/* Begins with a finding. */
void check_ranges_begin(struct check_range *range, const struct snap_finding *finding);

/* So far from the last one the next one of a rule may be, where each slot between has a finding of another rule. */
#define CHECK_RANGES_STEP_MAX 4u

/*
 * Whether the next finding of the rule can still be a neighbour, after this one of whichever rule. Each slot from the
 * index `slots_first` to this finding has a finding.
 */
bool check_ranges_may_grow(const struct check_range *range, const struct snap_finding *finding, uint64_t slots_first);

/*
 * Takes a finding of the rule that is a neighbour of the last one: of the same severity, in the next slot or area, or
 * in one behind others that have findings, too. Only after check_ranges_may_grow.
 */
bool check_ranges_take(struct check_range *range, const struct snap_finding *finding);

/* The bytes of the snapshot that a finding is about. False: there are none. */
bool check_ranges_bytes(const struct snap_layout *layout, const struct snap_finding *finding, uint64_t *offset_bytes,
                        uint64_t *length_bytes);

/* A finding, or what a range has in common: place, what was found, and which bytes of the snapshot it is about. */
struct report_text check_ranges_finding_text(const struct snap_layout *layout, const struct snap_finding *finding);
struct report_text check_ranges_text(const struct snap_layout *layout, const struct check_range *range);

/* As in the manual: the first finding, and count, last_area, last_slot and last_index beside it. */
struct cli_json *check_ranges_finding_json(const struct snap_layout *layout, const struct snap_finding *finding);
struct cli_json *check_ranges_json(const struct snap_layout *layout, const struct check_range *range);

#endif
