/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcheck: holds a store against the rules of its format and says where it breaks one; never writes. */
#include "lib/base/bytes.h"
#include "lib/check/check.h"
#include "lib/check/check_data.h"
#include "lib/check/evidence.h"
#include "lib/merge/merge.h"
#include "tools/cli/cli.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/cli/size.h"
#include "tools/shared/devices.h"
#include "tools/shared/memory.h"
#include "tools/shared/report.h"

#include <inttypes.h>

static struct {
    const char *origin;
    bool data, dry_run, json;
} options;

static const struct cli_option option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the origin of the store: also check that the two fit",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &options.origin},
    {.name = "data",
     .help = "also read all data, to find chunks that cannot be read",
     .group = "What to check",
     .kind = CLI_FLAG,
     .flag = &options.data},
    CLI_OPTION_JSON(&options.json),
    CLI_OPTION_DRY_RUN(&options.dry_run),
    CLI_OPTIONS_END,
};

static const char *const operand_names[] = {"COW"};

struct session {
    struct cli *cli;
    struct device cow, origin;
    struct snap_store store;
    struct snap_findings findings;
    struct snap_check_result result;
    uint64_t unreadable;    /* data chunks */
    struct cli_progress *progress;
    struct cli_json *found; /* JSON: the findings */
};

/* A finding is the answer of this program: it goes to standard output. */
static enum snap_status show(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    struct session *session = context;
    const struct snap_rule_info *info = snap_rules_info(finding->rule);

    (void)err;
    if (session->found)
        cli_json_add(session->found, report_finding_json(finding));
    else
        report_print(session->cli->out, "%s: %s (%s: %s)%s%s", session->cow.path, report_finding_text(finding).text,
                     snap_rules_severity_name(finding->severity), info->id, session->cli->verbose ? "; " : "",
                     session->cli->verbose ? info->meaning : "");
    return SNAP_OK;
}

static bool sound(const struct snap_findings *findings)
{
    return findings->severity_counts[SNAP_CORRUPTING] == 0 && findings->severity_counts[SNAP_FATAL] == 0;
}

static void show_progress(void *context, uint64_t done_entries, uint64_t entries)
{
    const struct session *session = context;
    const uint64_t chunk_bytes = session->store.layout.chunk_bytes;

    cli_progress_update(session->progress, "read", done_entries * chunk_bytes, entries * chunk_bytes);
}

/* --data: every data chunk is read once. */
static enum snap_status check_data(struct session *session, uint64_t origin_sectors, struct snap_error *err)
{
    const struct snap_check_data_options data_options = {.origin_sectors = origin_sectors,
                                                         .stop = cli_stop_asked,
                                                         .progress = show_progress,
                                                         .progress_context = session};
    struct cli_progress progress;
    enum snap_status status;

    session->progress = &progress;
    cli_progress_begin(&progress, session->cli, session->cow.path, false, 0);
    status = snap_check_data(&session->store, session->result.entries, &data_options, &session->findings,
                             &session->unreadable, err);
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    return status;
}

/* Whoever uses a device may change it while it is looked at (rule device-held). */
static enum snap_status check_holders(struct session *session, const struct device *device, struct snap_error *err)
{
    struct snap_finding finding;
    char holders[192];

    snap_device_holders(device->path, &device->facts, holders, sizeof holders);
    if (holders[0] == '\0')
        return SNAP_OK;
    snap_findings_init(&finding, SNAP_RULE_DEVICE_HELD, "%s is %s", device == &session->cow ? "the store" : "the origin",
                      holders);
    return snap_findings_add(&session->findings, &finding, err);
}

static enum snap_status check(struct session *session, struct snap_error *err)
{
    struct snap_check_options check_options = {
        .memory_bytes = snap_merge_default_memory_bytes(memory_available_bytes()), .stop = cli_stop_asked};
    enum snap_status status = check_holders(session, &session->cow, err);

