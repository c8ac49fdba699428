/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the chunk size of a store whose header is gone, damaged, or not that of its record, and plans the header. */
#include "tools/check/repair_header.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "tools/check/old_bytes.h"
#include "tools/cli/quote.h"
#include "tools/cli/size.h"
#include "tools/shared/holds.h"
#include "tools/shared/report.h"

#include <inttypes.h>
#include <stdio.h>

#define LOOKED_AT_BYTES 4096u /* of area 0 */

/* What stands in the place of area 0, with one chunk size; the higher one speaks more for that size. */
enum area_0 { AREA_0_OTHER, AREA_0_EMPTY, AREA_0_LIST };

/* One chunk size that the store itself names. */
struct candidate {
    enum area_0 area_0;
    struct snap_lost_list lost; /* chunk_sectors is set in any case */
};

/* Header and record name different sizes. */
struct conflict {
    bool is;
    struct candidate header, record;
};

/* The size that a user says; with --repair-to it is that of the new store. */
static uint64_t asked_chunk_bytes(const struct check_session *session)
{
    return session->arguments.repair_to ? 0 : session->arguments.chunk_bytes;
}

static struct cli_text size_of(uint32_t chunk_sectors)
{
    return cli_size_text((uint64_t)chunk_sectors * SNAP_SECTOR_BYTES);
}

/* What cannot be read does not speak against a size. */
static bool is_empty(struct snap_io *io, uint64_t chunk_bytes)
{
    const uint64_t length_bytes = snap_min(chunk_bytes, LOOKED_AT_BYTES);
    uint8_t *buffer = snap_buffer_new(LOOKED_AT_BYTES);
    const bool empty = buffer && snap_range_fits(chunk_bytes, length_bytes, io->size_bytes) &&
                       (snap_io_read(io, chunk_bytes, length_bytes, buffer, NULL) != SNAP_OK ||
                        snap_all_zero(buffer, length_bytes));

    snap_buffer_free(buffer);
    return empty;
}

static void judge(struct snap_io *io, uint32_t chunk_sectors, struct candidate *candidate)
{
    if (snap_lost_list_find(io, chunk_sectors, &candidate->lost, NULL) == SNAP_OK && candidate->lost.chunk_sectors > 0)
        candidate->area_0 = AREA_0_LIST;
    else
        candidate->area_0 =
            is_empty(io, (uint64_t)chunk_sectors * SNAP_SECTOR_BYTES) ? AREA_0_EMPTY : AREA_0_OTHER;
    candidate->lost.chunk_sectors = chunk_sectors;
}

/*
 * The list decides between header and record. The checksum of a record tells that it is as it was written, and not that
 * it was right; a header has none.
 */
static void find_of_two(const struct check_session *session, uint32_t asked_sectors, struct conflict *conflict,
                        struct snap_lost_list *lost)
{
    const struct snap_store *store = &session->store;
    struct candidate *header = &conflict->header, *record = &conflict->record;

    conflict->is = true;
    judge(session->cow.io, store->header.chunk_sectors, header);
    judge(session->cow.io, store->identity.chunk_sectors, record);
    if (asked_sectors == header->lost.chunk_sectors || header->area_0 > record->area_0) {
        *lost = header->lost;
    } else {
        *lost = record->lost;
        if (asked_sectors == 0 && header->area_0 == record->area_0)
            lost->rival_chunk_sectors = header->lost.chunk_sectors;
    }
}

/* The record is believed unless something else stands where it says, and a list with another size. */
static void find_by_record(const struct check_session *session, struct snap_lost_list *lost)
{
    struct candidate record;
    struct snap_lost_list other;

    judge(session->cow.io, session->store.identity.chunk_sectors, &record);
    *lost = record.lost;
    if (record.area_0 == AREA_0_LIST || !holds_find_lost_list(session->cow.io, &session->store, 0, &other))
        return;
    if (record.area_0 == AREA_0_OTHER)
        *lost = other;
    else
        lost->rival_chunk_sectors = other.chunk_sectors;
}

