/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The label of an LVM physical volume: which volume it is, and where its data and metadata areas are. */
#ifndef DMSNAP_LVM_LABEL
#define DMSNAP_LVM_LABEL

#include "lib/base/error.h"
#include "lib/io/io.h"

#include <stdint.h>

#define SNAP_LABEL_ID_BYTES 33u  /* 32 letters and digits, and the NUL */
#define SNAP_LABEL_ID_TEXT_BYTES 39u /* the same with six dashes, as LVM shows it */
#define SNAP_LABEL_RANGES_MAX 4u /* of a kind; LVM makes one data area, at most two metadata areas, one for a loader */

struct snap_label_range {
    uint64_t offset_bytes; /* on the device */
    uint64_t length_bytes; /* of a data area: 0 where it goes on to the end of the device */
};

struct snap_label_ranges {
    unsigned count;
    struct snap_label_range range[SNAP_LABEL_RANGES_MAX];
};

struct snap_label {
    char id[SNAP_LABEL_ID_BYTES];         /* without the dashes of the text form */
    uint64_t sector;                      /* where the label stands */
    uint64_t device_bytes;                /* what size the device had when it became a physical volume */
    struct snap_label_ranges data;        /* metadata areas and a loader's lie outside of these */
    struct snap_label_ranges metadata;    /* 0 to 2 areas; other physical volumes of the group may hold the text */
    struct snap_label_ranges loader;      /* kept free for a boot loader */
    uint32_t extension_version;           /* 0: written by an LVM before 2.02.99 */
    uint32_t extension_flags;
};

/*
 * Reads the label out of the first four sectors. SNAP_E_NOENT: there is no label, the device is no physical volume of
 * LVM2. SNAP_E_CORRUPT: there is one, but it is damaged, or a copy of one that belongs elsewhere. SNAP_E_REFUSED: two
 * sound labels with different content. SNAP_E_IO.
 */
enum snap_status snap_label_read(struct snap_io *io, struct snap_label *label, struct snap_error *err);

/*
 * An id without the dashes of its text form; false where `text` is no id: 32 letters, digits, "!" and "#" with six
 * dashes between them.
 */
bool snap_label_plain_id(const char *text, char id[SNAP_LABEL_ID_BYTES]);

/* The text form of an id, as LVM shows it; by value, so that it can stand in an argument list. */
struct snap_label_id_text {
    char text[SNAP_LABEL_ID_TEXT_BYTES];
};
struct snap_label_id_text snap_label_id_text(const char id[SNAP_LABEL_ID_BYTES]);

#endif
