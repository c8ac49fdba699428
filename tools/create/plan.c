/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcreate decides before it writes: chunk size, room, whether the place may be overwritten. */
#include "tools/create/plan.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/check/container.h"
#include "lib/check/pair.h"
#include "lib/device/probe.h"
#include "tools/cli/size.h"
#include "tools/create/hold.h"
#include "tools/create/remember.h"
#include "tools/create/room.h"
#include "tools/shared/content.h"
#include "tools/shared/holds.h"
#include "tools/shared/verdict.h"

#include <inttypes.h>
#include <string.h>

/* The origin and the newer content, looked at and open for reading. */
static enum snap_status open_sources(struct create_session *session, struct snap_error *err)
{
    const struct snap_file_options io_options = {.write = false};
    enum snap_status status =
        create_hold_find(session, &session->origin, session->arguments.origin, &io_options, err);

    if (status == SNAP_OK && !session->origin.io)
        status = create_remember_open_origin(session, err);
    if (status == SNAP_OK && session->arguments.from_diff) {
        status = create_hold_find(session, &session->newer, session->arguments.from_diff, &io_options, err);
        if (status == SNAP_OK)
            status = devices_distinct(&session->origin, &session->newer, err);
        if (status == SNAP_OK && !session->newer.io)
            status = devices_open(&session->newer, &io_options, err);
    }
    if (status == SNAP_OK && session->newer.io &&
        session->newer.io->size_bytes / SNAP_SECTOR_BYTES != session->origin.io->size_bytes / SNAP_SECTOR_BYTES)
        status = snap_fail(err, SNAP_E_REFUSED, "%s has %" PRIu64 " sectors, but %s has %" PRIu64 "; they must have "
                           "the same size",
                           session->newer.path, session->newer.io->size_bytes / SNAP_SECTOR_BYTES,
                           session->origin.path, session->origin.io->size_bytes / SNAP_SECTOR_BYTES);
    return status == SNAP_OK ? snap_probe_io(session->origin.io, &session->on_origin, err) : status;
}

/* An image in another format, or a packed file: what it contains does not stand where the store would expect it. */
static enum snap_status check_raw(const struct device *device, struct snap_error *err)
{
    const struct snap_container *container;
    const enum snap_status status = snap_container_of_origin(device->io, device->facts.block_device, &container, err);

    if (status != SNAP_OK || !container)
        return status;
    return snap_fail(err, SNAP_E_REFUSED, "%s: it is %s; %s", device->path, content_container_text(container).text,
                     verdict_raw_text(container, device->path, "add --accept=identity").text);
}

/*
 * What cannot be meant: a store as origin, most likely two COW names on one line; and newer content that is not of this
 * origin. Both may be meant all the same.
 */
static enum snap_status check_sources(struct create_session *session, struct snap_error *err)
{
    const bool accepted = (session->arguments.accept & 1u << CREATE_ACCEPT_IDENTITY) != 0;
    struct snap_probe on_newer;
    struct snap_store store;
    struct snap_pair pair;
    enum snap_status status = snap_header_read(&store, session->origin.io, err);

    if (status == SNAP_OK && !accepted && (store.defect == SNAP_HEADER_GOOD || store.defect == SNAP_HEADER_INVALID))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is itself a snapshot store, most likely the COW of another "
                         "origin; if it is the origin that you mean, add --accept=identity", session->origin.path);
    if (status == SNAP_OK && !accepted)
        status = check_raw(&session->origin, err);
    if (status == SNAP_OK && !accepted && session->newer.io)
        status = check_raw(&session->newer, err);
    if (status != SNAP_OK || !session->newer.io)
        return status;
    status = snap_probe_io(session->newer.io, &on_newer, err);
    if (status != SNAP_OK)
        return status;
    snap_pair_judge_later(&session->on_origin, &on_newer, false, &pair);
    if (pair.outcome == SNAP_PAIR_CONTRADICTED && !accepted)
        return snap_fail(err, SNAP_E_REFUSED, "%s: %s; if it is what you mean, add --accept=identity",
                         session->newer.path, pair.text);
    if (pair.outcome == SNAP_PAIR_LIKELY)
        cli_note(session->cli, "%s is likely a newer state of %s: %s", session->newer.path, session->origin.path,
                 pair.text);
    else
        cli_warn(session->cli, "%s: %s", session->newer.path, pair.text);
    return SNAP_OK;
}

enum snap_status create_plan_check_chunk(struct create_session *session, struct snap_error *err)
{
    const uint64_t chunk_bytes = session->arguments.chunk_bytes;
    const uint32_t block_bytes = session->origin.io->logical_block_bytes;

