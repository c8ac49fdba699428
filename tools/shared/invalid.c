/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells from the room that is left why a store was given up, and what of it still counts. */
#include "tools/shared/invalid.h"

#include "tools/cli/quote.h"
#include "tools/cli/size.h"

#include <inttypes.h>
#include <stdio.h>

bool invalid_is_readable(const struct snap_store *store, const struct snap_findings *findings)
{
    return store->defect == SNAP_HEADER_INVALID && snap_header_has_list(store) &&
           findings->severity_counts[SNAP_CORRUPTING] == 0 && findings->severity_counts[SNAP_FATAL] == 1;
}

/*
 * Entries that were under way when the kernel gave the store up are not in the list, so free chunks do not prove that
 * it did not overflow. That none is free proves that it did: nothing else fills a store.
 */
static void tell_cause(const struct snap_check_result *check, struct report_text *text)
{
    if (check->free_chunks == 0)
        (void)snprintf(text->text, sizeof text->text, "it overflowed, no chunk is free; whether a write to the "
                       "snapshot or to the origin was too many cannot be told");
    else
        (void)snprintf(text->text, sizeof text->text, "%" PRIu64 " of %s free: a read or write failed, memory was "
                       "short, or it overflowed while several chunks were being copied, which were given up with it",
                       check->free_chunks, cli_count_text(check->capacity_entries, "chunk is", "chunks are").text);
}

struct report_text invalid_text(const struct snap_check_result *check, unsigned index)
{
    struct report_text text = {""};

    if (index == 0)
        tell_cause(check, &text);
    else if (index == 1 && check->entries > 0)
        (void)snprintf(text.text, sizeof text.text, "%s of the snapshot %s here and right",
                       cli_count_text(check->entries, "chunk", "chunks").text, check->entries == 1 ? "is" : "are");
    else if (index == 1)
        (void)snprintf(text.text, sizeof text.text, "it holds no chunk of the snapshot");
    else
        (void)snprintf(text.text, sizeof text.text, "any other chunk is wrong if the origin was written to there "
                       "since; none is, if the origin was only read (under an overlay, on live media), and all that is "
                       "lost then is the write to the snapshot that failed");
    return text;
}

void invalid_say_next(struct cli *cli, const struct device *cow, const struct device *origin, bool cut,
                      const char *devices)
{
    cli_line(cli, "To write what it still shows to a new file: snapinspect --extract FILE --accept=invalid%s%s "
             "--origin %s %s", cut ? ",cut" : "", devices,
             origin && origin->path ? cli_quote(origin->path).text : "ORIGIN", cli_quote(cow->path).text);
}

void invalid_set_json(struct cli_json *object, const struct snap_store *store, const struct snap_check_result *check)
{
    if (store->defect == SNAP_HEADER_INVALID && check->list_complete)
        cli_json_set_string(object, "invalid_cause", check->free_chunks == 0 ? "overflow" : "overflow-or-error");
    else
        cli_json_set_null(object, "invalid_cause");
}
