/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of a sound store: their ids, which never change, and what breaking each one means. */
#ifndef DMSNAP_CHECK_RULES
#define DMSNAP_CHECK_RULES

/* A store is clean where nothing above NOTE is found. */
enum snap_severity {
    SNAP_NOTE,       /* normal in some legal stores */
    SNAP_WARNING,    /* may be a problem, or become one */
    SNAP_CORRUPTING, /* wrong data now or later */
    SNAP_FATAL       /* the kernel refuses the store, or its data cannot be used */
};
#define SNAP_SEVERITIES 4

/* These numbers may change with each build; the ids in the table never do. */
enum snap_rule {
    SNAP_RULE_DEVICE_SIZE,
    SNAP_RULE_HEADER_EMPTY,
    SNAP_RULE_HEADER_MAGIC,
    SNAP_RULE_HEADER_VERSION,
    SNAP_RULE_STORE_INVALID,
    SNAP_RULE_CHUNK_SIZE,
    SNAP_RULE_CHUNK_BLOCK,
    SNAP_RULE_CHUNK_UNUSUAL,
    SNAP_RULE_CHUNK_RECORD,
    SNAP_RULE_VALID_VALUE,
    SNAP_RULE_HEADER_SPARE,
    SNAP_RULE_HEADER_UNREADABLE,
    SNAP_RULE_IDENTITY_DAMAGED,
    SNAP_RULE_IDENTITY_NEWER,
    SNAP_RULE_AREA_UNREADABLE,
    SNAP_RULE_DATA_UNREADABLE,
    SNAP_RULE_DEVICE_HELD,
    SNAP_RULE_LIST_PAST_END,
    SNAP_RULE_LIST_CUT,
    SNAP_RULE_GARBAGE_BEHIND_END,
    SNAP_RULE_STALE_AREAS,
    SNAP_RULE_ENTRY_OLD_RANGE,
    SNAP_RULE_ENTRY_NEW_TOP_BYTE,
    SNAP_RULE_ENTRY_NEW_METADATA,
    SNAP_RULE_ENTRY_NEW_RANGE,
    SNAP_RULE_ENTRY_NEW_OUTLIER,
    SNAP_RULE_DUPLICATE_OLD,
    SNAP_RULE_DUPLICATE_NEW,
    SNAP_RULE_ENTRY_LOST,
    SNAP_RULE_ENTRY_REPEATED,
    SNAP_RULE_ENTRY_REPEATED_OFTEN,
    SNAP_RULE_ENTRY_ORDER,
    SNAP_RULE_LEAKED_CHUNKS,
    SNAP_RULE_STORE_FULL,
    SNAP_RULE_NO_ROOM,
    SNAP_RULE_EXACT_FIT,
    SNAP_RULE_PARTIAL_CHUNK,
    SNAP_RULES
};

struct snap_rule_info {
    const char *id;           /* kebab-case, never reused */
    enum snap_severity severity;
    const char *repair;       /* "view-kept", "view-changed" or "none": what mending it would do to the view */
    const char *meaning;      /* one sentence for people */
};

const struct snap_rule_info *snap_rules_info(enum snap_rule rule);
const char *snap_rules_severity_name(enum snap_severity severity);

#endif
