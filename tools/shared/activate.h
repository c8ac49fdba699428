/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a pair active in the kernel: its snapshot, and the device through which its origin is written to. */
#ifndef DMSNAP_TOOLS_SHARED_ACTIVATE
#define DMSNAP_TOOLS_SHARED_ACTIVATE

#include "lib/store/table_line.h"
#include "tools/shared/pair.h"

/* All that has to be known once the devices are closed: the kernel does not take what a program holds. */
struct activate {
    const char *name, *origin_name; /* borrowed; NULL: not asked for */
    bool read_only;                 /* a view: nothing is written to the store */
    uint64_t origin_number, sectors;
    char uuid[64], origin_uuid[64];
    char params[96], origin_params[64];
};

/* For a command line: CLI_EXIT_OK, or the usage error where an option (NULL: not given) names no possible device. */
int activate_take_name(struct cli *cli, const char *option, const char *name);

/* The kernel has device-mapper. SNAP_E_UNSUPPORTED, with the way out that is handed in. */
enum snap_status activate_possible(const char *elsewhere, struct snap_error *err);

/*
 * A block device; and where it is in use, `busy` saying so, only by snapshots of this origin and their snapshot-origin.
 * NULL: it is not.
 */
enum snap_status activate_check_device(const struct device *device, const struct snap_error *busy,
                                       struct snap_error *err);

/*
 * Opens the origin, or the COW, so that the kernel will get it: as above, with nobody else using it where it is not
 * `shared`.
 */
enum snap_status activate_open(struct device *device, const char *argument, bool shared, struct snap_error *err);

/* The list is sound, the pair belongs together, and the list has not been cut off: as before a merge. */
enum snap_status activate_check(const struct pair *pair, bool appended, struct snap_check_result *check,
                                struct snap_evidence *evidence, struct snap_error *err);

/*
 * Fills what the names stand for, once both devices are known, and checks the names. `store_id` is NULL where the store
 * has none.
 */
enum snap_status activate_plan(struct activate *activate, const struct device *origin, const struct device *cow,
                               const uint8_t *store_id, enum snap_table_mode mode, uint32_t chunk_sectors,
                               struct snap_error *err);

/*
 * Loads it, with the origin suspended where other snapshots of it are active; says what there is now, and how it is
 * removed. Both devices are closed by then. After a failure there is neither of the two.
 */
enum snap_status activate_load(struct cli *cli, const struct activate *activate, struct snap_error *err);

#endif
