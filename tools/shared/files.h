/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names the files that places of a snapshot belong to, where it shows an ext2, ext3 or ext4 file system. */
#ifndef DMSNAP_TOOLS_SHARED_FILES
#define DMSNAP_TOOLS_SHARED_FILES

#include "lib/check/check.h"
#include "lib/check/evidence.h"
#include "lib/files/owners.h"
#include "tools/cli/json.h"
#include "tools/shared/devices.h"

/* What the places are about. The origin is open. All of it is borrowed. */
struct files_look {
    struct cli *cli;
    const struct snap_store *store;
    const struct device *cow, *origin;
    const struct snap_check_result *result; /* of a check that has come to its end: nobody reads ahead any more */
    const struct snap_evidence *evidence;   /* that the two belong together; NULL: it is gathered */
    uint64_t memory_bytes;   /* for the view */
};

/* Where the file system is read. */
enum files_source {
    FILES_UNDECIDED,
    FILES_OF_SNAPSHOT,
    FILES_OF_ORIGIN,         /* the snapshot cannot be read */
    FILES_NONE               /* there is none to read, or it is that of another store */
};

/* Starts as all zeros. */
struct files {
    enum files_source source;
    bool said;               /* what is special about the names is said once */
    bool known;              /* `owners` has answers */
    bool incomplete;         /* of all that was asked so far */
    bool replaced;           /* damaged chunks that were needed were read as the origin has them */
    struct snap_owners owners;
};

/* Places in bytes of the snapshot. Starts as all zeros. */
struct files_places {
    struct snap_owners_place *at;
    size_t count, room;
};

/*
 * One more place of this number, which is that of the last place or a greater one. Where memory is short or there are
 * too many, it is left out.
 */
void files_places_add(struct files_places *places, uint64_t offset_bytes, uint64_t length_bytes, uint32_t number);
void files_places_free(struct files_places *places);

/* Whether there may be something to name: an origin that is open, and a build with libext2fs. */
bool files_possible(const struct device *origin);

/*
 * Finds out who has the places, whose numbers are below `count`; the answers of an earlier call are gone. That nothing
 * can be named is no failure: it is said, unless there is no such file system. SNAP_E_STOPPED.
 */
enum snap_status files_find(struct files *files, const struct files_look *look, const struct files_places *places,
                            uint32_t count, struct snap_error *err);

/*
 * ", file /etc/fstab (inode 12), the journal of the file system": a new text, not yet escaped; NULL where nothing is
 * known, or memory is short.
 */
char *files_text(const struct files *files, uint32_t number);

/* "files", "files_more" and "file_system" of the answer, into `object`; nothing where nothing is known. */
void files_set_json(struct cli_json *object, const struct files *files, uint32_t number);

/* "files_from" and "files_complete", for the whole of a run. */
void files_set_source_json(struct cli_json *object, const struct files *files);

void files_free(struct files *files);

#endif