    if (status == SNAP_OK && session->origin.io)
        status = check_holders(session, &session->origin, err);
    if (status != SNAP_OK)
        return status;
    if (session->origin.io) {
        check_options.origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES;
        check_options.origin_block_bytes = session->origin.io->logical_block_bytes;
    }
    status = snap_check(&session->store, &check_options, &session->findings, &session->result, err);
    if (status == SNAP_OK && session->origin.io && sound(&session->findings) && session->result.list_complete) {
        struct snap_evidence evidence;

        status = snap_evidence_gather(&session->store, session->origin.io, &session->origin.facts, &evidence, err);
        if (status == SNAP_OK)
            status = snap_evidence_finding(&evidence, &session->findings, err);
    }
    if (status == SNAP_OK && options.data && sound(&session->findings) && session->result.list_complete)
        status = check_data(session, check_options.origin_sectors, err);
    return status;
}

static void print_summary(struct session *session)
{
    const uint64_t *counts = session->findings.severity_counts;
    const struct snap_check_result *result = &session->result;

    if (session->cli->quiet)
        return;
    if (result->list_complete)
        report_print(session->cli->out, "%s: %" PRIu64 " entries in chunks of %s, %" PRIu64 " free chunks: %s",
                     session->cow.path, result->entries, cli_size_text(session->store.layout.chunk_bytes).text,
                     result->free_chunks, sound(&session->findings) ? counts[SNAP_WARNING] ? "usable, with warnings"
                                                                                           : "clean"
                                                                    : "damaged");
    else
        report_print(session->cli->out, "%s: not usable", session->cow.path);
}

static int print_json(struct session *session, int exit_status)
{
    struct cli_json *document = cli_json_document(session->cli->program->name, cli_version());
    struct cli_json *figures = cli_json_object();
    struct snap_error err = {0};
    uint64_t findings_total = 0;

    for (int rule = 0; rule < SNAP_RULES; rule++)
        findings_total += session->findings.rule_counts[rule];

    cli_json_set_string(document, "device", session->cow.path);
    cli_json_set_string(document, "origin", session->origin.path);
    if (session->result.list_complete)
        report_set_figures(figures, &session->store, &session->result);
    if (session->result.list_complete)
        cli_json_set_uint(figures, "repeated_entries", session->result.repeated_entries);
    cli_json_set_bool(figures, "clean", sound(&session->findings) && session->findings.severity_counts[SNAP_WARNING] == 0);
    cli_json_set_bool(figures, "usable", sound(&session->findings));
    cli_json_set_uint(figures, "findings_total", findings_total);
    cli_json_set(document, "result", figures);
    cli_json_set(document, "findings", session->found);
    session->found = NULL;
    if (cli_json_finish(document, exit_status, session->cli->out, &err) != SNAP_OK)
        return cli_exit_worse(exit_status, cli_fail(session->cli, &err));
    return exit_status;
}

static int run(struct cli *cli)
{
    struct session session = {.cli = cli,
                              .findings = {.fn = show, .context = &session, .per_rule_max = REPORT_PER_RULE_MAX}};
    struct snap_error err = {0};
    int exit_status = CLI_EXIT_OK;
    enum snap_status status;

    cli_catch_signals();
    if (options.json)
        session.found = cli_json_array();
    status = devices_open_for_reading(&session.cow, cli->operands[0], &session.origin, options.origin, &session.store,
                                   &err);
    if (status == SNAP_OK)
        status = check(&session, &err);
    if (status != SNAP_OK) {
        exit_status = cli_fail(cli, &err);
    } else {
        exit_status = sound(&session.findings) ? CLI_EXIT_OK : CLI_EXIT_STORE;
        report_talk_rest(cli, session.cow.path, &session.findings, SNAP_NOTE);
        if (options.json)
            exit_status = print_json(&session, exit_status);
        else
            print_summary(&session);
    }
    cli_json_free(session.found);
    if (devices_close(&session.cow, &err) != SNAP_OK || devices_close(&session.origin, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    return exit_status;
}

static const struct cli_program program = {
    .name = "snapcheck",
    .purpose = "Checks a device-mapper snapshot store.",
    .synopsis = "[--origin DEV] [OPTION...] COW",
    .run = run,
    .options = option_table,
    .operand_names = operand_names,
    .operands_min = 1,
    .operands_max = 1,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
