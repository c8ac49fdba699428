/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says what will be written, what was written, and the command that goes on. */
#include "tools/output/report.h"

#include "lib/base/new_file.h"
#include "tools/cli/size.h"
#include "tools/output/damaged.h"
#include "tools/shared/accept.h"
#include "tools/shared/invalid.h"
#include "tools/shared/moved.h"
#include "tools/shared/next.h"
#include "tools/shared/volumes.h"

#include <inttypes.h>

/* What stands before the number of bytes: zeros are left out of an image, and how many there are is not known yet. */
static const char *bound(const struct output_session *output, const char *word)
{
    return output->kind == OUTPUT_IMAGE ? word : "";
}

void output_report_place(struct output_session *output)
{
    struct cli *cli = output->cli;

    if (output->kind == OUTPUT_IMAGE)
        report_field(cli, REPORT_TALK, "output", "%s: a new image of %s", output->target.path,
                     cli_size_text(output->size_bytes).text);
    else
        report_field(cli, REPORT_TALK, "output", "%s; this will be lost",
                     report_device_text(&output->target, &output->on_target).text);
    cli_line(cli, "%s%s will be written to %s; origin and COW are only read.", bound(output, "Up to "),
             cli_size_text_exact(output->most_bytes).text, output->target.path);
}

void output_report_plan(const struct output_session *output, enum report_to to)
{
    struct cli *cli = output->cli;

    if (output->kind == OUTPUT_IMAGE)
        report_field(cli, to, "output", "%s: a new image of %s", output->target.path,
                     cli_size_text_exact(output->size_bytes).text);
    else if (output->kind == OUTPUT_DEVICE)
        report_field(cli, to, "output", "%s", report_device_text(&output->target, &output->on_target).text);
    else
        report_field(cli, to, "output", "%s", output->target.path);
    report_field(cli, to, "to write", "%s%s", bound(output, "up to "), cli_size_text_exact(output->most_bytes).text);
    if (output->free_known)
        report_field(cli, to, "free there", "%s", cli_size_text_exact(output->free_bytes).text);
}

void output_report_invalid(const struct output_session *output)
{
    if (output->store->defect != SNAP_HEADER_INVALID)
        return;
    cli_warn(output->cli, "%s: the store is marked invalid: what it shows may not be all of the snapshot",
             output->cow->path);
    /* Damaged entries would make the first two untrue. */
    for (unsigned i = output->arguments.skip != OUTPUT_SKIP_NOTHING ? INVALID_SENTENCES - 1 : 0;
         i < INVALID_SENTENCES; i++)
        cli_warn(output->cli, "%s: %s", output->cow->path, invalid_text(&output->check, i).text);
}

void output_report_done(struct output_session *output)
{
    struct cli *cli = output->cli;

    cli_note(cli, "wrote the snapshot of %s and %s to %s: %s (%s of data%s) in %s", output->origin->path,
             output->cow->path, output->target.path, cli_size_text(output->size_bytes).text,
             cli_size_text(output->written.written_bytes).text,
             output->written.written_bytes < output->size_bytes ? ", the rest are holes" : "",
             cli_pace_text(output->written.written_bytes, output->elapsed_ms).text);
    if (output->arguments.verify)
        cli_note(cli, "%s was read back and compared: all of it is correct", output->target.path);
    output_damaged_say(output);
    if (output->check.continuation_entries > 0 && accept_has(output->arguments.accept, ACCEPT_CUT))
        cli_warn(cli, "%s: what %s behind the end of the list %s is not in %s", output->cow->path,
                 cli_count_text(output->check.continuation_entries, "entry", "entries").text,
                 output->check.continuation_entries == 1 ? "holds" : "hold", output->target.path);
    if (output->store->defect == SNAP_HEADER_INVALID)
        cli_warn(cli, "%s: the store is marked invalid: read above what may be missing here", output->cow->path);
    if (output->kind != OUTPUT_STREAM)
        next_use(cli, &output->evidence.view, &output->target);
    cli_note(cli, "%s and %s were not changed", output->origin->path, output->cow->path);
}

