/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge asks of every store that it will write to, or whose view it keeps: before the first write. */
#include "tools/merge/checks.h"

#include "lib/base/bytes.h"
#include "lib/merge/compare.h"
#include "lib/merge/leftovers.h"
#include "tools/shared/report.h"

#include <inttypes.h>
#include <string.h>

enum snap_status merge_check_blocks(const struct device *device, const struct snap_store *store,
                                    struct snap_error *err)
{
    if (store->layout.chunk_bytes >= device->io->logical_block_bytes)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_UNSUPPORTED,
                     "%s: its logical blocks have %" PRIu32 " bytes, but the store's chunks only %" PRIu64
                     ": such chunks can be read, but not written",
                     device->path, device->io->logical_block_bytes, store->layout.chunk_bytes);
}

enum snap_status merge_check_distinct(const struct merge_session *session, const struct device *device,
                                      struct snap_error *err)
{
    const struct device *others[2 + MERGE_SIBLINGS_MAX] = {&session->origin, &session->cow};
    size_t count = 2;

    for (unsigned i = 0; i < session->preserve.count; i++)
        if (&session->preserve.siblings[i].device != device)
            others[count++] = &session->preserve.siblings[i].device;
    return devices_distinct_from_all(device, others, count, err);
}

/* Findings that only matter for further writes to the snapshot are left out: there will be none. */
static enum snap_status talk_finding(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    if (finding->rule == SNAP_RULE_STORE_FULL || finding->rule == SNAP_RULE_NO_ROOM)
        return SNAP_OK;
    return report_finding_talk(context, finding, err);
}

enum snap_status merge_check_list(struct merge_session *session, const struct device *cow,
                                  const struct snap_store *store, struct snap_repeated *repeated,
                                  struct snap_check_result *check, struct snap_error *err)
{
    const struct snap_check_options check_options = {
        .origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES,
        .origin_block_bytes = session->origin.io->logical_block_bytes,
        .memory_bytes = session->options.memory_bytes,
        .repeated = repeated,
        .stop = cli_stop_asked,
    };
    struct report_talk talk = {session->cli, cow->path};
    struct snap_findings findings = {.fn = talk_finding, .context = &talk, .per_rule_max = REPORT_PER_RULE_MAX};
    enum snap_status status = snap_check(store, &check_options, &findings, check, err);

    if (status != SNAP_OK)
        return status;
    report_talk_rest(session->cli, cow->path, &findings, SNAP_WARNING);
    if (findings.severity_counts[SNAP_CORRUPTING] + findings.severity_counts[SNAP_FATAL] > 0)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: the store is damaged, so nothing was merged; to see all that is "
                         "wrong: snapcheck --origin %s %s", cow->path, cli_quote(session->origin.path).text,
                         cli_quote(cow->path).text);
    return SNAP_OK;
}

enum snap_status merge_check_identity(struct merge_session *session, const struct device *cow,
                                      const struct snap_store *store, struct snap_evidence *evidence,
                                      struct snap_error *err)
{
    struct cli *cli = session->cli;
    enum snap_status status = snap_evidence_gather(store, session->origin.io, &session->origin.facts, evidence, err);

    if (status != SNAP_OK)
        return status;
    if (evidence->unreadable > 0)
        cli_warn(cli, "%s, %s: %" PRIu64 " places where file systems keep their signatures cannot be read",
                 session->origin.path, cow->path, evidence->unreadable);
    switch (evidence->verdict) {
    case SNAP_IDENTITY_MATCH:
        cli_verbose(cli, "%s: %s", cow->path, evidence->text);
        break;
    case SNAP_IDENTITY_NO_RECORD:
        if (evidence->origin.uuid[0] == '\0' || strcmp(evidence->origin.uuid, evidence->view.uuid) != 0)
            cli_warn(cli, "%s: %s", cow->path, evidence->text);
        break;
    case SNAP_IDENTITY_GROWN:
        cli_warn(cli, "%s: %s", cow->path, evidence->text);
        break;
    case SNAP_IDENTITY_CONTRADICTS:
        if ((session->arguments.accept & 1u << MERGE_ACCEPT_IDENTITY) == 0)
            return snap_fail(err, SNAP_E_REFUSED, "%s: %s; if you know that %s is the right origin, add "
                             "--accept=identity",
                             cow->path, evidence->text, session->origin.path);
        cli_warn(cli, "%s: %s", cow->path, evidence->text);
    }
    return SNAP_OK;
}

