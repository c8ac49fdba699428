/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapmerge. */
#ifndef DMSNAP_TOOLS_MERGE_OPTIONS
#define DMSNAP_TOOLS_MERGE_OPTIONS

#include "lib/io/file.h"
#include "tools/cli/cli.h"
#include "tools/cli/size.h"

enum merge_seeks { MERGE_SEEKS_AUTO, MERGE_SEEKS_FREE, MERGE_SEEKS_TWO_DISKS, MERGE_SEEKS_ONE_DISK };
enum merge_overflow { MERGE_OVERFLOW_REFUSE, MERGE_OVERFLOW_INVALIDATE };

struct merge_arguments {
    const char *origin, *cow, *checkpoint, *bad_list, *undo, *output;
    struct cli_strings preserve, devices;
    int overflow;    /* enum merge_overflow */
    bool dry_run, yes, json, progress_json, kernel, keep_cow, idle, verify, skip_identical, continue_on_error, drop_bad;
    uint64_t rate_limit_bytes, iops_limit, memory_bytes, progress_seconds, queue_depth;
    uint64_t checkpoint_seconds; /* 0: not given */
    int io_engine;   /* enum snap_io_engine */
    int seeks;       /* enum merge_seeks */
    unsigned accept; /* bits of enum accept */
};

extern const struct cli_option merge_option_table[];
extern const struct cli_option_rule merge_option_rules[];

/*
 * Hands over what the frame has parsed into the table. CLI_EXIT_OK, or a usage error where values do not go together,
 * which the rules cannot know.
 */
int merge_options_take(struct cli *cli, struct merge_arguments *given);

/* How a device is opened, with --io-engine and --queue-depth. A dry run only foresees whether it can be written to. */
struct snap_file_options merge_options_io(const struct merge_arguments *given, bool write, bool exclusive);

#endif
