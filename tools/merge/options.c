/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapmerge. */
#include "tools/merge/options.h"

#include "tools/output/stream.h"
#include "tools/shared/accept.h"
#include "tools/shared/memory.h"
#include "tools/shared/volumes.h"

#include <string.h>

static const char *const overflow_words[] = {"refuse", "invalidate", NULL}; /* enum merge_overflow */
static const char *const engine_words[] = {"auto", "io_uring", "threads", NULL}; /* enum snap_io_engine */

static const char *const seeks_words[] = {"auto", "free", "two-disks", "one-disk", NULL}; /* enum merge_seeks */

/* Where the table leads; a session has a copy. */
static struct merge_arguments parsed;

const struct cli_option merge_option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the device that the snapshot was taken of; it is written to\n"
             "(not needed where --cow is a snapshot lvm:VG/LV)",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.origin},
    {.name = "cow",
     .argument = "DEV",
     .help = "the store; it is consumed",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.cow,
     .required = true},
    VOLUMES_OPTION_DEVICES(&parsed.devices),
    {.name = "output",
     .argument = "FILE|DEV",
     .help = "write the merged content there, to a new file, a device, or\n"
             "standard output (-); origin and COW are only read",
     .group = "Devices",
     .kind = CLI_STRING,
     .stream = true,
     .string = &parsed.output},
    {.name = "kernel",
     .help = "let the kernel merge, through the snapshot-origin of this\norigin, which can be used meanwhile; wait "
             "for its end",
     .group = "Kernel",
     .kind = CLI_FLAG,
     .flag = &parsed.kernel},
    CLI_OPTION_DRY_RUN(&parsed.dry_run),
    CLI_OPTION_YES(&parsed.yes),
    {.name = "accept",
     .argument = "LIST",
     .help = "go on in spite of: identity (the store names another\norigin), cut (the list may have been cut off), "
             "undo (this\nmerge was begun with an undo store), parent (the snapshot\nthat an undo store belongs to "
             "loses its view), siblings (so do\nother LVM snapshots of the origin), in-use (with --kernel:\nprograms "
             "have the origin open), output-signature\n(something is on the output device),\n"
             "space (it may not fit),\ninvalid (with --output: the store was given up),\n"
             "origin-size (the origin was never larger)",
     .group = "Safety",
     .kind = CLI_LIST,
     .list = &parsed.accept,
     .words = accept_words},
    {.name = "verify",
     .help = "read everything back past the cache, and compare, before\nthe list is shortened",
     .group = "Safety",
     .kind = CLI_FLAG,
     .flag = &parsed.verify},
    {.name = "preserve",
     .argument = "COW2",
     .help = "keep the view of this other snapshot of the origin: what\nis replaced is copied to it first; "
             "may be repeated",
     .group = "Other snapshots",
     .kind = CLI_STRINGS,
     .strings = &parsed.preserve},
    {.name = "overflow",
     .argument = "WORD",
     .help = "where such a store has no room: refuse (default), or\ninvalidate: mark it invalid, after a question",
     .group = "Other snapshots",
     .kind = CLI_WORD,
     .word = &parsed.overflow,
     .words = overflow_words},
    {.name = "undo",
     .argument = "FILE",
     .help = "keep what is replaced in this store (a file or device, or a\nvolume lvm:VG/LV; it is made, or "
             "continued): it takes the\nmerge back",
     .group = "Way back",
     .kind = CLI_STRING,
     .string = &parsed.undo},
    {.name = "continue-on-error",
     .help = "leave chunks on bad sectors in the store, merge the rest",
     .group = "Bad sectors",
     .kind = CLI_FLAG,
     .flag = &parsed.continue_on_error},
    {.name = "bad-list",
     .argument = "FILE",
     .help = "with --continue-on-error: list these chunks here",
     .group = "Bad sectors",
     .kind = CLI_STRING,
     .string = &parsed.bad_list},
    {.name = "drop-bad",
     .help = "with --continue-on-error: give these chunks up at the\nend; the origin keeps what it has there",
     .group = "Bad sectors",
     .kind = CLI_FLAG,
     .flag = &parsed.drop_bad},
    {.name = "keep-cow",
     .help = "leave the COW as it is; chunks that the origin has\nalready are compared, not written",
     .group = "Keeping the COW",
     .kind = CLI_FLAG,
     .flag = &parsed.keep_cow},
    {.name = "checkpoint",
     .argument = "FILE",
     .help = "with --keep-cow: remember here what is merged",
     .group = "Keeping the COW",
     .kind = CLI_STRING,
     .string = &parsed.checkpoint},
    {.name = "skip-identical",
     .help = "compare first, past the cache; write only what differs",
     .group = "Tuning",
     .kind = CLI_FLAG,
     .flag = &parsed.skip_identical},
    {.name = "rate-limit",
     .argument = "SIZE",
     .help = "read and write at most SIZE per second on each device",
     .group = "Tuning",
     .kind = CLI_SIZE,
     .number = &parsed.rate_limit_bytes,
     .minimum = 4096},
    {.name = "iops-limit",
     .argument = "N",
     .help = "make at most N requests per second to each device",
     .group = "Tuning",
     .kind = CLI_UINT,
     .number = &parsed.iops_limit,
     .minimum = 1},
    {.name = "idle",
     .help = "only use the disks while nobody else does (I/O priority\nclass idle; only some I/O schedulers heed it)",
     .group = "Tuning",
     .kind = CLI_FLAG,
     .flag = &parsed.idle},
    {.name = "checkpoint-interval",
     .argument = "SEC",
     .help = "shorten the list about every SEC seconds (default 30, or\n600 where a disk spins)",
     .group = "Tuning",
     .kind = CLI_SECONDS,
     .number = &parsed.checkpoint_seconds,
     .minimum = 1},
    MEMORY_OPTION(&parsed.memory_bytes),
    {.name = "queue-depth",
     .argument = "N",
     .help = "keep up to N requests in flight (default 64)",
     .group = "Tuning",
     .kind = CLI_UINT,
     .number = &parsed.queue_depth,
     .minimum = 1},
    {.name = "io-engine",
     .argument = "WORD",
     .help = "how requests are made (default auto)",
     .group = "Tuning",
     .kind = CLI_WORD,
     .word = &parsed.io_engine,
     .words = engine_words},
    {.name = "seeks",
     .argument = "WORD",
     .help = "what seeks cost: free, two-disks, one-disk (origin and COW\non one that spins), or auto: find out "
             "(default)",
     .group = "Tuning",
     .kind = CLI_WORD,
     .word = &parsed.seeks,
     .words = seeks_words},
    CLI_OPTION_JSON(&parsed.json),
    {.name = "progress-json",
     .help = "print progress as JSON lines on standard error",
     .group = "Output",
     .kind = CLI_FLAG,
     .flag = &parsed.progress_json,
     .lacks = cli_json_lacks},
    {.name = "progress-frequency",
     .argument = "SEC",
     .help = "print progress every SEC seconds",
     .group = "Output",
     .kind = CLI_SECONDS,
     .number = &parsed.progress_seconds,
     .minimum = 1},
    CLI_OPTIONS_END,
};

