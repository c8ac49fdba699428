/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures of a store: header, identity, usage, what is on the devices. */
#include "tools/inspect/figures.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/check/marks.h"
#include "lib/files/fs_size.h"
#include "lib/store/fingerprint.h"
#include "tools/cli/json.h"
#include "tools/cli/result.h"
#include "tools/cli/size.h"
#include "tools/shared/content.h"
#include "tools/shared/invalid.h"
#include "tools/shared/lvm_merge.h"
#include "tools/shared/memory.h"
#include "tools/shared/pair.h"
#include "tools/shared/pair_report.h"
#include "tools/shared/verdict.h"
#include "tools/shared/volumes.h"

#include <inttypes.h>
#include <time.h>

/* All of it, or all but what single damaged entries are for, or what a store that was given up may miss. */
static bool shows_snapshot(const struct inspect_session *session)
{
    return session->result.list_complete &&
           (report_is_sound(&session->findings) || invalid_is_readable(&session->store, &session->findings) ||
            pair_is_skippable(&session->findings, &session->result));
}

enum snap_status inspect_figures_gather(struct inspect_session *session, struct snap_error *err)
{
    struct snap_check_options check_options = {.figures_only = true, .stop = cli_stop_asked};
    struct report_talk talk = {session->cli, session->cow.path};
    const struct snap_evidence_look look = {
        .store = &session->store,
        .figures = &session->result,
        .origin = session->origin.io,
        .device = &session->origin.facts,
        .lvm_group = session->cow.lvm_group,
        .ask_size = snap_fs_size_find,
        .stop = cli_stop_asked,
    };
    enum snap_status status;

    snap_device_holders(session->cow.path, &session->cow.facts, session->cow_users, sizeof session->cow_users);
    if (session->origin.io)
        snap_device_holders(session->origin.path, &session->origin.facts, session->origin_users,
                            sizeof session->origin_users);
    if (session->origin.io)
        check_options.origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES;
    session->findings = (struct snap_findings){.fn = report_finding_talk, .context = &talk, .per_rule_max = 1};
    status = snap_check(&session->store, &check_options, &session->findings, &session->result, err);
    session->evidence_known = session->origin.io && shows_snapshot(session);
    if (status == SNAP_OK && session->evidence_known)
        status = snap_evidence_gather(&look, &session->evidence, err);
    return status;
}

enum snap_status inspect_figures_gather_whole(struct inspect_session *session, struct snap_error *err)
{
    const struct snap_check_options check_options = {
        .origin_sectors = session->origin.io ? session->origin.io->size_bytes / SNAP_SECTOR_BYTES : 0,
        .memory_bytes = memory_for_sets_bytes(session->arguments.memory_bytes),
        .stop = cli_stop_asked,
    };
    struct snap_findings findings = {.fn = NULL};
    struct snap_check_result result;
    enum snap_status status;

    if (!shows_snapshot(session))
        return SNAP_OK;
    status = snap_check(&session->store, &check_options, &findings, &result, err);
    session->continuation_entries = result.continuation_entries;
    if (!report_is_sound(&session->findings))
        return status; /* that is enough for the lines to type */
    session->whole_known = status == SNAP_OK;
    session->duplicates = findings.rule_counts[SNAP_RULE_DUPLICATE_OLD] + findings.rule_counts[SNAP_RULE_DUPLICATE_NEW];
    return status;
}

/* What the figures alone do not show, with the line that shows more. */
static void warn_of_whole(struct inspect_session *session)
{
    const char *origin = session->origin.path;

    if (session->duplicates == 0 && session->continuation_entries == 0)
        return;
    cli_warn(session->cli, "%s: %s%s%s; this shows what, and what to do: snapcheck%s --origin %s %s", session->cow.path,
             session->duplicates > 0 ? "entries are for chunks that other entries have" : "",
             session->duplicates > 0 && session->continuation_entries > 0 ? ", and " : "",
             session->continuation_entries > 0 ? "the list may have been cut off" : "",
             volumes_option(&session->arguments.devices).text, origin ? cli_quote(origin).text : "ORIGIN",
             cli_quote(session->cow.path).text);
}

/* Whoever uses a device may change it while it is looked at. */
static void warn_of_users(struct inspect_session *session, const struct device *device, const char *users)
{
    if (users[0] != '\0')
        cli_warn(session->cli, "%s: it is in use (%s): what is shown may be of different moments", device->path, users);
}