static enum snap_status find_leftovers(struct merge_session *session, const struct snap_store *store,
                                       const struct snap_check_result *check, uint64_t *leftover_areas_end,
                                       struct snap_error *err)
{
    const struct snap_leftovers_search search = {.store = store, .origin = session->origin.io, .check = check,
                                             .memory_bytes = session->options.memory_bytes, .stop = cli_stop_asked};

    return snap_leftovers_find(&search, leftover_areas_end, err);
}

enum snap_status merge_check_cut(struct merge_session *session, const struct device *cow,
                                 const struct snap_store *store, const struct snap_check_result *check, bool appended,
                                 uint64_t *leftover_areas_end, struct snap_error *err)
{
    const uint64_t per_area = store->layout.entries_per_area;
    struct snap_error reason;
    bool equal;
    enum snap_status status;

    if (check->continuation_entries == 0)
        return find_leftovers(session, store, check, leftover_areas_end, err);
    status = snap_compare_merged(store, session->origin.io, check->continuation_area * per_area,
                                 check->continuation_entries, session->options.memory_bytes, cli_stop_asked, NULL,
                                 &equal,
                                 &reason);
    if (status == SNAP_E_IO) {
        cli_warn(session->cli, "%s: it is not known whether the entries behind the end of the list are on the origin "
                 "already: %s", cow->path, reason.text);
        equal = false;
    } else if (status != SNAP_OK) {
        *err = reason;
        return status;
    }
    if (equal) {
        cli_note(session->cli, "%s: the entries behind the end of the list are on the origin already: an earlier run "
                 "was interrupted", cow->path);
        return find_leftovers(session, store, check, leftover_areas_end, err);
    }
    if ((session->arguments.accept & 1u << MERGE_ACCEPT_CUT) != 0)
        return SNAP_OK;
    if (appended)
        return snap_fail(err, SNAP_E_REFUSED, "%s: %" PRIu64 " entries behind the end of the list may have been cut "
                         "off by a fault, and what is copied to this store would overwrite them; make a copy of the "
                         "store, then add --accept=cut", cow->path,
                         check->continuation_entries);
    switch (cli_ask(session->cli, false, "%s: %" PRIu64 " entries behind the end of the list may have been cut off by "
                    "a fault. They will be left alone. Go on with the %" PRIu64 " entries in the list?", cow->path,
                    check->continuation_entries,
                    check->entries)) {
    case CLI_ANSWER_YES:
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
    case CLI_ANSWER_NOBODY:
        break;
    }
    return snap_fail(err, SNAP_E_REFUSED,
                     "%s: %" PRIu64 " entries behind the end of the list may have been cut off by a fault; to merge "
                     "only the entries in the list, add --accept=cut",
                     cow->path, check->continuation_entries);
}

static bool differ(const char *before, const char *after)
{
    return before[0] != '\0' && after[0] != '\0' && strcmp(before, after) != 0;
}

bool merge_changes_identity(const struct merge_session *session)
{
    const struct snap_probe *before = &session->evidence.origin, *after = &session->evidence.view;
    const struct snap_identity *record = &session->store.identity; /* empty strings where there is none */

    return differ(before->uuid, after->uuid) || differ(before->uuid_sub, after->uuid_sub) ||
           differ(before->ptuuid, after->ptuuid) || differ(record->fs_uuid, after->uuid) ||
           differ(record->uuid_sub, after->uuid_sub) || differ(record->ptuuid, after->ptuuid);
}
