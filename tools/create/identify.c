/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides what a store lacks, after the judgement of the pair, and writes it into chunk 0. */
#include "tools/create/identify.h"

#include "lib/base/bytes.h"
#include "lib/store/fingerprint.h"
#include "lib/store/record.h"
#include "tools/cli/json.h"
#include "tools/cli/result.h"
#include "tools/create/hold.h"
#include "tools/create/remember.h"
#include "tools/shared/content.h"
#include "tools/shared/memory.h"
#include "tools/shared/pair_report.h"
#include "tools/shared/report.h"
#include "tools/shared/verdict.h"

#include <inttypes.h>
#include <string.h>

static struct pair pair_of(const struct create_session *session)
{
    return (struct pair){
        .cli = session->cli,
        .origin = &session->origin,
        .cow = &session->cow,
        .store = &session->identify.store,
        .shown_next = !session->arguments.dry_run && !session->arguments.yes && cli_ask_possible(session->cli),
        .accept = session->arguments.accept & 1u << CREATE_ACCEPT_IDENTITY ? 1u << ACCEPT_IDENTITY : 0,
        .memory_bytes = memory_to_use_bytes(0),
    };
}

/* Both exclusively: what is remembered must still be true when it is written. */
static enum snap_status open_both(struct create_session *session, struct snap_error *err)
{
    const struct snap_file_options cow_options = {
        .write = !session->arguments.dry_run, .foresee = session->arguments.dry_run, .exclusive = true};
    const struct snap_file_options origin_options = {.exclusive = true};
    struct snap_store *store = &session->identify.store;
    enum snap_status status = create_hold_find(session, &session->cow, session->arguments.cow, &cow_options, err);

    if (status == SNAP_OK)
        status = create_hold_find(session, &session->origin, session->arguments.origin, &origin_options, err);
    if (status == SNAP_OK)
        status = devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK && !session->cow.io)
        status = devices_open(&session->cow, &cow_options, err);
    if (status == SNAP_OK && !session->origin.io)
        status = devices_open(&session->origin, &origin_options, err);
    if (status == SNAP_OK && devices_is_lvm(session->arguments.cow))
        status = volumes_remember_group(&session->held.volumes, session->arguments.cow, &session->cow, err);
    if (status == SNAP_OK && session->held.used)
        status = held_read_again(&session->held, err);
    devices_warn_hidden(session->cli, &session->cow);
    devices_warn_hidden(session->cli, &session->origin);
    if (status == SNAP_OK)
        status = devices_read_store(store, &session->cow, &session->origin, err);
    if (status == SNAP_OK)
        status = content_fail_defect(&session->cow, store, &session->origin, err);
    if (status != SNAP_OK)
        return status;
    session->layout = store->layout;
    return devices_origin_large_enough(&session->origin, session->cow.path, store->layout.chunk_bytes, err);
}

/* What is there, and what there is room for, decide what is written. */
static enum snap_status decide(struct create_session *session, struct snap_error *err)
{
    const struct snap_store *store = &session->identify.store;
    const bool has_record = store->identity_state == SNAP_IDENTITY_OK;
    const bool has_blocks = snap_fingerprint_samples(session->origin.io->size_bytes / SNAP_SECTOR_BYTES) > 0;

    if (!snap_record_possible(store))
        return snap_fail(err, SNAP_E_REFUSED, "%s: its header sector holds %s, which is not overwritten; this store "
                         "cannot be given a record", session->cow.path,
                         store->identity_state == SNAP_IDENTITY_NEWER ? "a record of a newer version"
                                                                      : "something that is no record");
    if (store->layout.chunk_bytes < SNAP_FINGERPRINT_OFFSET_BYTES + SNAP_FINGERPRINT_BYTES)
        cli_note(session->cli, "%s: chunks of %" PRIu64 " bytes have no room for a fingerprint; it gets a record only",
                 session->cow.path, store->layout.chunk_bytes);
    else if (!snap_fingerprint_possible(store))
        cli_warn(session->cli, "%s: its second sector holds something that is not overwritten, so there is no place "
                 "for a fingerprint", session->cow.path);
    session->identify.record = !has_record || session->arguments.force;
    session->identify.fingerprint = snap_fingerprint_possible(store) && has_blocks &&
                                    (store->fingerprint_state != SNAP_FINGERPRINT_OK || session->arguments.force);
    if (session->identify.record || session->identify.fingerprint)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_REFUSED, "%s: it has a record%s already; to take %s anew from %s, add -f",
                     session->cow.path, snap_fingerprint_possible(store) ? " and a fingerprint" : "",
                     snap_fingerprint_possible(store) ? "both" : "it", session->origin.path);
}

/*
 * What is written here makes each later verdict. So where nothing tells whether this is the origin, somebody has to say
 * so: on a terminal, or by a word.
 */
static enum snap_status check_known(const struct create_session *session, const struct pair *pair,
                                    struct snap_error *err)
{
    const struct snap_pair *verdict = &session->identify.evidence.pair;

    if (verdict->outcome != SNAP_PAIR_UNKNOWN || session->arguments.yes || accept_has(pair->accept, ACCEPT_IDENTITY) ||
        cli_ask_possible(session->cli))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_REFUSED, "%s: %s, and nobody can be asked; if you know that %s is its origin, add -y",
                     session->cow.path, verdict->text, session->origin.path);
}

static enum snap_status ask(struct create_session *session, const struct pair *pair, struct snap_error *err)
{
    if (session->arguments.yes)
        return SNAP_OK;
    if (cli_ask_begin(session->cli))
        pair_report_all(pair, &session->identify.check, &session->identify.evidence, REPORT_TALK);
    switch (cli_ask(session->cli, false, "Record in %s that this is its origin?", session->cow.path)) {
    case CLI_ANSWER_YES:
    case CLI_ANSWER_NOBODY: /* a script: the refusals are its safety, and it is not unknown */
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
        break;
    }
    return snap_fail(err, SNAP_E_REFUSED, "not recorded: you answered no");
}

