/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file system, or a partition table, says of the size of the device that it was made for. */
#ifndef DMSNAP_CHECK_ENDS
#define DMSNAP_CHECK_ENDS

#include "lib/device/probe.h"
#include "lib/store/header.h"

enum snap_ends_kind {
    SNAP_ENDS_NOTHING,       /* nothing is known */
    SNAP_ENDS_FILE_SYSTEM,   /* it has so many bytes */
    SNAP_ENDS_PARTITIONS     /* so far reaches the last of them; the disk may be larger */
};

struct snap_ends_claim {
    enum snap_ends_kind kind;
    uint64_t bytes;          /* 0: nothing is known */
};

struct snap_ends {
    struct snap_ends_claim origin; /* by what is on the origin */
    struct snap_ends_claim held;   /* by what the store itself holds, nothing borrowed from the origin */
};

/*
 * The size that the file system says it has of which `read_fn` shows the first `size_bytes`; *bytes is 0 where it does
 * not tell. SNAP_E_STOPPED, SNAP_E_NOMEM.
 */
typedef enum snap_status (*snap_ends_ask_fn)(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes,
                                             uint64_t *bytes, struct snap_error *err);

/* "nothing", "file-system", "partition-table". */
const char *snap_ends_kind_name(enum snap_ends_kind kind);

/*
 * Looks at the origin and at what the store holds. `ask` is asked before libblkid, which does not tell of all file
 * systems; NULL: nobody is. What cannot be read tells nothing. SNAP_E_STOPPED, SNAP_E_NOMEM.
 */
enum snap_status snap_ends_find(struct snap_ends *ends, const struct snap_store *store, struct snap_io *origin,
                                snap_ends_ask_fn ask, struct snap_error *err);

#endif
