/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose a physical volume is: what its own metadata say beside what the groups say of it. */
#ifndef DMSNAP_LVM_GROUP_CLAIMS
#define DMSNAP_LVM_GROUP_CLAIMS

#include "lib/lvm/group.h"
#include "lib/lvm/label.h"

/* What is known of one device. */
struct snap_group_claims {
    bool empty;                 /* a metadata area in use has no text */
    bool unread;                /* a metadata area, or its text, makes no sense */
    unsigned own_count;         /* sound texts in its own areas; the groups' ids */
    char own_ids[SNAP_LABEL_RANGES_MAX][SNAP_LABEL_ID_BYTES];
    unsigned group_count;       /* at most two of the groups whose newest metadata name it */
    size_t groups[2];
};

/* Notes that the newest metadata of this group name the device; once for each group. */
void snap_group_claims_add(struct snap_group_claims *claims, size_t group);

/* Fills in what the physical volume, whose device was found, says of its group. */
void snap_group_claims_settle(const struct snap_groups *groups, size_t group, size_t pv,
                              const struct snap_group_claims *claims);

/*
 * SNAP_E_REFUSED where another group claims the physical volume as well, or where its own metadata do not confirm that
 * it is in the group; for reading only where they name another one, or where they do not decide between two groups.
 * `name` is what the message begins with.
 */
enum snap_status snap_group_claims_refuse(const struct snap_group *group, size_t pv, const char *name, bool writing,
                                          struct snap_io *const *devices, struct snap_error *err);

#endif