/*
 * A record that is taken anew keeps what only it can say: its id and those of undo stores, by which stores know each
 * other, when it was made, and its label unless there is a new one.
 */
static void keep_what_only_it_says(struct create_session *session)
{
    const struct snap_identity *old = &session->identify.store.identity;
    struct snap_identity *identity = &session->identity;

    if (session->identify.store.identity_state != SNAP_IDENTITY_OK)
        return;
    memcpy(identity->store_id, old->store_id, sizeof identity->store_id);
    memcpy(identity->parent_id, old->parent_id, sizeof identity->parent_id);
    memcpy(identity->undo_id, old->undo_id, sizeof identity->undo_id);
    memcpy(session->fingerprint.store_id, old->store_id, sizeof old->store_id);
    identity->flags = old->flags;
    identity->created_seconds = old->created_seconds;
    if (!session->arguments.label)
        memcpy(identity->label, old->label, sizeof identity->label);
}

static enum snap_status prepare(struct create_session *session, struct snap_error *err)
{
    const struct pair pair = pair_of(session);
    struct snap_store *store = &session->identify.store;
    uint64_t origin_sectors;
    enum snap_status status = open_both(session, err);

    if (status == SNAP_OK)
        status = decide(session, err);
    if (status == SNAP_OK)
        status = pair_check_list(&pair, NULL, &session->identify.check, err);
    if (status == SNAP_OK)
        status = pair_check_identity(&pair, &session->identify.check, &session->identify.evidence, err);
    if (status != SNAP_OK)
        return status;
    session->entries = session->identify.check.entries;
    session->on_origin = session->identify.evidence.origin;
    /* A fingerprint is read by the size in its record: one that was made for another size is not completed. */
    origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES;
    if (!session->identify.record && store->identity.origin_sectors != origin_sectors)
        return snap_fail(err, SNAP_E_REFUSED, "%s: its record is of an origin of %" PRIu64 " sectors, but %s has "
                         "%" PRIu64 "; to take the record anew as well, add -f", session->cow.path,
                         store->identity.origin_sectors, session->origin.path, origin_sectors);
    status = check_known(session, &pair, err);
    if (status == SNAP_OK && !session->arguments.dry_run)
        status = ask(session, &pair, err);
    if (status == SNAP_OK)
        status = create_remember_fill(session, store, err);
    if (status == SNAP_OK)
        keep_what_only_it_says(session);
    if (!session->identify.fingerprint)
        session->fingerprint.samples = 0;
    return status;
}

/*
 * The old fingerprint goes first, since it is read by the size in the record. Stopped after the record, a repeated
 * command adds the fingerprint.
 */
static enum snap_status write_both(struct create_session *session, struct snap_error *err)
{
    struct snap_store *store = &session->identify.store;
    enum snap_status status = SNAP_OK;

    session->touched = true;
    if (session->identify.record && store->fingerprint_state == SNAP_FINGERPRINT_OK)
        status = snap_fingerprint_write(store, NULL, err);
    if (status == SNAP_OK && session->identify.record)
        status = snap_record_write(store, &session->identity, err);
    if (status == SNAP_OK && session->fingerprint.samples > 0)
        status = snap_fingerprint_write(store, &session->fingerprint, err);
    return status;
}

enum snap_status create_identify(struct create_session *session, struct snap_error *err)
{
    enum snap_status status = prepare(session, err);

    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    return status == SNAP_OK && !session->arguments.dry_run ? write_both(session, err) : status;
}

static int print_json(struct create_session *session)
{
    struct cli_json *document = report_json_begin(session->cli, session->cow.path, session->origin.path);
    struct cli_json *result = cli_json_object();
    const struct snap_identity *record =
        session->identify.record ? &session->identity : &session->identify.store.identity;
    char id[37];

    snap_identity_format_id(record->store_id, id);
    cli_json_set_bool(result, "written", !session->arguments.dry_run);
    cli_json_set_uint(result, "chunk_sectors", session->layout.chunk_sectors);
    cli_json_set_uint(result, "entries", session->entries);
    cli_json_set_string(result, "store_id", id);
    cli_json_set_bool(result, "record", session->identify.record);
    report_set_fingerprint(result, &session->fingerprint);
    verdict_set_json(result, &session->identify.evidence.pair);
    cli_json_set(document, "result", result);
    cli_result_keep(session->cli, document);
    return CLI_EXIT_OK;
}

int create_identify_end(struct create_session *session)
{
    static const char *const what[] = {"a record and a fingerprint", "a record", "a fingerprint"};
    const bool both = session->identify.record && session->fingerprint.samples > 0;
    int exit_status = CLI_EXIT_OK;

    if (session->arguments.dry_run)
        cli_note(session->cli, "%s: it would get %s of %s", session->cow.path,
                 what[both ? 0 : session->identify.record ? 1 : 2], session->origin.path);
    else
        cli_note(session->cli, "%s: it has %s of %s now", session->cow.path,
                 what[both ? 0 : session->identify.record ? 1 : 2], session->origin.path);
    if (session->arguments.json)
        exit_status = print_json(session);
    if (session->arguments.dry_run)
        cli_nothing_written(session->cli);
    else
        report_note_cached(session->cli, &session->cow);
    return exit_status;
}

int create_identify_failed(struct create_session *session, const struct snap_error *err)
{
    const int exit_status = cli_fail(session->cli, err);

    cli_line(session->cli, "The list and the data of %s are as they were; repeat the command.", session->cow.path);
    return exit_status;
}
