/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a store and its origin look together, before anything is written that comes from the two. */
#ifndef DMSNAP_TOOLS_SHARED_PAIR_REPORT
#define DMSNAP_TOOLS_SHARED_PAIR_REPORT

#include "tools/shared/pair.h"

/* Both devices and what is on them: on standard error, for the person who is asked. */
void pair_report_talk(const struct pair *pair, const struct snap_check_result *check,
                      const struct snap_evidence *evidence);

/* The same as lines that start with the names of the fields: on `out`, for a dry run. */
void pair_report_print(const struct pair *pair, const struct snap_check_result *check,
                       const struct snap_evidence *evidence, FILE *out);

#endif
