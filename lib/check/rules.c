/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of rules. */
#include "lib/check/rules.h"

/* Each has its paragraph in dmsnap-store(5), RULES OF A SOUND STORE. */
static const struct snap_rule_info rules[SNAP_RULES] = {
    [SNAP_RULE_DEVICE_SIZE] = {"device-size", SNAP_FATAL, "none",
                               "the device is too small for a header and one metadata area"},
    [SNAP_RULE_HEADER_EMPTY] = {"header-empty", SNAP_FATAL, "view-changed",
                                "magic 0: no store yet, or one that was reset; the kernel would start a new one"},
    [SNAP_RULE_HEADER_MAGIC] = {"header-magic", SNAP_FATAL, "view-changed",
                                "this is not a snapshot store"},
    [SNAP_RULE_HEADER_VERSION] = {"header-version", SNAP_FATAL, "view-changed",
                                  "a disk version that no kernel knows"},
    [SNAP_RULE_STORE_INVALID] = {"store-invalid", SNAP_FATAL, "view-changed",
                                 "the store overflowed or failed; old content of the origin is missing in it"},
    [SNAP_RULE_CHUNK_SIZE] = {"chunk-size", SNAP_FATAL, "view-changed",
                              "a chunk size that the kernel refuses"},
    [SNAP_RULE_CHUNK_BLOCK] = {"chunk-block", SNAP_WARNING, "none",
                               "chunks smaller than a device's logical block: the kernel refuses this pair of devices"},
    [SNAP_RULE_CHUNK_UNUSUAL] = {"chunk-unusual", SNAP_NOTE, "none",
                                 "a chunk size that LVM does not use; below 4 KiB also unusable on 4Kn disks"},
    [SNAP_RULE_CHUNK_RECORD] = {"chunk-record", SNAP_CORRUPTING, "view-changed",
                                "header and record name different chunk sizes: what is read as the list is none"},
    [SNAP_RULE_VALID_VALUE] = {"valid-value", SNAP_NOTE, "view-kept",
                               "the valid field is neither 0 nor 1; the kernel takes it for valid"},
    [SNAP_RULE_HEADER_SPARE] = {"header-spare", SNAP_NOTE, "none",
                                "unknown bytes behind the header; they vanish when the kernel invalidates the store"},
    [SNAP_RULE_HEADER_UNREADABLE] = {"header-unreadable", SNAP_WARNING, "none",
                                     "a sector behind the header cannot be read; the kernel cannot load the store"},
    [SNAP_RULE_IDENTITY_DAMAGED] = {"identity-damaged", SNAP_NOTE, "view-kept",
                                    "the identity record is damaged and was ignored"},
    [SNAP_RULE_IDENTITY_NEWER] = {"identity-newer", SNAP_NOTE, "none",
                                  "the identity record is of a newer version and was ignored"},
    [SNAP_RULE_AREA_UNREADABLE] = {"area-unreadable", SNAP_FATAL, "view-changed",
                                   "a metadata area cannot be read; the kernel cannot load the store"},
    [SNAP_RULE_DATA_UNREADABLE] = {"data-unreadable", SNAP_WARNING, "none",
                                   "the data of one chunk cannot be read; it blocks the kernel's merge"},
    [SNAP_RULE_DEVICE_HELD] = {"device-held", SNAP_WARNING, "none",
                               "the device is in use: what is found may change while it is checked"},
    [SNAP_RULE_LIST_PAST_END] = {"list-past-end", SNAP_FATAL, "view-kept",
                                 "the list goes on past the device's end; the kernel cannot load the store"},
    [SNAP_RULE_LIST_CUT] = {"list-cut", SNAP_WARNING, "view-changed",
                            "a later area continues the list exactly: entries may have been cut off by a fault, "
                            "or be left of an earlier snapshot in the same place"},
    [SNAP_RULE_GARBAGE_BEHIND_END] = {"garbage-behind-end", SNAP_CORRUPTING, "view-kept",
                                      "bytes behind the end of the list become entries when the kernel appends"},
    [SNAP_RULE_STALE_AREAS] = {"stale-areas", SNAP_NOTE, "view-kept",
                               "leftovers of earlier use in later areas; the kernel zeroes them before use"},
    [SNAP_RULE_ENTRY_OLD_RANGE] = {"entry-old-range", SNAP_CORRUPTING, "view-changed",
                                   "the entry is for a chunk behind the end of the origin, which was never larger"},
    [SNAP_RULE_ENTRY_NEW_TOP_BYTE] = {"entry-new-top-byte", SNAP_CORRUPTING, "view-changed",
                                      "the kernel takes the top byte for a count and redirects following chunks"},
    [SNAP_RULE_ENTRY_NEW_METADATA] = {"entry-new-metadata", SNAP_CORRUPTING, "view-changed",
                                      "the entry's data chunk is a metadata chunk; a write to it destroys the list"},
    [SNAP_RULE_ENTRY_NEW_RANGE] = {"entry-new-range", SNAP_CORRUPTING, "view-changed",
                                   "the entry's data chunk lies beyond the device: its data are gone, "
                                   "or the device shrank"},
    [SNAP_RULE_ENTRY_NEW_OUTLIER] = {"entry-new-outlier", SNAP_WARNING, "view-changed",
                                     "one data chunk is far from its place while the others are in theirs: "
                                     "the number is damaged, or the entry was moved long ago"},
    [SNAP_RULE_DUPLICATE_OLD] = {"duplicate-old", SNAP_CORRUPTING, "view-changed",
                                 "two entries for one origin chunk: kernels differ in which one they show"},
    [SNAP_RULE_DUPLICATE_NEW] = {"duplicate-new", SNAP_CORRUPTING, "view-changed",
                                 "two origin chunks share one data chunk: a write to one changes the other"},
    [SNAP_RULE_ENTRY_LOST] = {"entry-lost", SNAP_WARNING, "none",
                              "another entry stands where one was lost: the data of its chunk are in the store, "
                              "but no entry names them"},
    [SNAP_RULE_ENTRY_REPEATED] = {"entry-repeated", SNAP_NOTE, "view-kept",
                                  "the same entry once more, left by an interrupted move; the view is the same"},
    [SNAP_RULE_ENTRY_REPEATED_OFTEN] = {"entry-repeated-often", SNAP_CORRUPTING, "view-kept",
                                        "more copies of one entry than interrupted moves can leave"},
    [SNAP_RULE_ENTRY_ORDER] = {"entry-order", SNAP_NOTE, "none",
                               "data chunks are not in list order, as kernels before 3.13 wrote them"},
    [SNAP_RULE_LEAKED_CHUNKS] = {"leaked-chunks", SNAP_NOTE, "none",
                                 "data chunks that no entry uses, left by a crash of an old kernel "
                                 "or by moved entries"},
    [SNAP_RULE_STORE_FULL] = {"store-full", SNAP_WARNING, "none",
                              "no free chunk: the next new exception overflows the store"},
    [SNAP_RULE_NO_ROOM] = {"no-room", SNAP_WARNING, "none",
                           "the device has no chunk for data at all"},
    [SNAP_RULE_EXACT_FIT] = {"exact-fit", SNAP_NOTE, "none",
                             "the last data chunk cannot be used; with one chunk more on the device it could"},
    [SNAP_RULE_PARTIAL_CHUNK] = {"partial-chunk", SNAP_NOTE, "none",
                                 "the device ends inside a chunk, which the kernel does not use"},
};

const struct snap_rule_info *snap_rules_info(enum snap_rule rule)
{
    return &rules[rule];
}

const char *snap_rules_severity_name(enum snap_severity severity)
{
    static const char *const names[SNAP_SEVERITIES] = {"note", "warning", "corrupting", "fatal"};

    return names[severity];
}
