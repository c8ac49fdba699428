/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is certain of a store that was marked invalid. */
#ifndef DMSNAP_TOOLS_SHARED_INVALID
#define DMSNAP_TOOLS_SHARED_INVALID

#include "tools/shared/report.h"

/* The store is marked invalid, and nothing else is wrong with it: its list was read, and its entries can be trusted. */
bool invalid_is_readable(const struct snap_store *store, const struct snap_findings *findings);

/*
 * Three sentences on such a store: why it was given up, as far as that can be told (dmsnap-store(5), INVALIDATION),
 * what of it is right, and what may be missing. `index` is 0, 1 or 2; no text behind the last one.
 */
#define INVALID_SENTENCES 3u
#define INVALID_MISSING 2u /* the last of them */
struct report_text invalid_text(const struct snap_check_result *check, unsigned index);

/*
 * The command that writes elsewhere what it still shows. `origin` is NULL where none was named, or a wrong one; `cut`:
 * entries behind the end of the list seem to be cut off; `devices` is the option --devices with a blank in front, or
 * empty.
 */
void invalid_say_next(struct cli *cli, const struct device *cow, const struct device *origin, bool cut,
                      const char *devices);

/* "invalid_cause": "overflow", "overflow-or-error", or null for any other store. */
void invalid_set_json(struct cli_json *object, const struct snap_store *store, const struct snap_check_result *check);

#endif
