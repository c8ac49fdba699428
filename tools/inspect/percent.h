/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How full a store is in per cent, as lvs shows it. */
#ifndef DMSNAP_TOOLS_INSPECT_PERCENT
#define DMSNAP_TOOLS_INSPECT_PERCENT

#include "tools/cli/size.h"

#include <stdbool.h>
#include <stdint.h>

/* "0.00" where all that is allocated is metadata, "100.00" where the store is full or invalid, else between these. */
struct cli_text inspect_percent(uint64_t allocated_sectors, uint64_t total_sectors, uint64_t metadata_sectors,
                                bool invalid);

#endif
