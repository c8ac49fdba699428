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
    bool unlocked; /* set before they are opened: no image is locked, since the caller will hold what it uses */
};

/*
 * Opens what was named, one or more with commas between them, of which all must open; or, where nothing was named, each
 * block device that the kernel lists and that has the label of a physical volume; what cannot be read is passed over.
 * SNAP_E_PERM: there is none among those that this user may read. physical_close in any case.
 */
enum snap_status physical_open(struct physical *physical, const struct cli_strings *devices, struct snap_error *err);

void physical_close(struct physical *physical);

#endif
