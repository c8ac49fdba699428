/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcreate: makes a store for an origin, empty or with what differs from a newer content of it. */
#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/check/identity.h"
#include "lib/device/probe.h"
#include "lib/view/diff.h"
#include "tools/cli/cli.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/cli/size.h"
#include "tools/create/plan.h"
#include "tools/shared/report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static const char *const size_words[] = {"max", NULL};
static const char *const table_words[] = {"P", "PO", NULL};
#define SIZE_MAX_WORD UINT64_MAX
#define SIGNATURES_MAX 32 /* on one device; a backup that stays after so many is worth no loop */

static struct {
    const char *origin, *cow, *label, *from_diff;
    uint64_t chunk_bytes, size_bytes;
    bool size_given, force, no_identity, dry_run, json, table_given;
    int table_mode;
} options = {.chunk_bytes = 4096};

static const struct cli_option option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the device that the snapshot is taken of; only read",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &options.origin,
     .required = true},
    {.name = "cow",
     .argument = "DEV",
     .help = "where the store is made",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &options.cow,
     .required = true},
    {.name = "from-diff",
     .argument = "NEW",
     .help = "make the store through which the origin looks exactly\nlike this device or image",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &options.from_diff},
    {.name = "chunk-size",
     .argument = "SIZE",
     .help = "a power of two (default 4K)",
     .group = "Store",
     .kind = CLI_SIZE,
     .number = &options.chunk_bytes,
     .minimum = 1},
    {.name = "size",
     .argument = "SIZE|max",
     .help = "make a new sparse image of this size at --cow;\nmax can never overflow",
     .group = "Store",
     .kind = CLI_SIZE,
     .number = &options.size_bytes,
     .words = size_words,
     .minimum = 1,
     .given = &options.size_given},
    {.name = "label",
     .argument = "TEXT",
     .help = "a name for people, kept in the identity record",
     .group = "Store",
     .kind = CLI_STRING,
     .string = &options.label},
    {.name = "no-identity",
     .help = "do not record in the store which origin it belongs to",
     .group = "Store",
     .kind = CLI_FLAG,
     .flag = &options.no_identity},
    {.name = "print-table",
     .argument = "P|PO",
     .help = "print the dmsetup tables for this pair; P: overflow\ninvalidates, PO: overflow fails writes",
     .group = "Output",
     .kind = CLI_WORD,
     .word = &options.table_mode,
     .words = table_words,
     .given = &options.table_given},
    CLI_OPTION_JSON(&options.json),
    {.name = "force",
     .letter = 'f',
     .help = "overwrite what is on the COW device",
     .group = "Safety",
     .kind = CLI_FLAG,
     .flag = &options.force},
    CLI_OPTION_DRY_RUN(&options.dry_run),
    CLI_OPTIONS_END,
};

/* The origin and the newer content, looked at and open for reading. */
static enum snap_status open_sources(struct create_session *session, struct snap_error *err)
{
    const struct snap_file_options io_options = {.write = false};
    enum snap_status status = devices_find(&session->origin, options.origin, err);

    if (status == SNAP_OK)
        status = devices_open(&session->origin, &io_options, err);
    if (status == SNAP_OK && options.from_diff) {
        status = devices_find(&session->newer, options.from_diff, err);
        if (status == SNAP_OK)
            status = devices_distinct(&session->origin, &session->newer, err);
        if (status == SNAP_OK)
            status = devices_open(&session->newer, &io_options, err);
    }
    if (status == SNAP_OK && session->newer.io &&
        session->newer.io->size_bytes / SNAP_SECTOR_BYTES != session->origin.io->size_bytes / SNAP_SECTOR_BYTES)
        status = snap_fail(err, SNAP_E_REFUSED, "%s has %" PRIu64 " sectors, but %s has %" PRIu64 "; they must have the same size",
                           session->newer.path, session->newer.io->size_bytes / SNAP_SECTOR_BYTES,
                           session->origin.path, session->origin.io->size_bytes / SNAP_SECTOR_BYTES);
    return status == SNAP_OK ? snap_probe_io(session->origin.io, &session->on_origin, err) : status;
}

static enum snap_status plan(struct create_session *session, struct snap_error *err)
{
    enum snap_status status = open_sources(session, err);

    if (status == SNAP_OK)
        status = create_check_chunk(session, options.chunk_bytes, err);
    if (status == SNAP_OK)
        status = options.size_given
                     ? create_plan_image(session, options.size_bytes == SIZE_MAX_WORD ? 0 : options.size_bytes, err)
                     : create_plan_device(session, options.force, options.dry_run, err);
    if (status == SNAP_OK)
        status = create_check_room(session, err);
    if (status == SNAP_OK && !options.no_identity) {
        const struct snap_origin_facts facts = {session->origin.io->size_bytes / SNAP_SECTOR_BYTES,
                                                &session->origin.facts, &session->on_origin};
        time_t now = time(NULL);

        status = snap_identity_fill(&session->identity, &facts, session->layout.chunk_sectors, options.label,
                                    now > 0 ? (uint64_t)now : 0, err);
    }
    return status;
}

static void show_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    cli_progress_update(context, "compare", done_bytes, total_bytes);
}

