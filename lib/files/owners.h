/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of an ext2, ext3 or ext4 file system places of a device belong to. */
#ifndef DMSNAP_FILES_OWNERS
#define DMSNAP_FILES_OWNERS

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Fills `buffer` with what the device, or the view, shows. SNAP_E_IO is told to the file system's reader. Without
 * `needed` the bytes only lie beside some that are: if they cannot be read as they should be, fail, and be asked again.
 */
typedef enum snap_status (*snap_owners_read_fn)(void *context, uint64_t offset_bytes, uint64_t length_bytes,
                                                bool needed, void *buffer, struct snap_error *err);

/* A place that is asked for. Places of one number are answered together; they may overlap those of others. */
struct snap_owners_place {
    uint64_t offset_bytes, length_bytes;
    uint32_t number;         /* below `count` of the question */
};

struct snap_owners_question {
    const struct snap_owners_place *places;
    size_t place_count;
    uint32_t count;          /* of answers */
    snap_owners_read_fn read;
    void *context;
    uint64_t size_bytes;     /* of the device */
};

/* So much can be asked at once, and so many blocks may lie in it; what is more is left out, and the answer says so. */
#define SNAP_OWNERS_PLACES_MAX (1u << 18)
#define SNAP_OWNERS_ANSWERS_MAX (1u << 16)
#define SNAP_OWNERS_BLOCKS_MAX (UINT64_C(1) << 26)

#define SNAP_OWNERS_FILES 3u /* so many files of an answer are named */

/* What is no file, as bits: parts of the file system, and what nobody has. */
#define SNAP_OWNERS_SUPERBLOCK 1u    /* with group descriptors, all copies, and what is reserved for more of them */
#define SNAP_OWNERS_BLOCK_BITMAP 2u
#define SNAP_OWNERS_INODE_BITMAP 4u
#define SNAP_OWNERS_INODE_TABLE 8u
#define SNAP_OWNERS_JOURNAL 16u
#define SNAP_OWNERS_RESERVED 32u     /* inodes of its own: bad blocks, quota and others */
#define SNAP_OWNERS_FREE 64u
#define SNAP_OWNERS_NOBODY 128u      /* in use, but no file was found that has it */
#define SNAP_OWNERS_BEHIND 256u      /* behind the end of the file system */
#define SNAP_OWNERS_LEFT_OUT 512u    /* there was too much to look up all of it */
#define SNAP_OWNERS_BITS 10u

enum snap_owners_type { SNAP_OWNERS_FILE, SNAP_OWNERS_FOLDER, SNAP_OWNERS_LINK, SNAP_OWNERS_OTHER, SNAP_OWNERS_TYPES };

struct snap_owners_file {
    uint32_t inode;
    enum snap_owners_type type;
    uint32_t links;
    bool deleted;            /* it has no name any more, but a program had it open */
    char *path;              /* one of its names, from the root of the file system: any bytes; NULL: none was found */
};

struct snap_owners_answer {
    unsigned parts;          /* SNAP_OWNERS_SUPERBLOCK and so on */
    uint64_t file_count;     /* different files */
    uint32_t inodes[SNAP_OWNERS_FILES]; /* the first ones */
};

struct snap_owners {
    struct snap_owners_answer *answers;
    uint32_t count;
    struct snap_owners_file *files; /* by inode */
    size_t file_count;
    bool incomplete;         /* a part of the file system could not be read: some owners may not have been found */
    bool needs_recovery;     /* its journal holds changes that are not in their places yet */
};

/* Whether this build has libext2fs. */
bool snap_owners_available(void);

/*
 * Looks at each inode once, then at the folders, in a process without rights that asks this one to read. Memory is
 * bounded by the numbers above, whatever is on the device. SNAP_E_NOENT: no such file system is there.
 * SNAP_E_UNSUPPORTED: libext2fs does not know it, failed on it, or is not in this build. SNAP_E_CORRUPT: it makes no
 * sense. SNAP_E_IO: nothing of it can be read. SNAP_E_STOPPED (child.h), SNAP_E_NOMEM; what `read` failed with, but
 * for SNAP_E_IO. snap_owners_free in any case.
 */
enum snap_status snap_owners_find(struct snap_owners *owners, const struct snap_owners_question *question,
                                  struct snap_error *err);
void snap_owners_free(struct snap_owners *owners);

/* NULL where the inode is not among them. */
const struct snap_owners_file *snap_owners_file(const struct snap_owners *owners, uint32_t inode);

#endif
