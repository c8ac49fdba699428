/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices on which LVM's physical volumes are looked for. */
#ifndef DMSNAP_TOOLS_SHARED_PHYSICAL
#define DMSNAP_TOOLS_SHARED_PHYSICAL

#include "lib/base/lookup.h"
#include "lib/io/io.h"
#include "tools/cli/cli.h"

/* Open for reading. Who opens one once more does so through the lookup: its name may be another file by then. */
struct physical {
    struct snap_lookup **found;
    struct snap_io **ios;
    size_t count;
    char *member;  /* one that was passed over: its array is not assembled, and would be the physical volume; or NULL */
    bool unlocked; /* set before they are opened: no image is locked, since the caller will hold what it uses */
};

/*
 * Opens what was named, one or more with commas between them, of which all must open; or, where nothing was named, each
 * block device that the kernel lists and that has the label of a physical volume; what cannot be read is passed over,
 * and so are members of arrays and paths of a multipath device, which show the label of the whole. SNAP_E_PERM: there
 * is none among those that this user may read. SNAP_E_REFUSED: a member of an array was named. physical_close in any
 * case.
 */
enum snap_status physical_open(struct physical *physical, const struct cli_strings *devices, struct snap_error *err);

void physical_close(struct physical *physical);

#endif