/*
 * The chunk size for a header that is gone or damaged: the one that was asked for, or the one with which there is a
 * list; where none is found, that of the record. lost->chunk_sectors is 0 where it is not known.
 */
static void find_chunk_sectors(const struct check_session *session, struct conflict *conflict,
                               struct snap_lost_list *lost)
{
    const struct snap_store *store = &session->store;
    const uint32_t asked_sectors =
        (uint32_t)snap_min(asked_chunk_bytes(session) / SNAP_SECTOR_BYTES, UINT32_MAX);
    const bool recorded = store->identity_state == SNAP_IDENTITY_OK && store->defect != SNAP_HEADER_EMPTY &&
                          store->defect != SNAP_HEADER_MAGIC;
    const bool two = recorded && store->defect != SNAP_HEADER_CHUNK_SIZE &&
                     snap_layout_init(&(struct snap_layout){0}, store->header.chunk_sectors,
                                      store->io->size_bytes / SNAP_SECTOR_BYTES, NULL) == SNAP_OK &&
                     store->header.chunk_sectors != store->identity.chunk_sectors;

    *conflict = (struct conflict){.is = false};
    *lost = (struct snap_lost_list){.chunk_sectors = 0};
    if (two && (asked_sectors == 0 || asked_sectors == store->header.chunk_sectors ||
                asked_sectors == store->identity.chunk_sectors))
        find_of_two(session, asked_sectors, conflict, lost);
    else if (recorded && (asked_sectors == 0 || asked_sectors == store->identity.chunk_sectors))
        find_by_record(session, lost);
    else if (snap_repair_header_rule(store) == SNAP_RULE_CHUNK_RECORD)
        (void)snap_lost_list_find(session->cow.io, asked_sectors, lost, NULL);
    else if (!holds_find_lost_list(session->cow.io, store, asked_sectors, lost) &&
             (asked_sectors == 0 || !holds_find_later_areas(session->cow.io, store, asked_sectors, lost)))
        lost->chunk_sectors = 0;
    if (asked_sectors > 0)
        lost->rival_chunk_sectors = 0;
}

static struct report_text evidence_text(const struct candidate *candidate)
{
    struct report_text result;

    if (candidate->area_0 == AREA_0_LIST)
        (void)snprintf(result.text, sizeof result.text, "there is a list (of its first %" PRIu32 " %s, %" PRIu32 " %s "
                       "the data chunk that a kernel would give)", candidate->lost.seen_entries,
                       snap_text_form(candidate->lost.seen_entries, "entry", "entries"), candidate->lost.in_place,
                       snap_text_form(candidate->lost.in_place, "names", "name"));
    else
        (void)snprintf(result.text, sizeof result.text, "%s", candidate->area_0 == AREA_0_EMPTY
                                                                  ? "the list would be empty"
                                                                  : "there is no list");
    return result;
}

static void say_conflict(struct check_session *session, const struct conflict *conflict)
{
    if (conflict->is)
        cli_note(session->cli, "%s: with chunks of %s, as its header says, %s; with chunks of %s, as its record says, "
                 "%s", session->cow.path, size_of(conflict->header.lost.chunk_sectors).text,
                 evidence_text(&conflict->header).text, size_of(conflict->record.lost.chunk_sectors).text,
                 evidence_text(&conflict->record).text);
}

