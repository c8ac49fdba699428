/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/bytes.h"
#include "tools/inspect/inspect.h"

#include "tools/cli/json.h"
#include "tools/cli/size.h"
#include "tools/shared/report.h"

#include <inttypes.h>
#include <time.h>

static void print_identity(struct inspect_session *session)
{
    const struct snap_identity *record = &session->store.identity;
    FILE *out = session->cli->out;
    char id[37], created[32] = "?";
    time_t seconds = (time_t)record->created_seconds;
    struct tm utc;

    if (session->store.identity_state != SNAP_IDENTITY_OK) {
        report_print(out, "identity    %s",
                     session->store.identity_state == SNAP_IDENTITY_NEWER     ? "a record of a newer version"
                     : session->store.identity_state == SNAP_IDENTITY_DAMAGED ? "a damaged record"
                                                                              : "none recorded");
        return;
    }
    snap_identity_format_id(record->store_id, id);
    if (gmtime_r(&seconds, &utc))
        (void)strftime(created, sizeof created, "%Y-%m-%d %H:%M:%S UTC", &utc);
    report_print(out, "identity    %s, made %s%s%s", id, created, record->label[0] != '\0' ? ", label " : "",
                 record->label);
    report_print(out, "made for    %s, %s %s", cli_size_text(record->origin_sectors * SNAP_SECTOR_BYTES).text,
                 record->fs_type[0] != '\0' ? record->fs_type : "nothing known", record->fs_uuid);
}

static struct cli_text size_text(const struct inspect_session *session, uint64_t bytes)
{
    return session->bytes ? cli_size_text_exact(bytes) : cli_size_text(bytes);
}

void inspect_print_figures(struct inspect_session *session)
{
    const struct snap_check_result *result = &session->result;
    const struct snap_layout *layout = &session->store.layout;
    const struct snap_usage *usage = &result->usage;
    FILE *out = session->cli->out;

    report_print(out, "store       %s, %s", session->cow.path, size_text(session, session->cow.io->size_bytes).text);
    report_print(out, "header      version %" PRIu32 ", valid %" PRIu32 ", chunks of %s (%" PRIu32 " sectors)",
                 session->store.header.version, session->store.header.valid,
                 size_text(session, layout->chunk_bytes).text, layout->chunk_sectors);
    print_identity(session);
    if (!result->list_complete)
        return;
    report_print(out, "usage       %" PRIu64 "/%" PRIu64 " %" PRIu64 " sectors (%s of %s, %s of it metadata)",
                 usage->allocated_sectors, usage->total_sectors, usage->metadata_sectors,
                 size_text(session, usage->allocated_sectors * SNAP_SECTOR_BYTES).text,
                 size_text(session, usage->total_sectors * SNAP_SECTOR_BYTES).text,
                 size_text(session, usage->metadata_sectors * SNAP_SECTOR_BYTES).text);
    report_print(out, "entries     %" PRIu64 " in %" PRIu64 " runs, %s%s", result->entries, result->runs,
                 size_text(session, result->entries * layout->chunk_bytes).text,
                 result->canonical ? "" : ", not in canonical order");
    report_print(out, "free        %" PRIu64 " of %" PRIu64 " chunks", result->free_chunks, result->capacity_entries);
    if (!session->evidence_known)
        return;
    report_print(out, "origin      %s", report_device_text(&session->origin, &session->evidence.origin).text);
    report_print(out, "view        %s", report_probe_text(&session->evidence.view).text);
    report_print(out, "fits        %s", session->evidence.text);
}

int inspect_print_json(struct inspect_session *session, int exit_status)
{
    struct cli_json *document = cli_json_document(session->cli->program->name, cli_version());
    struct cli_json *result = cli_json_object();
    struct cli_json *header = cli_json_object();
    struct snap_error err = {0};

    cli_json_set_string(document, "device", session->cow.path);
    cli_json_set_string(document, "origin", session->origin.path);
    cli_json_set_uint(header, "version", session->store.header.version);
    cli_json_set_uint(header, "valid", session->store.header.valid);
    cli_json_set_uint(header, "chunk_sectors", session->store.header.chunk_sectors);
    cli_json_set(result, "header", header);
    report_set_identity(result, &session->store);
    if (session->result.list_complete)
        report_set_figures(result, &session->store, &session->result);
    if (session->evidence_known) {
        report_set_probe(result, "on_origin", &session->evidence.origin);
        report_set_probe(result, "in_view", &session->evidence.view);
        cli_json_set_string(result, "fits", session->evidence.text);
        cli_json_set_uint(result, "merge_bytes", session->result.merge_bytes);
    }
    cli_json_set(document, "result", result);
    if (cli_json_finish(document, exit_status, session->cli->out, &err) != SNAP_OK)
        return cli_exit_worse(exit_status, cli_fail(session->cli, &err));
    return exit_status;
}