    if (chunk_bytes % SNAP_SECTOR_BYTES != 0 || !snap_layout_chunk_sectors_valid(chunk_bytes / SNAP_SECTOR_BYTES))
        return snap_fail(err, SNAP_E_USAGE,
                         "--chunk-size %" PRIu64 ": the kernel takes only powers of two from 512 bytes to 1 GiB%s",
                         chunk_bytes, cli_sector_hint(chunk_bytes).text);
    if (chunk_bytes % block_bytes != 0)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: its logical blocks have %" PRIu32 " bytes, and the kernel refuses chunks of %" PRIu64 " "
                         "there; use --chunk-size %" PRIu32 " or a multiple of it",
                         session->origin.path, block_bytes, chunk_bytes, block_bytes);
    return snap_layout_init(&session->layout, chunk_bytes / SNAP_SECTOR_BYTES, 0, err);
}

/* Nothing may be written where the origin, or what it is compared with, would change by it. */
static enum snap_status check_apart(const struct create_session *session, int fd, struct snap_error *err)
{
    const struct device *const sources[] = {&session->origin, &session->newer};

    return devices_apart(session->arguments.cow, fd, sources, 2, err);
}

/* The physical volumes of the COW: none may stand on a source that is no volume itself. */
static enum snap_status check_parts(const struct create_session *session, struct snap_error *err)
{
    const struct device *const sources[] = {&session->origin, &session->newer};

    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; sources[i]->path && sources[i]->part_count == 0 && j < session->cow.part_count; j++)
            if (snap_device_stands_on(&session->cow.parts[j], &sources[i]->facts))
                return snap_fail(err, SNAP_E_REFUSED, "%s: it lies on %s, and writing to the one would change the "
                                 "other; name a place elsewhere", session->cow.path, sources[i]->path);
    return SNAP_OK;
}

static enum snap_status set_cow_sectors(struct create_session *session, uint64_t cow_sectors, struct snap_error *err)
{
    return snap_layout_init(&session->layout, session->layout.chunk_sectors, cow_sectors, err);
}

/* --size: a new image; the path must be free. */
static enum snap_status plan_image(struct create_session *session, struct snap_error *err)
{
    uint64_t size_bytes = session->arguments.size_bytes;
    struct snap_folder_entry taken;
    enum snap_status status = snap_folder_open(&session->folder, session->arguments.cow, err);

    if (status == SNAP_OK)
        status = check_apart(session, session->folder->fd, err);
    if (status == SNAP_OK)
        status = snap_folder_look(session->folder, session->folder->name, &taken, err);
    if (status != SNAP_OK)
        return status;
    if (taken.exists)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already, but --size makes a new image; leave --size out "
                         "to use what is there",
                         session->arguments.cow);
    status = snap_folder_takes_files(session->folder, err);
    if (status != SNAP_OK)
        return status;
    if (size_bytes == 0) {
        uint64_t chunks;

        const uint64_t origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES;

        if (!snap_layout_chunks_for_entries(session->layout.entries_per_area,
                                            snap_layout_origin_chunks(&session->layout, origin_sectors), &chunks) ||
            !snap_mul(chunks, session->layout.chunk_bytes, &size_bytes))
            return snap_fail(err, SNAP_E_NOSPC, "%s: it is too large for a store that can never overflow; give "
                             "--size a number",
                             session->origin.path);
    }
    if (size_bytes % SNAP_SECTOR_BYTES != 0)
        return snap_fail(err, SNAP_E_USAGE, "--size %" PRIu64 ": it must be a multiple of 512 bytes", size_bytes);
    session->cow.path = strdup(session->arguments.cow);
    if (!session->cow.path)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    session->new_image_bytes = size_bytes;
    return set_cow_sectors(session, size_bytes / SNAP_SECTOR_BYTES, err);
}

/* What is left of a store can be had back, which is more than a new one. */
static struct report_text lost_header_text(const struct create_session *session)
{
    struct report_text text = {""};
    struct snap_lost_list lost;
    struct snap_store store;

    if (snap_header_read(&store, session->cow.io, NULL) == SNAP_OK &&
        holds_find_lost_list(session->cow.io, &store, 0, &lost))
        (void)snprintf(text.text, sizeof text.text, "this gives it a header again: snapcheck -y --accept=header"
                       "%s%.4000s %.4000s; ", holds_chunk_size_option(&lost).text,
                       report_origin_option(session->origin.path).text,
                       cli_quote(session->cow.path).text);
    return text;
}

