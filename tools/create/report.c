/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcreate shows: how much room there is, and the result as text or JSON. */
#include "tools/create/report.h"

#include "lib/base/bytes.h"
#include "tools/cli/json.h"
#include "tools/cli/result.h"
#include "tools/cli/size.h"
#include "tools/create/room.h"
#include "tools/create/table.h"
#include "tools/shared/report.h"

#include <inttypes.h>

void create_report_room(struct create_session *session)
{
    const struct snap_layout *layout = &session->layout;
    const uint64_t capacity = snap_layout_capacity_entries(layout);
    const uint64_t chunks = create_room_origin_chunks(session);
    uint64_t never_chunks;

    if (capacity >= chunks && !create_room_short(session)) {
        cli_note(session->cli, "%s: it has room for all %s of the origin and can never overflow",
                 session->cow.path, cli_count_text(chunks, "chunk", "chunks").text);
    } else if (capacity < chunks && snap_layout_chunks_for_entries(layout->entries_per_area, chunks, &never_chunks)) {
        cli_note(session->cli,
                 "%s: it has room for %" PRIu64 " of the origin's %" PRIu64 " chunks (%s), and one more would "
                 "overflow it; with %" PRIu64 " sectors it could never overflow",
                 session->cow.path, capacity, chunks, cli_size_text(capacity * layout->chunk_bytes).text,
                 never_chunks * layout->chunk_sectors);
    }
    if (create_room_short(session))
        cli_warn(session->cli, "%s: it may take %" PRIu64 " bytes more of its file system, where only %" PRIu64 " are "
                 "free: it overflows when these are used up", session->cow.path, session->missing_bytes,
                 session->free_bytes);
    if (snap_layout_exact_fit_trap(layout) && capacity < chunks)
        cli_warn(session->cli,
                 "%s: avoid this size: the last data chunk would need a metadata area beyond the end; with %s "
                 "more it holds %" PRIu64 " chunks",
                 session->cow.path, cli_count_text(layout->chunk_sectors, "sector", "sectors").text, capacity + 1);
}

static void keep_json(struct create_session *session)
{
    const struct snap_layout *layout = &session->layout;
    struct cli_json *document = report_json_begin(session->cli, session->cow.path, session->origin.path);
    struct cli_json *result = cli_json_object();
    char id[37];

    cli_json_set_bool(result, "written", !session->arguments.dry_run && !session->tables_only);
    cli_json_set_uint(result, "chunk_sectors", layout->chunk_sectors);
    cli_json_set_uint(result, "cow_sectors", layout->cow_sectors);
    cli_json_set_uint(result, "origin_chunks", create_room_origin_chunks(session));
    cli_json_set_uint(result, "capacity_entries", snap_layout_capacity_entries(layout));
    cli_json_set_bool(result, "can_overflow", create_room_short(session) || snap_layout_capacity_entries(layout) <
                                                                                create_room_origin_chunks(session));
    cli_json_set_bool(result, "exact_fit", snap_layout_exact_fit_trap(layout));
    cli_json_set_uint(result, "entries", session->entries);
    snap_identity_format_id(session->identity.store_id, id);
    cli_json_set_string(result, "store_id", session->identity.origin_sectors ? id : NULL);
    report_set_fingerprint(result, &session->fingerprint);
    create_table_set_json(session, result);
    if (session->arguments.activate) {
        cli_json_set_string(result, "activate", session->arguments.activate);
        cli_json_set_string(result, "activate_origin", session->arguments.activate_origin);
    }
    cli_json_set(document, "result", result);
    cli_result_keep(session->cli, document);
}

void create_report_end(struct create_session *session)
{
    if (session->arguments.json)
        keep_json(session);
    else
        create_table_print(session);
    if (session->arguments.dry_run)
        cli_nothing_written(session->cli);
}