/* Of an undo store that has something in it: the line that merges it; the COW's path is not recorded. */
static void say_how_to_take_back(struct inspect_session *session)
{
    const struct snap_identity *record = &session->store.identity;
    const char *origin = session->origin.path;

    if ((record->flags & SNAP_IDENTITY_UNDO) != 0 && session->result.entries > 0 &&
        report_is_sound(&session->findings))
        cli_note(session->cli, "to take the merge back%s: snapmerge --origin %s --cow %s%s",
                 report_has_id(record->parent_id) ? ", with COW for the store that was merged" : "",
                 origin ? cli_quote(origin).text : "ORIGIN", cli_quote(session->cow.path).text,
                 report_has_id(record->parent_id) ? " --preserve COW" : "");
}

void inspect_figures_warn(struct inspect_session *session)
{
    const char *origin = session->origin.path;
    const struct device *named =
        verdict_origin_to_name(&session->origin, session->evidence_known ? &session->evidence.pair : NULL);
    const bool cut = session->continuation_entries > 0;

    if (session->evidence_known && session->evidence.pair.list_lost)
        cli_warn(session->cli, "%s", verdict_lost_text(&session->cow, &session->origin).text);
    if (session->continuation_entries == 0)
        verdict_note_emptied(session->cli, &session->cow, &session->origin, &session->store, &session->result,
                             session->evidence_known ? &session->evidence : NULL);
    if (session->evidence_known && session->evidence.pair.outcome == SNAP_PAIR_CONTRADICTED &&
        session->result.entries == 0)
        cli_warn(session->cli, "%s: %s", session->cow.path,
                 verdict_renew(&session->cow, &session->origin, &session->evidence.pair).text);
    content_say(session->cli, &session->cow, &session->store, &session->origin, false);
    if (session->evidence_known)
        verdict_explain(session->cli, &session->cow, &session->evidence);
    warn_of_whole(session);
    warn_of_users(session, &session->cow, session->cow_users);
    warn_of_users(session, &session->origin, session->origin_users);
    if (invalid_is_readable(&session->store, &session->findings))
        invalid_say_next(session->cli, &session->cow, named, cut,
                         volumes_option(&session->arguments.devices).text);
    else if (session->result.list_complete && !report_is_sound(&session->findings))
        cli_warn(session->cli, "%s: the store is damaged; this shows all that is wrong: snapcheck --all%s %s%s%s%s",
                 session->cow.path, volumes_option(&session->arguments.devices).text,
                 origin ? "--origin " : "", origin ? cli_quote(origin).text : "", origin ? " " : "",
                 cli_quote(session->cow.path).text);
    if (!invalid_is_readable(&session->store, &session->findings) && !report_is_sound(&session->findings) &&
        pair_is_skippable(&session->findings, &session->result)) {
        pair_say_bring_back(session->cli, &session->findings, &session->result, named, &session->cow,
                            volumes_option(&session->arguments.devices).text);
        pair_say_extract(session->cli, named, &session->cow, &session->store, cut,
                         volumes_option(&session->arguments.devices).text);
    }
    if (lvm_merge_find(&session->cow, &session->store, &session->result) == LVM_MERGE_STUCK)
        lvm_merge_say_ways_out(session->cli, session->cow.path, session->origin.path,
                               volumes_option(&session->arguments.devices).text);
    say_how_to_take_back(session);
}

static struct cli_text size_text(const struct inspect_session *session, uint64_t bytes)
{
    return session->arguments.bytes ? cli_count_text(bytes, "byte", "bytes") : cli_size_text(bytes);
}

/* What the record says of the origin, all of it. */
static void print_recorded_origin(struct inspect_session *session)
{
    const struct snap_identity *record = &session->store.identity;
    struct snap_probe marks;
    uint64_t bytes;

    snap_marks_of_record(record, &marks);
    report_field(session->cli, REPORT_DATA, "made for", "%s, %s%s%s",
                 snap_mul(record->origin_sectors, SNAP_SECTOR_BYTES, &bytes)
                     ? size_text(session, bytes).text
                     : cli_count_text(record->origin_sectors, "sector", "sectors").text, report_probe_text(&marks).text,
                 report_word(", PARTUUID ", record->partuuid).text, report_word(", serial ", record->serial).text);
}

