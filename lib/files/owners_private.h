/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process that looks at a file system, and the one that wants to know, say to each other. */
#ifndef DMSNAP_FILES_OWNERS_PRIVATE
#define DMSNAP_FILES_OWNERS_PRIVATE

#include "lib/base/child.h"
#include "lib/files/owners.h"

#define SNAP_OWNERS_PATH_BYTES_MAX 4095u

enum snap_owners_message_kind {
    SNAP_OWNERS_READ,        /* offset and length: the reply has the bytes */
    SNAP_OWNERS_PLACES,      /* offset and length are an index and a count: the reply has the places */
    SNAP_OWNERS_ANSWER,      /* an answer that is complete */
    SNAP_OWNERS_NAMED        /* a file; all of them in the order of inodes, before any answer */
};

struct snap_owners_message {
    uint32_t kind;
    uint32_t number;         /* of the answer */
    uint32_t needed;         /* 0: bytes that only lie beside some that are needed */
    uint64_t offset_bytes, length_bytes;
    struct snap_owners_answer answer;
    uint32_t inode, type, links, deleted; /* of a file */
    uint32_t path_bytes;     /* without a NUL; 0: no path was found */
    char path[SNAP_OWNERS_PATH_BYTES_MAX];
};

/* What the work hands over at its end; not 0: true. */
struct snap_owners_facts {
    uint32_t incomplete, needs_recovery;
};

/* What the work begins with: it comes as the reply to the first question, which has the kind SNAP_OWNERS_PLACES. */
struct snap_owners_task {
    uint64_t size_bytes;
    uint64_t place_count;
    uint32_t count;
};

/* The work of the other process, as struct snap_child_work wants it; `answer` is a struct snap_owners_facts. */
enum snap_status snap_owners_walk(int fd, void *answer, struct snap_error *err);

#endif
