/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of snapinspect: what was asked for, what is open, what is known of it. Data only. */
#ifndef DMSNAP_TOOLS_INSPECT_SESSION
#define DMSNAP_TOOLS_INSPECT_SESSION

#include "lib/check/check.h"
#include "lib/check/evidence.h"
#include "tools/inspect/options.h"
#include "tools/shared/devices.h"

struct inspect_session {
    struct cli *cli;
    struct inspect_arguments arguments;
    struct device cow, origin;      /* origin.io is NULL where none was given */
    char cow_users[SNAP_DEVICE_HOLDERS_BYTES], origin_users[SNAP_DEVICE_HOLDERS_BYTES]; /* empty: none is known */
    struct snap_store store;
    struct snap_findings findings;
    struct snap_check_result result;
    bool whole_known;               /* the two below are: the list can be followed, and its entries are sound */
    uint64_t duplicates;            /* entries with a chunk that an earlier one has already, but with another one */
    uint64_t continuation_entries;  /* entries behind the end that continue the list */
    bool evidence_known;            /* there is an origin, and the list can be trusted */
    struct snap_evidence evidence;
};

#endif