static void print_identity(struct inspect_session *session)
{
    const struct snap_identity *record = &session->store.identity;
    char id[37], created[32] = "?";
    time_t seconds = (time_t)record->created_seconds;
    struct tm utc;

    if (session->store.identity_state != SNAP_IDENTITY_OK) {
        report_field(session->cli, REPORT_DATA, "identity", "%s",
                     session->store.identity_state == SNAP_IDENTITY_NEWER     ? "a record of a newer version"
                     : session->store.identity_state == SNAP_IDENTITY_DAMAGED ? "a damaged record"
                                                                              : "none recorded");
        return;
    }
    snap_identity_format_id(record->store_id, id);
    if (gmtime_r(&seconds, &utc))
        (void)strftime(created, sizeof created, "%Y-%m-%d %H:%M:%S UTC", &utc);
    report_field(session->cli, REPORT_DATA, "identity", "%s, made %s", id, created);
    print_recorded_origin(session);
}

static void print_fingerprint(struct inspect_session *session)
{
    static const char *const others[] = {
        [SNAP_FINGERPRINT_NONE] = "none",
        [SNAP_FINGERPRINT_NEWER] = "one of a newer version",
        [SNAP_FINGERPRINT_DAMAGED] = "a damaged one",
    };
    const struct snap_store *store = &session->store;
    const uint32_t masked = snap_fingerprint_masked(&store->fingerprint);

    if (store->fingerprint_state == SNAP_FINGERPRINT_OK)
        report_field(session->cli, REPORT_DATA, "fingerprint", "%s, %" PRIu32 " masked",
                     cli_count_text(store->fingerprint.samples, "sample", "samples").text, masked);
    else if (store->identity_state == SNAP_IDENTITY_OK)
        report_field(session->cli, REPORT_DATA, "fingerprint", "%s", others[store->fingerprint_state]);
}

/* What this store has to do with taking a merge back; of most stores, nothing. */
static void print_undo(struct inspect_session *session)
{
    const struct snap_identity *record = &session->store.identity;
    char id[37];

    if (report_has_id(record->undo_id)) {
        snap_identity_format_id(record->undo_id, id);
        report_field(session->cli, REPORT_DATA, "way back", "the undo store %s%s%s", id,
                     record->flags & SNAP_IDENTITY_UNDO_LOST ? ", which lacks a part" : "",
                     record->flags & SNAP_IDENTITY_MERGING ? "; the merge with it is under way" : "");
    }
    if ((record->flags & SNAP_IDENTITY_UNDO) == 0)
        return;
    snap_identity_format_id(record->parent_id, id);
    report_field(session->cli, REPORT_DATA, "undo store", "what a merge of %s%s replaced; merging this takes it back",
                 report_has_id(record->parent_id) ? "the store " : "a store without a record",
                 report_has_id(record->parent_id) ? id : "");
}

/* What an empty store has, too. */
static void print_usage(const struct inspect_session *session)
{
    const struct snap_check_result *result = &session->result;
    const struct snap_usage *usage = &result->usage;

    if (result->highest_new_chunk >= session->store.layout.cow_chunks && result->entries > 0)
        report_field(session->cli, REPORT_DATA, "usage",
                     "%" PRIu64 "/%" PRIu64 " %" PRIu64 " sectors, as the kernel counts: an entry names data chunk "
                     "0x%" PRIx64 ", which this device does not have", usage->allocated_sectors, usage->total_sectors,
                     usage->metadata_sectors, result->highest_new_chunk);
    else
        report_field(session->cli, REPORT_DATA, "usage",
                     "%" PRIu64 "/%" PRIu64 " %" PRIu64 " sectors (%s of %s, %s of it metadata)",
                     usage->allocated_sectors, usage->total_sectors, usage->metadata_sectors,
                     size_text(session, usage->allocated_sectors * SNAP_SECTOR_BYTES).text,
                     size_text(session, usage->total_sectors * SNAP_SECTOR_BYTES).text,
                     size_text(session, usage->metadata_sectors * SNAP_SECTOR_BYTES).text);
    report_field(session->cli, REPORT_DATA, "free", "%" PRIu64 " of %s", result->free_chunks,
                 cli_count_text(result->capacity_entries, "chunk", "chunks").text);
}

/* What LVM has to do with the snapshot, and what it lacks. */
static void print_volume(const struct inspect_session *session)
{
    const char *merge = lvm_merge_sentence(lvm_merge_find(&session->cow, &session->store, &session->result));

    if (merge)
        report_field(session->cli, REPORT_DATA, "LVM", "%s", merge);
    if (session->result.needs_bytes > 0)
        report_field(session->cli, REPORT_DATA, "cut", "%s", verdict_cut_text(&session->cow, &session->result).text);
}

