/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the writing, and tells its end. */
#include "tools/output/run.h"

#include "lib/base/clock.h"
#include "tools/output/damaged.h"
#include "tools/output/prepare.h"
#include "tools/output/report.h"
#include "tools/output/write.h"
#include "tools/shared/moved.h"
#include "tools/shared/pair_report.h"

#include <stdlib.h>
#include <string.h>

/* Standard output may be what the snapshot is to go to: there the plan is talk. */
static void show_plan(struct output_session *output)
{
    const struct pair pair = output_prepare_pair(output);
    const enum report_to to = output->kind == OUTPUT_STREAM ? REPORT_TALK : REPORT_DATA;

    if (!output->arguments.json) {
        pair_report_all(&pair, &output->check, &output->evidence, to);
        output_report_plan(output, to);
        cli_nothing_written(output->cli);
    }
}

/* Of a new image: the name that it has by now, and where one of its final name would come. */
static int say_image(struct output_session *output, int exit_status)
{
    char **const path = output->image->placed ? &output->target.path : &output->partial_path;
    char *given = strdup(*path), *place = output->image->placed ? NULL : moved_place(output->folder);

    if (given)
        exit_status = moved_say_file(output->cli, &given, output->image->fd, output->folder, true, exit_status);
    output->target.nameless = !given;
    if (given) {
        free(*path);
        *path = given;
    }
    if (place) {
        free(output->target.path);
        output->target.path = place;
    }
    return exit_status;
}

/* Where the names mean something else by now; the report below has the new ones. */
static int say_places(struct output_session *output, int exit_status)
{
    exit_status = moved_say(output->cli, output->origin, false, exit_status);
    exit_status = moved_say(output->cli, output->cow, false, exit_status);
    exit_status = moved_say(output->cli, &output->target, true, exit_status);
    return output->image ? say_image(output, exit_status) : exit_status;
}

int output_run(struct output_session *output, const char **outcome)
{
    const struct snap_clock *clock = &snap_clock_system;
    const uint64_t start_ns = clock->now_ns(clock->context);
    struct cli_progress progress;
    struct snap_error err = {0};
    enum snap_status status;
    int exit_status;

    *outcome = output->arguments.dry_run ? "planned" : NULL;
    if (output->arguments.dry_run) {
        show_plan(output);
        return CLI_EXIT_OK;
    }
    status = output_write_begin(output, &err);
    if (status != SNAP_OK)
        return cli_refuse(output->cli, &err);
    cli_progress_begin(&progress, output->cli, output->target.path, output->arguments.progress_json,
                       output->arguments.progress_seconds);
    status = output_write(output, &progress, &err);
    output->elapsed_ms = (clock->now_ns(clock->context) - start_ns) / 1000000;
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    exit_status = cli_exit_status(status);
    if (status == SNAP_OK && (output->store->defect == SNAP_HEADER_INVALID || output->damaged.count > 0 ||
                              output->damaged.behind_end || output->check.entries_old_range > 0))
        exit_status = CLI_EXIT_STORE;
    if (status != SNAP_OK)
        (void)cli_fail(output->cli, &err);
    exit_status = say_places(output, exit_status);
    if (status == SNAP_OK) {
        output_damaged_name_files(output);
        output_report_done(output);
    } else {
        output_report_interrupted(output, status);
    }
    *outcome = cli_exit_outcome(status);
    return exit_status;
}
