/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a store and its origin look together: the same lines in figures, in dry runs and before a question. */
#ifndef DMSNAP_TOOLS_SHARED_PAIR_REPORT
#define DMSNAP_TOOLS_SHARED_PAIR_REPORT

#include "tools/shared/pair.h"
#include "tools/shared/report.h"

/* All of it is borrowed. */
struct pair_report {
    struct cli *cli;
    enum report_to to;
    bool bytes; /* no other unit */
    const struct device *origin, *cow;
    const struct snap_store *store;
    const struct snap_check_result *check;
    const struct snap_evidence *evidence;
};

/* origin: the device and what is on it. */
void pair_report_origin(const struct pair_report *report);

/* COW: the device, its chunks and its label. */
void pair_report_cow(const struct pair_report *report);

/* entries: how many there are, and how much they hold. */
void pair_report_entries(const struct pair_report *report);

/* view: what is on the snapshot; and pair: the outcome of the judgement, with its evidence. */
void pair_report_judgement(const struct pair_report *report);

/* All of these lines, of a pair that was judged. */
void pair_report_all(const struct pair *pair, const struct snap_check_result *check,
                     const struct snap_evidence *evidence, enum report_to to);

#endif