const struct cli_option_rule merge_option_rules[] = {
    {.name = "output",
     .excludes = {"preserve", "undo", "checkpoint", "checkpoint-interval", "skip-identical", "continue-on-error"},
     .reason = "with --output, the origin and the COW are only read"},
    {.name = "kernel",
     .excludes = {"output", "keep-cow", "checkpoint"},
     .reason = "the kernel merges into the origin and takes entries off the store, which is its record of progress"},
    {.name = "kernel",
     .excludes = {"preserve", "overflow"},
     .reason = "the kernel keeps the views of the snapshots that are active, and of no others"},
    {.name = "kernel", .excludes = {"undo"}, .reason = "the kernel keeps nothing of what it replaces"},
    {.name = "kernel",
     .excludes = {"continue-on-error", "bad-list", "drop-bad", "verify", "skip-identical"},
     .reason = "the kernel stops at the first bad sector, and neither compares nor reads back"},
    {.name = "kernel",
     .excludes = {"rate-limit", "iops-limit", "idle", "checkpoint-interval", "queue-depth", "io-engine", "seeks"},
     .reason = "the kernel moves the data, in its own way"},
    {.name = "checkpoint",
     .needs = "keep-cow",
     .reason = "a merge without it records its progress in the store itself"},
    {.name = "bad-list",
     .needs = "continue-on-error",
     .reason = "the file lists the chunks that a merge with --continue-on-error could not copy"},
    {.name = "drop-bad",
     .needs = "continue-on-error",
     .reason = "only with --continue-on-error are there chunks to give up"},
    {.name = "drop-bad",
     .excludes = {"keep-cow"},
     .reason = "--drop-bad removes entries from the store, and --keep-cow leaves the store as it is"},
    CLI_OPTION_RULES_END,
};

static bool same_name(const char *first, const char *second)
{
    return first && second && strcmp(first, second) == 0;
}

/* Whether --devices is about anything. */
static int check_devices(struct cli *cli, const struct merge_arguments *given)
{
    if ((given->output && devices_is_lvm(given->output)) || (given->undo && devices_is_lvm(given->undo)))
        return CLI_EXIT_OK;
    for (unsigned i = 0; i < given->preserve.count; i++)
        if (devices_is_lvm(given->preserve.items[i]))
            return CLI_EXIT_OK;
    return volumes_usage(cli, &given->devices, given->cow, given->origin);
}

int merge_options_take(struct cli *cli, struct merge_arguments *given)
{
    int exit_status;

    *given = parsed;
    if (!given->origin && !devices_is_lvm(given->cow))
        return cli_usage_error(cli, "the option --origin DEV is missing");
    exit_status = check_devices(cli, given);
    if (exit_status != CLI_EXIT_OK)
        return exit_status;
    if (given->kernel && (devices_is_lvm(given->cow) || devices_is_lvm(given->origin)))
        return cli_usage_error(cli, "--kernel: LVM lets the kernel merge its volumes itself: lvconvert --merge "
                               "VG/SNAPSHOT; those that are not active are merged without --kernel");
    if (accept_has(given->accept, ACCEPT_IN_USE) && !given->kernel)
        return cli_usage_error(cli, "--accept=in-use needs --kernel: only the kernel can merge into an origin that "
                               "is in use");
    if (given->overflow != MERGE_OVERFLOW_REFUSE && given->preserve.count == 0 && !devices_is_lvm(given->cow) &&
        !devices_is_lvm(given->origin))
        return cli_usage_error(cli, "--overflow needs --preserve: it says what becomes of a store that is named there "
                               "and has no room");
    /* Files that may not be there yet: each would replace the other. */
    if (same_name(given->undo, given->bad_list) || same_name(given->undo, given->checkpoint) ||
        same_name(given->bad_list, given->checkpoint))
        return cli_usage_error(cli, "--undo, --bad-list and --checkpoint need a file each");
    return output_stream_check(cli, "--output", given->output, &parsed.json, given->verify);
}

struct snap_file_options merge_options_io(const struct merge_arguments *given, bool write, bool exclusive)
{
    return (struct snap_file_options){
        .write = write && !given->dry_run,
        .foresee = write && given->dry_run,
        .exclusive = exclusive,
        .engine = (enum snap_io_engine)given->io_engine,
        .queue_depth = (unsigned)given->queue_depth,
    };
}
