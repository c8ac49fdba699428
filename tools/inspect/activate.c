/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lets the kernel show a store over its origin, in a device that cannot be written to. */
#include "tools/inspect/activate.h"

#include "tools/cli/json.h"
#include "tools/cli/result.h"
#include "tools/shared/activate.h"
#include "tools/shared/invalid.h"
#include "tools/shared/memory.h"
#include "tools/shared/report.h"

/*
 * Nobody else may use either of the two: what is written to the origin through snapshot-origin would be copied out to a
 * store that is open for reading only, and the kernel would then give the store up.
 */
static enum snap_status open_both(struct inspect_session *session, struct snap_error *err)
{
    struct snap_store *store = &session->store;
    enum snap_status status = activate_open(&session->cow, session->arguments.cow, false, err);

    if (status == SNAP_OK)
        status = activate_open(&session->origin, session->arguments.origin, false, err);
    if (status == SNAP_OK)
        status = devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK)
        status = devices_read_store(store, &session->cow, &session->origin, err);
    if (status == SNAP_OK && store->defect == SNAP_HEADER_INVALID)
        invalid_say_next(session->cli, &session->cow, &session->origin, false, "");
    if (status == SNAP_OK)
        status = snap_header_fail_defect(store, err);
    if (status != SNAP_OK)
        return status;
    return devices_origin_large_enough(&session->origin, session->cow.path, store->layout.chunk_bytes, err);
}

static enum snap_status prepare(struct inspect_session *session, struct activate *activate, struct snap_error *err)
{
    const struct pair pair = {
        .cli = session->cli,
        .origin = &session->origin,
        .cow = &session->cow,
        .store = &session->store,
        .accept = session->arguments.accept,
        .memory_bytes = memory_to_use_bytes(session->arguments.memory_bytes),
    };
    const struct snap_store *store = &session->store;
    enum snap_status status =
        activate_possible("to write the view to a file instead: snapinspect --extract FILE", err);

    if (status == SNAP_OK)
        status = open_both(session, err);
    if (status == SNAP_OK)
        status = activate_check(&pair, false, &session->result, &session->evidence, err);
    if (status != SNAP_OK)
        return status;
    return activate_plan(activate, &session->origin, &session->cow,
                         store->identity_state == SNAP_IDENTITY_OK ? store->identity.store_id : NULL,
                         SNAP_TABLE_INVALIDATES, store->layout.chunk_sectors, err);
}

static void keep_json(struct inspect_session *session, bool active)
{
    struct cli_json *document = report_json_begin(session->cli, session->arguments.cow, session->arguments.origin);
    struct cli_json *result = cli_json_object();

    cli_json_set_string(result, "activated", active ? session->arguments.activate : NULL);
    cli_json_set_uint(result, "entries", session->result.entries);
    cli_json_set(document, "result", result);
    cli_result_keep(session->cli, document);
}

int inspect_activate(struct inspect_session *session)
{
    struct activate activate = {.name = session->arguments.activate, .read_only = true};
    struct device *const devices[] = {&session->cow, &session->origin};
    struct snap_error err = {.status = SNAP_OK};
    int exit_status;

    if (prepare(session, &activate, &err) != SNAP_OK)
        return cli_refuse(session->cli, &err);
    if (session->arguments.dry_run) {
        if (session->arguments.json)
            keep_json(session, false);
        cli_note(session->cli, "/dev/mapper/%s would be the view of %s over %s", activate.name, session->cow.path,
                 session->origin.path);
        cli_nothing_written(session->cli);
        return CLI_EXIT_OK;
    }
    exit_status = devices_close_all(session->cli, devices, 2, CLI_EXIT_OK);
    if (activate_load(session->cli, &activate, &err) != SNAP_OK)
        return cli_refuse(session->cli, &err);
    if (session->arguments.json)
        keep_json(session, true);
    return exit_status;
}
