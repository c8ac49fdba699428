/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/create/plan.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/merge/merge.h"
#include "lib/store/table_line.h"
#include "tools/cli/json.h"
#include "tools/cli/size.h"
#include "tools/shared/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t origin_chunks(const struct create_session *session)
{
    return snap_layout_origin_chunks(&session->layout, session->origin.io->size_bytes / SNAP_SECTOR_BYTES);
}

enum snap_status create_check_chunk(struct create_session *session, uint64_t chunk_bytes, struct snap_error *err)
{
    const uint32_t block_bytes = session->origin.io->logical_block_bytes;

    if (chunk_bytes % SNAP_SECTOR_BYTES != 0 || !snap_layout_chunk_sectors_valid(chunk_bytes / SNAP_SECTOR_BYTES))
        return snap_fail(err, SNAP_E_USAGE,
                         "--chunk-size %" PRIu64 ": the kernel takes only powers of two from 512 bytes to 1 GiB%s",
                         chunk_bytes, cli_sector_hint(chunk_bytes).text);
    if (chunk_bytes % block_bytes != 0)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: its logical blocks have %" PRIu32 " bytes, and the kernel refuses chunks of %" PRIu64 " there",
                         session->origin.path, block_bytes, chunk_bytes);
    return snap_layout_init(&session->layout, chunk_bytes / SNAP_SECTOR_BYTES, 0, err);
}

static enum snap_status set_cow_sectors(struct create_session *session, uint64_t cow_sectors, struct snap_error *err)
{
    return snap_layout_init(&session->layout, session->layout.chunk_sectors, cow_sectors, err);
}

enum snap_status create_plan_image(struct create_session *session, uint64_t size_bytes, struct snap_error *err)
{
    struct snap_folder_entry taken;
    enum snap_status status = snap_folder_open(&session->folder, session->cow_argument, err);

    if (status == SNAP_OK)
        status = snap_folder_look(session->folder, session->folder->name, &taken, err);
    if (status != SNAP_OK)
        return status;
    if (taken.exists)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already, but --size makes a new image; leave --size out to use "
                         "what is there",
                         session->cow_argument);
    if (size_bytes == 0) {
        uint64_t chunks;

        if (!snap_layout_chunks_for_entries(session->layout.entries_per_area, origin_chunks(session), &chunks) ||
            !snap_mul(chunks, session->layout.chunk_bytes, &size_bytes))
            return snap_fail(err, SNAP_E_NOSPC, "%s: it is too large for a store that can never overflow",
                             session->origin.path);
    }
    if (size_bytes % SNAP_SECTOR_BYTES != 0)
        return snap_fail(err, SNAP_E_USAGE, "--size %" PRIu64 ": it must be a multiple of 512 bytes", size_bytes);
    session->cow.path = strdup(session->cow_argument);
    if (!session->cow.path)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    session->new_image_bytes = size_bytes;
    return set_cow_sectors(session, size_bytes / SNAP_SECTOR_BYTES, err);
}

enum snap_status create_plan_device(struct create_session *session, bool force, bool dry_run, struct snap_error *err)
{
    const struct snap_file_options io_options = {.write = !dry_run};
    enum snap_status status = devices_find(&session->cow, session->cow_argument, err);

    if (status == SNAP_E_NOENT)
        return snap_fail_prefix(err, status, "no COW device (to make a new image, add --size)");
    if (status == SNAP_OK)
        status = devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK && session->newer.path)
        status = devices_distinct(&session->newer, &session->cow, err);
    if (status == SNAP_OK)
        status = devices_open(&session->cow, &io_options, err);
    devices_warn_hidden(session->cli, &session->cow);
    if (status == SNAP_OK && !force)
        status = report_refuse_signature(&session->cow, "-f overwrites it", err);
    if (status == SNAP_OK && session->layout.chunk_bytes % session->cow.io->logical_block_bytes != 0)
        status = snap_fail(err, SNAP_E_REFUSED,
                           "%s: its logical blocks have %" PRIu32 " bytes, and the kernel refuses chunks of %" PRIu64 " there",
                           session->cow.path, session->cow.io->logical_block_bytes, session->layout.chunk_bytes);
    if (status == SNAP_OK)
        status = set_cow_sectors(session, session->cow.io->size_bytes / SNAP_SECTOR_BYTES, err);
    return status;
}

enum snap_status create_check_room(struct create_session *session, struct snap_error *err)
{
    if (snap_layout_capacity_entries(&session->layout) > 0)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_NOSPC,
                     "%s: %" PRIu64 " sectors have no room for a single entry; with chunks of %" PRIu32
                     " sectors it takes at least %" PRIu64,
                     session->cow.path, session->layout.cow_sectors, session->layout.chunk_sectors,
                     (uint64_t)session->layout.chunk_sectors * 3);
}

