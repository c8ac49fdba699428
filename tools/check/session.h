/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of snapcheck: what was asked for, what is open, what was found. Data only. */
#ifndef DMSNAP_TOOLS_CHECK_SESSION
#define DMSNAP_TOOLS_CHECK_SESSION

#include "lib/base/new_file.h"
#include "lib/check/check.h"
#include "lib/check/evidence.h"
#include "lib/check/places.h"
#include "lib/repair/repair.h"
#include "lib/repair/rewrite.h"
#include "tools/check/options.h"
#include "tools/check/ranges.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/shared/devices.h"
#include "tools/shared/files.h"
#include "tools/shared/held.h"

/* The header, then what comes back, then what else is mended. */
#define CHECK_REPAIR_ROUNDS 3u

/* --repair-to. */
struct check_repair_to {
    struct snap_store source;      /* the store as a repair would leave it ... */
    struct snap_check_result result; /* ... and what a check of that finds */
    struct snap_findings findings;
    struct snap_repair rounds[CHECK_REPAIR_ROUNDS]; /* the plans, and the store with each of them laid over it */
    struct snap_io *edited[CHECK_REPAIR_ROUNDS];
    size_t round_count;
    uint64_t mended[SNAP_RULES];   /* findings, by all of them */
    uint64_t from_origin;          /* chunks that show what the origin has by them */
    uint64_t lost;                 /* entries that do not come back with their neighbours */
    bool restored, gives_up_rest;  /* as of struct snap_repair, by any of them */
    struct snap_rewrite rewrite;
    struct snap_layout layout;     /* of the new store */
    struct device target;
    struct snap_folder *folder;    /* of a new image; NULL: it is a block device */
    struct snap_new_file *image;
    uint64_t image_bytes, fit_bytes; /* fit: the least that it takes */
    uint64_t *shared;              /* data chunks that several entries name, ascending */
    size_t shared_count;
    uint64_t displaced[SNAP_PLACES_MAX]; /* entries, by their index, that name the data chunk of another one */
    size_t displaced_count;
    bool begun, written;           /* begun: what the block device held is gone */
};

/*
 * From the first finding that is about bytes of the snapshot on, lines wait for the names of files, if there may be
 * some: all of them are looked for at once (lines.h). Starts as all zeros.
 */
struct check_lines {
    struct check_line *first, *last;
    uint32_t count;                 /* that wait */
    struct files_places places;     /* that they are about, by their numbers */
    bool too_many;                  /* none of them waits any more */
    struct {
        bool waits;
        uint32_t number;            /* of the line that is about them */
        enum snap_rule rule;
    } behind[2];                    /* entries behind the end of the list; what they are for is read at the end */
};

/* Findings that are not shown yet, since their neighbours may come (rows.h). Starts as all zeros. */
struct check_rows {
    struct check_row *first, *last;     /* in the order in which they began */
    struct check_row *open[SNAP_RULES]; /* the one that may still grow; else NULL */
    uint64_t slots_first, slots_last;   /* each slot from the first to the last had a finding, of some rule */
    bool slots_known;
};

struct check_session {
    struct cli *cli;
    struct check_arguments arguments;
    struct held held;              /* volumes of LVM that are written to */
    char *origin_name;             /* from LVM's metadata; malloc'ed */
    struct device cow, origin;     /* origin.io is NULL where none was given */
    struct snap_store store;
    struct snap_findings findings;
    struct snap_check_result result;
    bool pair_known;               /* there is an origin, and the list is sound: `evidence` is set */
    struct snap_evidence evidence;
    uint64_t unreadable;           /* data chunks */
    struct cli_progress *progress; /* while data are read */
    struct cli_json *found;        /* the findings, where JSON was asked for; else NULL */
    struct check_range range;      /* with --all: the last finding, to know the next one again */
    struct check_rows rows;
    struct check_lines lines;      /* that wait for the names of files */
    struct files files;
    uint64_t shown[SNAP_RULES];    /* lines of each rule; beyond the limit these are only counted ... */
    uint64_t left_out[SNAP_RULES]; /* ... as so many findings */
    uint64_t first_counts[SNAP_RULES]; /* of the first check; after a repair `findings` has those of the second */

    /* Mending. */
    struct snap_repair repair;
    bool choices_said;
    bool header_said;              /* a line names the command that writes the header anew */
    struct snap_folder *old_folder; /* of the new file with the old bytes; NULL: none is made */
    struct snap_new_file *old_file;
    uint64_t put_back_bytes;
    struct check_repair_to repair_to;
    bool touched;                  /* the store was written to */
    bool mended;                   /* all that was planned is written; what was found afterwards is in `findings` */
};

#endif