/* One of which nobody knows where it is now. */
static const struct device *lost_input(const struct output_session *output)
{
    return output->origin->nameless ? output->origin : output->cow->nameless ? output->cow : NULL;
}

/* The command that goes on; what was accepted has to be accepted again. */
static void repeat(struct output_session *output)
{
    /* What is on the device now may look like what the snapshot holds. */
    const unsigned accept =
        output->arguments.accept | (output->kind == OUTPUT_DEVICE ? 1u << ACCEPT_OUTPUT_SIGNATURE : 0);
    const char *partial = output->target.nameless ? NULL : output->partial_path;
    const struct device *lost = lost_input(output);

    if (lost || (output->target.nameless && output->kind == OUTPUT_DEVICE)) {
        moved_no_line(output->cli, "To go on", lost ? lost->path : output->target.path);
        return;
    }
    cli_line(output->cli, "To go on: %s%s%s%s%s --origin %s --cow %s %s %s%s%s%s%s%s", partial ? "rm " : "",
             partial ? cli_quote(partial).text : "", partial ? " && " : "", output->cli->program->name,
             volumes_option(output->arguments.devices).text,
             cli_quote(output->origin->path).text, cli_quote(output->cow->path).text, output->arguments.option,
             cli_quote(output->target.path).text, output->arguments.verify ? " --verify" : "",
             accept ? " --accept=" : "", accept_text(accept).text,
             output->arguments.skip != OUTPUT_SKIP_NOTHING ? " --skip-damaged=" : "",
             output->arguments.skip != OUTPUT_SKIP_NOTHING ? output_skip_words[output->arguments.skip] : "");
}

/* Data of the store cannot be read: repeating the command does not help. */
static void damaged(struct output_session *output)
{
    const struct cli_quoted origin = cli_quote(output->origin->path), cow = cli_quote(output->cow->path);
    const struct report_text devices = volumes_option(output->arguments.devices);
    const unsigned accept = output->arguments.accept;

    if (lost_input(output))
        return; /* that has been said */
    cli_line(output->cli, "To see all chunks that cannot be read: snapcheck --all --data%s --origin %s --cow %s",
             devices.text, origin.text, cow.text);
    cli_line(output->cli, "To get everything else: snapinspect --extract FILE --skip-damaged=origin%s%s%s "
             "--origin %s %s", accept ? " --accept=" : "", accept_text(accept).text, devices.text, origin.text,
             cow.text);
}

void output_report_interrupted(struct output_session *output, enum snap_status status)
{
    struct cli *cli = output->cli;

    cli_line(cli, "%s and %s were not changed.", output->origin->path, output->cow->path);
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
             output->kind == OUTPUT_STREAM  ? "What went to standard output"
             : output->kind == OUTPUT_IMAGE ? output->partial_path
                                            : output->target.path,
             cli_size_text(output->written.done_bytes).text, cli_size_text(output->size_bytes).text);
    if (status == SNAP_E_CORRUPT)
        damaged(output);
    else if (output->kind != OUTPUT_STREAM)
        repeat(output);
}

void output_report_json(struct cli_json *result, const struct output_session *output)
{
    struct cli_json *object;

    if (!output->target.path)
        return;
    object = cli_json_object();
    cli_json_set_string(object, "path", output->target.path);
    cli_json_set_string(object, "partial_path", output->complete ? NULL : output->partial_path);
    cli_json_set_bool(object, "new_image", output->kind == OUTPUT_IMAGE);
    cli_json_set_bool(object, "complete", output->complete);
    cli_json_set_uint(object, "size_bytes", output->size_bytes);
    cli_json_set_uint(object, "most_bytes", output->most_bytes);
    if (output->free_known)
        cli_json_set_uint(object, "free_bytes", output->free_bytes);
    else
        cli_json_set_null(object, "free_bytes");
    cli_json_set_uint(object, "written_bytes", output->written.written_bytes);
    cli_json_set_uint(object, "write_requests", output->written.write_requests);
    cli_json_set_uint(object, "verified_bytes", output->verified.done_bytes);
    output_damaged_set_json(object, output);
    cli_json_set(result, "output", object);
}
