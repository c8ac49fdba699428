/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run that writes the snapshot somewhere else: what was asked for, what is open, how far it has come. Data only. */
#ifndef DMSNAP_TOOLS_OUTPUT_SESSION
#define DMSNAP_TOOLS_OUTPUT_SESSION

#include "lib/base/new_file.h"
#include "lib/check/check.h"
#include "lib/check/evidence.h"
#include "lib/check/places.h"
#include "lib/view/extract.h"
#include "tools/shared/devices.h"
#include "tools/shared/files.h"
#include "tools/shared/held.h"

/* The end of the name of a new image until it is complete. */
#define OUTPUT_PARTIAL ".partial"

/* What is taken for standard output; a file of this name is "./-". */
#define OUTPUT_STREAM_NAME "-"

enum output_kind {
    OUTPUT_IMAGE,  /* a new file */
    OUTPUT_DEVICE, /* a block device that is there */
    OUTPUT_STREAM  /* standard output */
};

/* What becomes of damaged chunks of the snapshot; the words of an option stand in this order. */
enum output_skip {
    OUTPUT_SKIP_NOTHING, /* they end the run */
    OUTPUT_SKIP_AS_ORIGIN,
    OUTPUT_SKIP_AS_ZEROS
};

/* A chunk of the snapshot that was not what it shows. */
struct output_skipped {
    uint64_t old_chunk;
    enum snap_view_damage damage;
};

struct output_damaged {
    uint64_t *shared;              /* data chunks that several places name */
    size_t shared_count;
    uint64_t displaced[SNAP_PLACES_MAX]; /* entries, by their index, that name the data chunk of another one */
    size_t displaced_count;
    bool behind_end;              /* what stands behind the end of the list may be entries that are missing */
    struct output_skipped *chunks; /* that were skipped */
    size_t count;
    struct snap_view_skip skip;
    struct files files;           /* of the ranges of these chunks, in their order */
};

/* Strings are borrowed. */
struct output_arguments {
    const char *option;  /* "--output": what the place is an argument of, for messages and commands */
    const char *origin, *cow, *place;
    const struct cli_strings *devices;  /* --devices; NULL: the program takes no names of LVM volumes */
    bool dry_run, yes, json, verify, progress_json;
    unsigned accept;     /* bits of enum accept */
    enum output_skip skip;
    uint64_t memory_bytes;
    uint64_t rate_bytes, rate_requests; /* 0: no limit */
    uint64_t progress_seconds;          /* 0: not given */
    struct snap_file_options io;        /* engine and queue depth */
};

/* Standard output as a device: it takes writes that follow one another. */
struct output_stream {
    struct snap_io io;
    FILE *out;
    uint64_t at_bytes;
};

struct output_session {
    struct cli *cli;
    struct output_arguments arguments;
    struct device *origin, *cow;   /* the program's, which closes them; opened here */
    struct snap_store *store;      /* the program's, too */
    struct held *held;             /* the program's: where the place is a volume of LVM, all volumes are held by it */
    struct snap_check_result check;
    struct snap_evidence evidence;

    enum output_kind kind;
    struct device target;         /* io: the device, the partial image, or the stream */
    struct output_stream stream;
    struct snap_probe on_target;  /* of a device: what is lost */
    char *partial_path;           /* the name of a new image until it is complete; NULL where it is none */
    struct snap_folder *folder;   /* of a new image */
    struct snap_new_file *image;  /* a new image, once it is made */
    uint64_t size_bytes;          /* of what is written: with the tail of an image that is no whole sector */
    uint64_t most_bytes;          /* at most so many are no holes; zeros among the data may make it fewer */
    bool free_known;              /* free_bytes: where a file is written, and its file system tells */
    uint64_t free_bytes;
    struct output_damaged damaged;
    struct snap_extract_result written, verified;
    bool complete;                /* all of it is durable and, where that was asked for, verified */
    uint64_t elapsed_ms;
};

#endif
