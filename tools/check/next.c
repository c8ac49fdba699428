/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the lines that are to be typed next so that they are not refused for a word. */
#include "tools/check/next.h"

#include "tools/cli/quote.h"
#include "tools/shared/verdict.h"

#include <inttypes.h>
#include <stdio.h>

const struct device *check_next_origin(const struct check_session *session)
{
    static const struct device none = {.path = NULL};
    const struct device *origin =
        verdict_origin_to_name(&session->origin, session->pair_known ? &session->evidence.pair : NULL);

    return origin ? origin : &none;
}

struct report_text check_next_origin_option(const struct check_session *session)
{
    return report_origin_option(check_next_origin(session)->path);
}

struct report_text check_next_repair_to(const struct check_session *session, bool dry_run, uint64_t chunk_bytes)
{
    const struct check_arguments *given = &session->arguments;
    const bool opened = !!session->cow.io, wrong = session->origin.path && !check_next_origin(session)->path;
    const bool revalidate = opened && session->store.defect == SNAP_HEADER_INVALID;
    const bool header = opened && (!snap_header_has_list(&session->store) ||
                                   snap_repair_header_rule(&session->store) != SNAP_RULES);
    const char *origin = wrong ? NULL : session->origin.path ? session->origin.path : given->origin;
    char chunk_size[48] = "";
    struct report_text text;

    if (given->repair_to && given->chunk_bytes > 0)
        chunk_bytes = given->chunk_bytes; /* in place it is that of the header */
    if (chunk_bytes > 0)
        (void)snprintf(chunk_size, sizeof chunk_size, " --chunk-size %" PRIu64, chunk_bytes);
    (void)snprintf(text.text, sizeof text.text, "snapcheck %s--repair-to %.3400s%s "
                   "--accept=view-change%s%s%.1500s --origin %.3400s %.3400s", dry_run ? "-n " : "",
                   given->repair_to ? cli_quote(given->repair_to).text : "NEW", chunk_size,
                   revalidate || given->accept & 1u << CHECK_ACCEPT_REVALIDATE ? ",revalidate" : "",
                   header || given->accept & 1u << CHECK_ACCEPT_HEADER ? ",header" : "",
                   check_options_text(given).text, origin ? cli_quote(origin).text : "ORIGIN",
                   cli_quote(session->cow.path).text);
    return text;
}