void create_show_room(struct create_session *session)
{
    const struct snap_layout *layout = &session->layout;
    const uint64_t capacity = snap_layout_capacity_entries(layout);
    const uint64_t chunks = origin_chunks(session);
    uint64_t never_chunks;

    if (capacity >= chunks) {
        cli_note(session->cli, "%s: it has room for all %" PRIu64 " chunks of the origin and can never overflow",
                 session->cow.path, chunks);
    } else if (snap_layout_chunks_for_entries(layout->entries_per_area, chunks, &never_chunks)) {
        cli_note(session->cli,
                 "%s: it has room for %" PRIu64 " of the origin's %" PRIu64 " chunks (%s), and one more would "
                 "overflow it; with %" PRIu64 " sectors it could never overflow",
                 session->cow.path, capacity, chunks, cli_size_text(capacity * layout->chunk_bytes).text,
                 never_chunks * layout->chunk_sectors);
    }
    if (snap_layout_exact_fit_trap(layout) && capacity < chunks)
        cli_warn(session->cli,
                 "%s: avoid this size: the last data chunk would need a metadata area beyond the end; with %" PRIu32
                 " sectors more it holds %" PRIu64 " chunks",
                 session->cow.path, layout->chunk_sectors, capacity + 1);
}

enum snap_status create_make_image(struct create_session *session, struct snap_error *err)
{
    const struct snap_file_options io_options = {.write = true};
    struct snap_error left;
    enum snap_status status = snap_new_file_make(&session->image, session->folder, "", err);

    if (status != SNAP_OK)
        return status;
    status = snap_file_open_new(&session->cow.io, session->image, session->new_image_bytes, &io_options, err);
    if (status != SNAP_OK && snap_new_file_remove(session->image, &left) != SNAP_OK)
        cli_warn(session->cli, "%s", left.text);
    return status;
}

enum snap_status create_close_image(struct create_session *session, struct snap_error *err)
{
    const enum snap_status status = snap_new_file_close(session->image, err);

    session->image = NULL;
    snap_folder_close(session->folder);
    session->folder = NULL;
    return status;
}

#define TABLES (sizeof ((struct create_session *)0)->tables / sizeof ((struct create_session *)0)->tables[0])

enum snap_status create_make_tables(struct create_session *session, bool overflow_mode, struct snap_error *err)
{
    static const enum snap_table_target targets[TABLES] = {SNAP_TABLE_SNAPSHOT, SNAP_TABLE_SNAPSHOT_ORIGIN,
                                                        SNAP_TABLE_SNAPSHOT_MERGE};
    const struct device *devices[] = {&session->origin, &session->cow};
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < 2; i++)
        if (!devices[i]->facts.block_device)
            cli_warn(session->cli, "%s: dmsetup does not take files; this gives a device to put there: losetup --find --show %s",
                     devices[i]->path, cli_quote(devices[i]->path).text);
    for (size_t i = 0; i < TABLES && status == SNAP_OK; i++)
        status = snap_table_line(targets[i], session->origin.io->size_bytes / SNAP_SECTOR_BYTES, session->origin.path,
                               session->cow.path, overflow_mode, session->layout.chunk_sectors, session->tables[i],
                               sizeof session->tables[i], err);
    return status;
}

void create_print_tables(struct create_session *session)
{
    for (size_t i = 0; i < TABLES; i++)
        if (session->tables[i][0] != '\0')
            report_print(session->cli->out, "%s", session->tables[i]);
}

int create_print_json(struct create_session *session, bool dry_run)
{
    const struct snap_layout *layout = &session->layout;
    struct cli_json *document = report_json_begin(session->cli, session->cow.path, session->origin.path);
    struct cli_json *result = cli_json_object();
    char id[37];

    cli_json_set_bool(result, "written", !dry_run);
    cli_json_set_uint(result, "chunk_sectors", layout->chunk_sectors);
    cli_json_set_uint(result, "cow_sectors", layout->cow_sectors);
    cli_json_set_uint(result, "origin_chunks", origin_chunks(session));
    cli_json_set_uint(result, "capacity_entries", snap_layout_capacity_entries(layout));
    cli_json_set_bool(result, "can_overflow", snap_layout_capacity_entries(layout) < origin_chunks(session));
    cli_json_set_bool(result, "exact_fit", snap_layout_exact_fit_trap(layout));
    cli_json_set_uint(result, "entries", session->entries);
    snap_identity_format_id(session->identity.store_id, id);
    cli_json_set_string(result, "store_id", session->identity.origin_sectors ? id : NULL);
    if (session->tables[0][0] != '\0') {
        struct cli_json *tables = cli_json_array();

        for (size_t i = 0; i < TABLES; i++)
            cli_json_add_string(tables, session->tables[i]);
        cli_json_set(result, "tables", tables);
    }
    cli_json_set(document, "result", result);
    return report_json_end(session->cli, document, CLI_EXIT_OK);
}
