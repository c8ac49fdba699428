/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge shows: the two devices and the plan before, the result and the next step after. */
#ifndef DMSNAP_TOOLS_MERGE_REPORT
#define DMSNAP_TOOLS_MERGE_REPORT

#include "lib/check/check.h"
#include "lib/check/evidence.h"
#include "lib/merge/checkpoint.h"
#include "lib/merge/merge.h"
#include "lib/merge/sibling.h"
#include "tools/merge/output.h"
#include "tools/shared/devices.h"

/* Chunks that could not be merged (merge_bad.h). */
struct merge_bad_chunks {
    struct snap_merge_bad *items;
    size_t count, room;
    uint64_t unknown;            /* more, that did not fit into memory */
    const char *list_path;       /* NULL: no file */
    char *listed;                /* what the file held before; NULL: nothing */
};

#define MERGE_ASIDES_MAX (CLI_STRINGS_MAX + 1u)

/* A store of the same origin whose view is kept: given with --preserve, or the undo store. */
struct merge_aside {
    struct tool_device device;
    struct snap_store store;
    struct snap_check_result check;
    struct snap_sibling *sibling;
    struct snap_sibling_need need;
    bool is_undo;
    bool must_be_empty;          /* an undo store that no merge was begun with */
    bool invalidate;             /* no room, and given up */
};

/* One run of snapmerge, as far as it has come. */
struct merge_session {
    struct cli *cli;
    struct tool_device origin, cow;
    struct snap_store store;
    struct snap_check_result check;
    struct snap_evidence evidence;
    struct snap_merge_job job;
    struct snap_merge_options options;
    struct snap_merge_result result;
    uint64_t memory_bytes;           /* all of it; options has the share of the merge itself */
    uint64_t elapsed_ms;
    const char *checkpoint_path;     /* keep_cow: NULL for none */
    struct snap_checkpoint checkpoint;
    struct merge_bad_chunks bad;
    struct merge_aside asides[MERGE_ASIDES_MAX];
    unsigned aside_count;
    struct snap_sibling *siblings[MERGE_ASIDES_MAX];
    struct merge_aside *undo;        /* among the asides; NULL: none */
    uint64_t undo_new_bytes;         /* an image of this size is to be made for it; 0: it is there */
    char *undo_new_path;             /* its name while it is made; NULL: not now */
    bool undo_new_store;             /* the store on it is to be made */
    struct merge_output output;
};

/*
 * The merge changes what the stores say about the origin: a file system or a partition table gets another UUID by it. Then
 * their records contradict an origin that has a part of it, or all.
 */
bool merge_changes_identity(const struct merge_session *session);

/* Both devices, what is on them, what will be written: on standard error, for the person who is asked. */
void merge_show_devices(struct merge_session *session);

/* The same as lines that start with the names of the fields, on standard output: --dry-run. */
void merge_print_pair(struct merge_session *session);
void merge_print_plan(struct merge_session *session, const struct snap_merge_result *plan);

/* What to do with the device or image at `path` that holds the snapshot's content now. */
void merge_show_next(struct merge_session *session, const char *path);

/* "done", "stopped" or "failed". */
const char *merge_outcome(enum snap_status status);

/* The end of a run that merged everything: what was done, what to do next. */
void merge_show_done(struct merge_session *session);

/* The end of one that did not: what is durable, the command that goes on, the warning not to mount the origin. */
void merge_show_interrupted(struct merge_session *session);

/* One document for all ends; `plan` is not NULL for a dry run. `outcome`: "done", "incomplete", "planned",
 * "stopped", "failed". */
int merge_print_json(struct merge_session *session, const struct snap_merge_result *plan, const char *outcome,
                     int exit_status);

#endif