/* What is on the COW is overwritten with --force only, and never where it and the origin look swapped. */
static enum snap_status check_content(struct create_session *session, struct snap_error *err)
{
    const bool accepted = (session->arguments.accept & 1u << CREATE_ACCEPT_IDENTITY) != 0;
    struct snap_store store;
    enum snap_status status = holds_find(&session->cow, &session->content, err);

    if (status != SNAP_OK || session->content.text[0] == '\0')
        return status;
    if (!accepted)
        status = devices_read_store(&store, &session->cow, &session->origin, err);
    if (status == SNAP_OK && !session->arguments.force)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it holds %s; %s-f overwrites it", session->cow.path,
                         session->content.text, lost_header_text(session).text);
    return status;
}

/* A store whose merge can be taken back knows which undo store can do it, and the undo store knows this store. */
static void warn_of_undo(struct create_session *session)
{
    struct snap_store store;

    if (snap_header_read(&store, session->cow.io, NULL) == SNAP_OK && snap_identity_has_undo(&store.identity))
        cli_warn(session->cli, "%s: an undo store can take the merge of this store back; once the store is made anew, "
                 "the merge cannot be taken back any more", session->cow.path);
}

/* --force on a terminal: what is lost is shown and asked for. */
enum snap_status create_plan_ask(struct create_session *session, struct snap_error *err)
{
    if (session->content.text[0] == '\0')
        return SNAP_OK;
    warn_of_undo(session);
    if (session->arguments.dry_run) {
        cli_note(session->cli, "%s: it holds %s, which would be overwritten", session->cow.path,
                 session->content.text);
        return SNAP_OK;
    }
    switch (cli_ask(session->cli, session->arguments.yes, "%s: it holds %s. Overwrite it?", session->cow.path,
                    session->content.text)) {
    case CLI_ANSWER_YES:
    case CLI_ANSWER_NOBODY: /* a script: it has said -f */
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
        break;
    }
    return snap_fail(err, SNAP_E_REFUSED, "not overwritten: you answered no");
}

/* An existing device or image: distinct from the others, not in use, and empty unless --force. */
static enum snap_status plan_device(struct create_session *session, struct snap_error *err)
{
    const struct snap_file_options io_options = {.write = !session->arguments.dry_run,
                                                 .foresee = session->arguments.dry_run};
    const struct device *const others[] = {&session->origin, &session->newer};
    enum snap_status status = create_hold_find(session, &session->cow, session->arguments.cow, &io_options, err);

    if (status == SNAP_E_NOENT && !devices_is_lvm(session->arguments.cow))
        return snap_fail_prefix(err, status, "no COW device (to make a new image, add --size)");
    if (status == SNAP_OK)
        status = devices_distinct_from_all(&session->cow, others, 2, err);
    if (status == SNAP_OK && session->cow.part_count > 0)
        status = check_parts(session, err);
    else if (status == SNAP_OK)
        status = check_apart(session, session->cow.found->fd, err);
    if (status == SNAP_OK && !session->cow.io)
        status = devices_open(&session->cow, &io_options, err);
    devices_warn_hidden(session->cli, &session->cow);
    if (status == SNAP_OK)
        status = check_content(session, err);
    if (status == SNAP_OK && session->layout.chunk_bytes % session->cow.io->logical_block_bytes != 0)
        status = snap_fail(err, SNAP_E_REFUSED,
                           "%s: its logical blocks have %" PRIu32 " bytes, and the kernel refuses chunks of "
                           "%" PRIu64 " there; use --chunk-size %" PRIu32 " or a multiple of it",
                           session->cow.path, session->cow.io->logical_block_bytes, session->layout.chunk_bytes,
                           session->cow.io->logical_block_bytes);
    if (status == SNAP_OK)
        status = set_cow_sectors(session, session->cow.io->size_bytes / SNAP_SECTOR_BYTES, err);
    return status;
}

enum snap_status create_plan(struct create_session *session, struct snap_error *err)
{
    enum snap_status status = open_sources(session, err);

    if (status == SNAP_OK)
        status = create_plan_check_chunk(session, err);
    if (status == SNAP_OK)
        status = devices_origin_large_enough(&session->origin, session->arguments.cow, session->layout.chunk_bytes,
                                             err);
    if (status == SNAP_OK)
        status = session->arguments.size_given ? plan_image(session, err) : plan_device(session, err);
    if (status == SNAP_OK)
        status = check_sources(session, err);
    if (status == SNAP_OK)
        status = create_room_check(session, err);
    if (status == SNAP_OK && !session->arguments.no_identity)
        status = create_remember_fill(session, NULL, err);
    if (status == SNAP_OK)
        status = create_plan_ask(session, err);
    return status == SNAP_OK && session->held.used ? held_read_again(&session->held, err) : status;
}
