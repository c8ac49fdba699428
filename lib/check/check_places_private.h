/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings about entries that are out of their place, or have a number of another entry. For check. */
#ifndef DMSNAP_CHECK_CHECK_PLACES_PRIVATE
#define DMSNAP_CHECK_CHECK_PLACES_PRIVATE

#include "lib/check/duplicates.h"
#include "lib/check/findings.h"
#include "lib/check/places.h"

/* The rules entry-new-outlier and entry-lost, in list order. *places is judged. Statuses of snap_findings_add. */
enum snap_status snap_check_places(const struct snap_places *places, struct snap_findings *findings,
                                   struct snap_error *err);

/* What snap_duplicates_finish reports. Of two entries for one data chunk the one that is out of its place is named. */
enum snap_status snap_check_places_duplicate(const struct snap_places *places, struct snap_findings *findings,
                                             enum snap_rule rule, const struct snap_duplicate *duplicate,
                                             struct snap_error *err);

#endif