/* Images and what is newer than both: what differs goes into the store. */
static enum snap_status add_difference(struct create_session *session, struct snap_create *create,
                                       struct snap_error *err)
{
    struct cli_progress progress;
    const struct snap_diff_control control = {.next_data = snap_file_next_data,
                                              .stop = cli_stop_asked,
                                              .progress = show_progress,
                                              .progress_context = &progress};
    enum snap_status status;

    cli_progress_begin(&progress, session->cli, session->newer.path, false, 0);
    status = snap_diff(create, &session->layout, session->origin.io, session->newer.io, &control, err);
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    return status;
}

/* What was on the COW must not be taken for its content any more: one signature after the other, as they are found. */
static enum snap_status wipe_signatures(struct create_session *session, struct snap_create *create,
                                        struct snap_error *err)
{
    struct snap_probe probe;
    enum snap_status status = SNAP_OK;

    for (int i = 0; i < SIGNATURES_MAX && status == SNAP_OK; i++) {
        status = snap_probe_io(session->cow.io, &probe, err);
        if (status != SNAP_OK || (probe.type[0] == '\0' && probe.pttype[0] == '\0'))
            return status;
        status = snap_create_wipe(create, probe.signature_offset_bytes, err);
    }
    return status;
}

static enum snap_status write_store(struct create_session *session, struct snap_error *err)
{
    struct snap_create *create;
    enum snap_status status = SNAP_OK;

    if (session->new_image_bytes > 0)
        status = create_make_image(session, err);
    if (status != SNAP_OK)
        return status;
    status = snap_create_begin(&create, session->cow.io, &session->layout, err);
    /* It refuses before its first write; a new image is there in any case. */
    session->touched = session->new_image_bytes > 0 || (status != SNAP_E_REFUSED && status != SNAP_E_NOMEM);
    if (status != SNAP_OK)
        return status;
    session->begun = true;
    status = wipe_signatures(session, create, err);
    if (status == SNAP_OK && options.from_diff)
        status = add_difference(session, create, err);
    if (status == SNAP_OK)
        status = snap_create_finish(create, options.no_identity ? NULL : &session->identity, err);
    session->entries = snap_create_entries(create);
    snap_create_close(create);
    if (status == SNAP_OK && session->image)
        status = snap_new_file_place(session->image, NULL, err);
    if (status == SNAP_OK)
        cli_note(session->cli, "%s: made a store with chunks of %s and %" PRIu64 " entries", session->cow.path,
                 cli_size_text(session->layout.chunk_bytes).text, session->entries);
    if (status == SNAP_OK)
        report_note_cached(session->cli, &session->cow);
    return status;
}

/* A failure after the first write: what the COW holds now must be said. */
static int fail_half_way(struct create_session *session, const struct snap_error *err)
{
    int exit_status = cli_fail(session->cli, err);
    struct snap_error left;

    if (session->image && session->image->placed)
        return exit_status; /* whole: the failure said so */
    if (session->image && snap_new_file_remove(session->image, &left) == SNAP_OK)
        cli_line(session->cli, "%s was removed again.", session->cow.path);
    else if (session->image)
        cli_line(session->cli, "%s", left.text);
    else if (!session->begun)
        cli_line(session->cli, "%s: its first block could not be cleared durably, so it is not certain that it still "
                 "holds what it held before; repeat the command to make a store.", session->cow.path);
    else
        cli_line(session->cli, "%s holds no store now; %srepeat the command to make one.", session->cow.path,
                 err->status == SNAP_E_NOSPC ? "make room (--size max: an image that can never overflow), then " : "");
    return exit_status;
}

static int run(struct cli *cli)
{
    struct create_session session = {.cli = cli, .cow_argument = options.cow};
    struct snap_error err = {0};
    int exit_status = CLI_EXIT_OK;
    enum snap_status status;

    if (options.label && strlen(options.label) >= sizeof session.identity.label)
        return cli_usage_error(cli, "--label: the store keeps at most %zu bytes, and this label has %zu",
                               sizeof session.identity.label - 1, strlen(options.label));
    cli_catch_signals();
    status = plan(&session, &err);
    if (status == SNAP_OK && options.table_given)
        status = create_make_tables(&session, options.table_mode == 1, &err);
    if (status == SNAP_OK)
        create_show_room(&session);
    if (status == SNAP_OK && !options.dry_run)
        status = write_store(&session, &err);
    if (status != SNAP_OK)
        exit_status = session.touched ? fail_half_way(&session, &err) : cli_refuse(cli, &err);
    else if (options.json)
        exit_status = create_print_json(&session, options.dry_run);
    else
        create_print_tables(&session);
    if (status == SNAP_OK && options.dry_run)
        cli_nothing_written(cli);
    if (devices_close(&session.cow, &err) != SNAP_OK || create_close_image(&session, &err) != SNAP_OK ||
        devices_close(&session.newer, &err) != SNAP_OK || devices_close(&session.origin, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    return exit_status;
}

static const struct cli_program program = {
    .name = "snapcreate",
    .purpose = "Makes a device-mapper snapshot store.",
    .synopsis = "--origin DEV --cow DEV [OPTION...]",
    .run = run,
    .options = option_table,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
