/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of a metadata text share: strict access to the fields, and where these stand. */
#ifndef DMSNAP_LVM_METADATA_PRIVATE
#define DMSNAP_LVM_METADATA_PRIVATE

#include "lib/lvm/lvm_text.h"
#include "lib/lvm/metadata.h"

/* Where a field stands, for messages: "lv_a" and "segment2", or "" and "" for the group. */
struct snap_metadata_place {
    const char *name;          /* of the metadata */
    const char *outer, *inner;
    const struct snap_lvm_text_node *section;
};

/* Fails with SNAP_E_CORRUPT and the place. */
enum snap_status snap_metadata_wrong(const struct snap_metadata_place *place, struct snap_error *err,
                                     const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A number from `least` to `most`. */
enum snap_status snap_metadata_number(const struct snap_metadata_place *place, const char *field, uint64_t least,
                                      uint64_t most, uint64_t *number, struct snap_error *err);

/* A string; where the field is missing, `missing`, or a failure if that is NULL. */
enum snap_status snap_metadata_string(const struct snap_metadata_place *place, const char *field, const char *missing,
                                      const char **string, struct snap_error *err);

/* The index of the physical volume of this name in the text; pv_count where there is none. */
size_t snap_metadata_pv_named(const struct snap_metadata *metadata, const char *name);

/*
 * Puts snapshots in order, once all volumes are read, and looks for overlaps. SNAP_E_CORRUPT: two physical volumes have
 * one id, or two snapshots one store. An overlap fails nothing yet: it is for those who want a volume's bytes.
 */
enum snap_status snap_metadata_make_index(struct snap_metadata *metadata, const struct snap_metadata_place *group,
                                          struct snap_error *err);
void snap_metadata_index_free(struct snap_metadata_index *index); /* NULL is allowed */

/*
 * SNAP_E_CORRUPT names two volumes that overlap. That is known since the metadata were read; those that were not read
 * from a text have no index, and are looked through now. SNAP_E_NOMEM.
 */
enum snap_status snap_metadata_refuse_overlap(const struct snap_metadata *metadata, struct snap_error *err);

/* The segments of a logical volume, whose section the place names; all names of volumes are known by then. */
enum snap_status snap_metadata_segments(const struct snap_metadata *metadata, struct snap_metadata_lv *lv,
                                        const struct snap_metadata_place *place, struct snap_error *err);

#endif
