/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge --output shows: the place before, the result and the next step after. */
#include "tools/merge/output_report.h"

#include "lib/base/new_file.h"
#include "tools/cli/size.h"
#include "tools/merge/next.h"
#include "tools/shared/report.h"

#include <inttypes.h>

void merge_output_report_place(struct merge_session *session)
{
    const struct merge_output *output = &session->output;
    struct cli *cli = session->cli;

    if (output->partial_path)
        cli_line(cli, "output  %s: a new image of %s", output->target.path, cli_size_text(output->size_bytes).text);
    else
        cli_line(cli, "output  %s; this will be lost", report_device_text(&output->target, &output->on_target).text);
    cli_line(cli, "%s%s will be written to %s; origin and COW are only read.", output->partial_path ? "Up to " : "",
             cli_size_text_exact(output->most_bytes).text, output->target.path);
}

void merge_output_report_plan(struct merge_session *session)
{
    const struct merge_output *output = &session->output;
    FILE *out = session->cli->out;

    if (output->partial_path)
        report_print(out, "output: %s: a new image of %s", output->target.path,
                     cli_size_text_exact(output->size_bytes).text);
    else
        report_print(out, "output: %s", report_device_text(&output->target, &output->on_target).text);
    report_print(out, "to write: %s%s", output->partial_path ? "up to " : "",
                 cli_size_text_exact(output->most_bytes).text);
}

void merge_output_report_done(struct merge_session *session)
{
    const struct merge_output *output = &session->output;
    struct cli *cli = session->cli;

    cli_note(cli, "wrote the snapshot of %s and %s to %s: %s (%s of data%s) in %s, %s", session->origin.path,
             session->cow.path, output->target.path, cli_size_text(output->size_bytes).text,
             cli_size_text(output->written.written_bytes).text,
             output->written.written_bytes < output->size_bytes ? ", the rest are holes" : "",
             cli_duration_text(session->elapsed_ms).text,
             cli_rate_text(output->written.written_bytes, session->elapsed_ms).text);
    if (session->arguments.verify)
        cli_note(cli, "%s was read back and compared: all of it is correct", output->target.path);
    merge_next_use(session, output->target.path);
    cli_note(cli, "%s and %s were not changed", session->origin.path, session->cow.path);
}

void merge_output_report_interrupted(struct merge_session *session)
{
    const struct merge_output *output = &session->output;
    struct cli *cli = session->cli;

    cli_line(cli, "%s and %s were not changed.", session->origin.path, session->cow.path);
    if (output->complete && output->image) {
        if (snap_new_file_is_there(output->image))
            cli_line(cli, "The output is complete, as %s.",
                     output->image->placed ? output->target.path : output->partial_path);
        else
            cli_line(cli, "The output was complete, but its file was removed or replaced by another program: do not "
                     "use what is there; repeat the command with a name in a folder that only you can change.");
        return;
    }
    cli_line(cli, "%s is incomplete (%s of %s): do not use it.",
             output->partial_path ? output->partial_path : output->target.path,
             cli_size_text(output->written.done_bytes).text, cli_size_text(output->size_bytes).text);
    merge_next_repeat_output(session);
}

void merge_output_report_json(struct cli_json *result, const struct merge_session *session)
{
    const struct merge_output *output = &session->output;
    struct cli_json *object;

    if (!output->target.path)
        return;
    object = cli_json_object();
    cli_json_set_string(object, "path", output->target.path);
    cli_json_set_string(object, "partial_path", output->complete ? NULL : output->partial_path);
    cli_json_set_bool(object, "new_image", output->partial_path);
    cli_json_set_bool(object, "complete", output->complete);
    cli_json_set_uint(object, "size_bytes", output->size_bytes);
    cli_json_set_uint(object, "most_bytes", output->most_bytes);
    cli_json_set_uint(object, "written_bytes", output->written.written_bytes);
    cli_json_set_uint(object, "write_requests", output->written.write_requests);
    cli_json_set_uint(object, "verified_bytes", output->verified.done_bytes);
    cli_json_set(result, "output", object);
}
