/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of a sound store: one table of stable ids, and the findings that name where one is broken. */
#ifndef DMSNAP_CHECK_RULES
#define DMSNAP_CHECK_RULES

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* "Clean" is nothing above NOTE (format 13). */
enum snap_severity {
    SNAP_NOTE,       /* normal in some legal stores */
    SNAP_WARNING,    /* may be a problem, or become one */
    SNAP_CORRUPTING, /* wrong data now or later */
    SNAP_FATAL       /* the kernel refuses the store, or its data cannot be used */
};
#define SNAP_SEVERITIES 4

/* Numbers are private to a build; the words in the table are what is stable. */
enum snap_rule {
    SNAP_RULE_DEVICE_SIZE,
    SNAP_RULE_HEADER_EMPTY,
    SNAP_RULE_HEADER_MAGIC,
    SNAP_RULE_HEADER_VERSION,
    SNAP_RULE_STORE_INVALID,
    SNAP_RULE_CHUNK_SIZE,
    SNAP_RULE_CHUNK_BLOCK,
    SNAP_RULE_CHUNK_UNUSUAL,
    SNAP_RULE_VALID_VALUE,
    SNAP_RULE_HEADER_SPARE,
    SNAP_RULE_IDENTITY_DAMAGED,
    SNAP_RULE_IDENTITY_NEWER,
    SNAP_RULE_IDENTITY_ORIGIN,
    SNAP_RULE_IDENTITY_SIZE,
    SNAP_RULE_AREA_UNREADABLE,
    SNAP_RULE_DATA_UNREADABLE,
    SNAP_RULE_DEVICE_HELD,
    SNAP_RULE_LIST_PAST_END,
    SNAP_RULE_LIST_CUT,
    SNAP_RULE_GARBAGE_BEHIND_END,
    SNAP_RULE_STALE_AREAS,
    SNAP_RULE_ENTRY_NEW_TOP_BYTE,
    SNAP_RULE_ENTRY_NEW_METADATA,
    SNAP_RULE_ENTRY_NEW_RANGE,
    SNAP_RULE_ENTRY_OLD_RANGE,
    SNAP_RULE_DUPLICATE_OLD,
    SNAP_RULE_DUPLICATE_NEW,
    SNAP_RULE_ENTRY_REPEATED,
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

/* One place where a rule is broken. `text` says what was found and expected; the place stands in the fields. */
struct snap_finding {
    enum snap_rule rule;
    enum snap_severity severity; /* the rule's, or higher where this case is worse */
    bool has_area;
    bool has_entry;              /* index, slot, old_chunk, new_chunk; needs has_area */
    bool has_offset;
    uint64_t area;
    uint64_t slot;
    uint64_t index;
    uint64_t offset_bytes;       /* on the COW */
    uint64_t old_chunk;          /* raw, as on disk */
    uint64_t new_chunk;
    char text[256];
};

/* A status other than SNAP_OK ends the check and is returned from it. */
typedef enum snap_status (*snap_finding_fn)(void *context, const struct snap_finding *finding, struct snap_error *err);

/* Where findings go, and what has been counted. `fn` may be NULL. Beyond `per_rule_max` (0: no limit) only counts. */
struct snap_findings {
    snap_finding_fn fn;
    void *context;
    uint64_t per_rule_max;
    uint64_t rule_counts[SNAP_RULES];
    uint64_t severity_counts[SNAP_SEVERITIES];
};

/* Counts the finding and hands it on. `severity` must be set (snap_findings_init). */
enum snap_status snap_findings_add(struct snap_findings *findings, const struct snap_finding *finding,
                                   struct snap_error *err);

/* A finding without a place; the rule's severity; the text from the format. */
void snap_findings_init(struct snap_finding *finding, enum snap_rule rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The highest severity counted; false where there is no finding at all. */
bool snap_findings_worst(const struct snap_findings *findings, enum snap_severity *worst);

#endif