void inspect_figures_print(struct inspect_session *session)
{
    const struct snap_layout *layout = &session->store.layout;
    const struct pair_report report = {
        .cli = session->cli,
        .bytes = session->arguments.bytes,
        .origin = &session->origin,
        .cow = &session->cow,
        .store = &session->store,
        .check = &session->result,
        .evidence = &session->evidence,
    };

    if (layout->chunk_sectors == 0)
        return; /* there is no store */
    if (session->evidence_known)
        pair_report_origin(&report);
    pair_report_cow(&report);
    report_field(session->cli, REPORT_DATA, "header",
                 "version %" PRIu32 ", valid %" PRIu32 ", chunks of %s", session->store.header.version,
                 session->store.header.valid, cli_count_text(layout->chunk_sectors, "sector", "sectors").text);
    print_identity(session);
    print_undo(session);
    print_fingerprint(session);
    print_volume(session);
    if (!session->result.list_complete)
        return;
    print_usage(session);
    for (unsigned i = 0; i < INVALID_SENTENCES && invalid_is_readable(&session->store, &session->findings); i++)
        report_field(session->cli, REPORT_DATA, "invalid", "%s", invalid_text(&session->result, i).text);
    pair_report_entries(&report);
    if (session->duplicates > 0)
        report_field(session->cli, REPORT_DATA, "duplicates", "%s: the origin's or the data chunk belongs to an "
                     "earlier entry as well", cli_count_text(session->duplicates, "entry", "entries").text);
    if (session->continuation_entries > 0)
        report_field(session->cli, REPORT_DATA, "cut off", "%s behind the end of the list %s it exactly",
                     cli_count_text(session->continuation_entries, "entry", "entries").text,
                     session->continuation_entries == 1 ? "continues" : "continue");
    if (session->evidence_known)
        pair_report_judgement(&report);
}

void inspect_figures_set(struct cli_json *result, const struct inspect_session *session)
{
    struct cli_json *header = cli_json_object();

    cli_json_set_uint(header, "version", session->store.header.version);
    cli_json_set_uint(header, "valid", session->store.header.valid);
    cli_json_set_uint(header, "chunk_sectors", session->store.header.chunk_sectors);
    cli_json_set(result, "header", header);
    cli_json_set_string(result, "cow_in_use", session->cow_users[0] != '\0' ? session->cow_users : NULL);
    cli_json_set_string(result, "origin_in_use", session->origin_users[0] != '\0' ? session->origin_users : NULL);
    report_set_identity(result, &session->store);
    report_set_fingerprint(result, &session->store.fingerprint);
    if (!snap_header_is_store(&session->store))
        content_set(result, &session->cow, &session->store);
    if (session->result.list_complete)
        report_set_figures(result, &session->store, &session->result);
    if (session->whole_known) {
        cli_json_set_uint(result, "duplicates", session->duplicates);
        cli_json_set_uint(result, "entries_behind_end", session->continuation_entries);
    }
    invalid_set_json(result, &session->store, &session->result);
    cli_json_set_string(result, "empty_list",
                        verdict_emptied_word(&session->store, &session->result,
                                             session->evidence_known ? &session->evidence : NULL));
    cli_json_set_string(result, "lvm_merge",
                        lvm_merge_word(lvm_merge_find(&session->cow, &session->store, &session->result)));
    if (session->result.needs_bytes > 0)
        cli_json_set_uint(result, "needs_bytes", session->result.needs_bytes);
    if (session->evidence_known) {
        report_set_probe(result, "on_origin", &session->evidence.origin);
        report_set_probe(result, "in_view", &session->evidence.view);
        cli_json_set_string(result, "fits", session->evidence.pair.text);
        verdict_set_json(result, &session->evidence.pair);
        cli_json_set_uint(result, "merge_bytes", session->result.merge_bytes);
    }
}

void inspect_figures_json(struct inspect_session *session)
{
    struct cli_json *document = report_json_begin(session->cli, session->cow.path, session->origin.path);
    struct cli_json *result = cli_json_object();

    inspect_figures_set(result, session);
    cli_json_set(document, "result", result);
    cli_result_keep(session->cli, document);
}
