/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts as LVM does, with its rounding. */
#include "tools/inspect/percent.h"

#include <stdio.h>

/* LVM keeps millionths of a per cent, cut off, and prints them as a float; what is almost 0 or 100 is neither. */
static float percent_of(uint64_t part, uint64_t whole)
{
    const float percent = (float)(uint32_t)(1e8 * ((double)part / (double)whole)) / 1e6f;

    return percent < 0.01f ? 0.01f : percent > 99.99f ? 99.99f : percent;
}

struct cli_text inspect_percent(uint64_t allocated_sectors, uint64_t total_sectors, uint64_t metadata_sectors,
                                bool invalid)
{
    struct cli_text text = {""};

    if (!invalid && allocated_sectors == metadata_sectors)
        (void)snprintf(text.text, sizeof text.text, "0.00");
    else if (invalid || allocated_sectors >= total_sectors)
        (void)snprintf(text.text, sizeof text.text, "100.00");
    else
        (void)snprintf(text.text, sizeof text.text, "%.2f", (double)percent_of(allocated_sectors, total_sectors));
    return text;
}
