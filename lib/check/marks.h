/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the marks by which contents are known: type, UUIDs, partition table. */
#ifndef DMSNAP_CHECK_MARKS
#define DMSNAP_CHECK_MARKS

#include "lib/device/probe.h"
#include "lib/store/codec.h"

enum snap_marks_result {
    SNAP_MARKS_NOTHING,   /* nothing that could be compared tells one device from another */
    SNAP_MARKS_SAME,      /* something that only this device should have is the same */
    SNAP_MARKS_DIFFERENT  /* something differs, or is missing on the device that was found */
};

/*
 * Holds what is expected against what was found. Type against type (ext2, ext3 and ext4 are one), partition table
 * against partition table; then the UUIDs that both have. Something expected that was not found at all is DIFFERENT,
 * unless `found_in_part`: some of the places where it might stand could not be read. Members of an array that has one
 * UUID for all of them, and none for each, are never the SAME.
 */
enum snap_marks_result snap_marks_compare(const struct snap_probe *expected, const struct snap_probe *found,
                                          bool found_in_part);

/*
 * The marks that a record holds of its origin, in the fields of a probe. A record says no type of partition table. A
 * type that fills its field ends with "...", since it may have been longer; it compares as far as the field goes.
 */
void snap_marks_of_record(const struct snap_identity *record, struct snap_probe *marks);

/* Nothing is known of it: neither a type nor a partition table. */
bool snap_marks_none(const struct snap_probe *probe);

/* Room for the longest text of snap_marks_text. */
#define SNAP_MARKS_TEXT_BYTES 512u

/*
 * What was found, as a part of a sentence: "btrfs (UUID ..., UUID_SUB ...)", "a gpt partition table ...", "nothing
 * that is known". Words that are no plain ones stand in quotes. Returns `text`, which has SNAP_MARKS_TEXT_BYTES.
 */
const char *snap_marks_text(const struct snap_probe *probe, char *text);

/*
 * The text, in quotes unless it has only letters, digits and a few other signs, so that it cannot be taken for a part
 * of the sentence around it. What does not fit is left out. Returns `out`.
 */
const char *snap_marks_word(const char *text, char *out, size_t out_bytes);

#endif
