/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Knows what the kernel does with lists that are sound and that it cannot merge. */
#include "tools/shared/kernel.h"

#include "tools/cli/quote.h"
#include "tools/cli/size.h"

#include <stdio.h>
#include <string.h>

/* What merges it instead. */
static enum snap_status fail_merge(const struct device *origin, const struct device *cow, const char *why,
                                   struct snap_error *err)
{
    return snap_fail(err, SNAP_E_REFUSED, "%s: %s; while nothing uses the two, this merges it without the kernel: "
                     "snapmerge --origin %s --cow %s", cow->path, why, cli_quote(origin->path).text,
                     cli_quote(cow->path).text);
}

enum snap_status kernel_merge_check(const struct device *origin, const struct device *cow,
                                    const struct snap_check_result *check, struct snap_error *err)
{
    char why[256];

    if (check->entries_beyond > 0) {
        (void)snprintf(why, sizeof why, "%s beyond the end of %s, where the kernel's merge fails and stays",
                       cli_count_text(check->entries_beyond, "entry lies", "entries lie").text, origin->path);
        return fail_merge(origin, cow, why, err);
    }
    if (check->repeated_entries > 0)
        return fail_merge(origin, cow, "entries of its list occur twice, and the kernel's merge may stop at them", err);
    if (!check->canonical)
        return fail_merge(origin, cow, "its data chunks are not in the order in which the kernel gives them, and when "
                          "the kernel's merge becomes a snapshot again, it overwrites chunks that are in use", err);
    return SNAP_OK;
}

struct kernel_name kernel_name_of(const char *path)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-.:=@_";
    const char *slash = strrchr(path, '/');
    struct kernel_name name;

    (void)snprintf(name.text, sizeof name.text, "%s", slash && slash[1] != '\0' ? slash + 1 : path);
    for (char *letter = name.text; *letter != '\0'; letter++)
        if (!strchr(allowed, *letter))
            *letter = '_';
    if (name.text[0] == '-') /* it would look like an option */
        name.text[0] = '_';
    return name;
}