/* Nothing of the list that would get this header is a reason to guess. */
static enum snap_status refuse_chunk_size(const struct check_session *session, const struct conflict *conflict,
                                          const struct snap_lost_list *lost, struct snap_error *err)
{
    const uint64_t asked_bytes = asked_chunk_bytes(session);
    const uint64_t found_bytes = (uint64_t)lost->chunk_sectors * SNAP_SECTOR_BYTES;
    const uint64_t rival_bytes = (uint64_t)lost->rival_chunk_sectors * SNAP_SECTOR_BYTES;

    if (asked_bytes > 0 && found_bytes != asked_bytes)
        return snap_fail(err, SNAP_E_REFUSED, "%s: with chunks of %s there is no list", session->cow.path,
                         cli_size_text(asked_bytes).text);
    if (rival_bytes == 0)
        return SNAP_OK;
    if (conflict->is || lost->seen_entries == 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: nothing in it decides between chunks of %s and of %s; say which the "
                         "store had: --chunk-size %" PRIu64 ", or --chunk-size %" PRIu64, session->cow.path,
                         cli_size_text(found_bytes).text, cli_size_text(rival_bytes).text, found_bytes, rival_bytes);
    return snap_fail(err, SNAP_E_REFUSED, "%s: there is a list with chunks of %s, and one with chunks of %s; say "
                     "which the store had: --chunk-size %" PRIu64 ", or --chunk-size %" PRIu64, session->cow.path,
                     cli_size_text(found_bytes).text, cli_size_text(rival_bytes).text, found_bytes, rival_bytes);
}

static enum snap_status plan_with(struct check_session *session, const struct conflict *conflict,
                                  const struct snap_lost_list *lost, struct snap_error *err)
{
    enum snap_status status;

    if (lost->chunk_sectors == 0 && !check_options_mend(&session->arguments))
        return snap_header_fail_defect(&session->store, err);
    say_conflict(session, conflict);
    status = refuse_chunk_size(session, conflict, lost, err);
    return status == SNAP_OK ? snap_repair_plan_header(&session->repair, &session->store, lost->chunk_sectors,
                                                       lost->entries, err)
                             : status;
}

enum snap_status check_repair_header_plan(struct check_session *session, struct snap_error *err)
{
    struct conflict conflict;
    struct snap_lost_list lost;

    find_chunk_sectors(session, &conflict, &lost);
    return plan_with(session, &conflict, &lost, err);
}

static void say_plan(struct check_session *session, const struct conflict *conflict)
{
    const uint32_t chunk_sectors = session->repair.rebuilt.header.chunk_sectors;
    const char *verb = session->arguments.dry_run ? "would get" : "will get";

    if (conflict->is && chunk_sectors == session->store.header.chunk_sectors &&
        session->store.defect != SNAP_HEADER_VERSION)
        cli_note(session->cli, "%s: its header stays; its record %s chunks of %s", session->cow.path, verb,
                 size_of(chunk_sectors).text);
    else
        cli_note(session->cli, "%s: it %s a header for chunks of %s", session->cow.path, verb,
                 size_of(chunk_sectors).text);
}

/* Before the header is mended nothing else can be: what is read as the list is none. */
enum snap_status check_repair_header(struct check_session *session, struct snap_error *err)
{
    struct conflict conflict;
    struct snap_lost_list lost;
    enum snap_status status;

    find_chunk_sectors(session, &conflict, &lost);
    if (lost.chunk_sectors == 0 && session->arguments.chunk_bytes == 0)
        return SNAP_OK;
    session->header_said = true;
    if (!(session->arguments.accept & 1u << CHECK_ACCEPT_HEADER)) {
        say_conflict(session, &conflict);
        cli_line(session->cli, "If this was a store, and nothing else is on the device: snapcheck -y --accept=header"
                 "%s%s%s%s %s", holds_chunk_size_option(&lost).text, check_old_bytes_option(session).text,
                 check_options_text(&session->arguments).text, report_origin_option(session->origin.path).text,
                 cli_quote(session->cow.path).text);
        return SNAP_OK;
    }
    status = plan_with(session, &conflict, &lost, err);
    if (status == SNAP_OK)
        say_plan(session, &conflict);
    if (status == SNAP_OK && session->store.identity_state != SNAP_IDENTITY_OK)
        cli_line(session->cli, "Its record is lost; %s: snapcreate --identify%s --origin %s --cow %s",
                 session->origin.path ? "if this is its origin, this makes a new one"
                                      : "once you know the origin, this makes a new one",
                 check_options_text(&session->arguments).text,
                 session->origin.path ? cli_quote(session->origin.path).text : "ORIGIN",
                 cli_quote(session->cow.path).text);
    return status;
}
