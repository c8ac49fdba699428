/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings: the places where a store breaks a rule, counted and handed on. */
#ifndef DMSNAP_CHECK_FINDINGS
#define DMSNAP_CHECK_FINDINGS

#include "lib/base/error.h"
#include "lib/check/rules.h"
#include "lib/store/header.h"

#include <stdbool.h>
#include <stdint.h>

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
    uint64_t own_chunk;          /* that belongs to the slot, and that no entry names; 0: not known, or there is none */
    bool neighbours_agree;       /* own_chunk: the entry was written in this slot, so this is surely its chunk */
    uint64_t lost_old_chunk;     /* entry-lost: what the entry that is gone was for ... */
    bool lost_old_known;         /* ... if its neighbours tell */
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
    uint64_t fatal_counts[SNAP_RULES]; /* those of rule_counts that are fatal */
    uint64_t own_counts[SNAP_RULES];   /* those of rule_counts whose own_chunk is sure */
};

/* A finding without a place; the rule's severity; the text from the format. */
void snap_findings_init(struct snap_finding *finding, enum snap_rule rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with the sentence of a failure; the name of the COW device at its beginning is left out. */
void snap_findings_init_failure(struct snap_finding *finding, enum snap_rule rule, const struct snap_store *store,
                                const struct snap_error *failure);

/* The place is a metadata area. */
void snap_findings_place_area(struct snap_finding *finding, const struct snap_store *store, uint64_t area);

/* The place is an entry. */
void snap_findings_place_entry(struct snap_finding *finding, const struct snap_store *store, uint64_t index,
                               const struct snap_entry *entry);

/* Whether the next one of this rule is handed on: else it needs no text and no place. */
bool snap_findings_tells(const struct snap_findings *findings, enum snap_rule rule);

/* Counts the finding and hands it on. `severity` must be set (snap_findings_init). */
enum snap_status snap_findings_add(struct snap_findings *findings, const struct snap_finding *finding,
                                   struct snap_error *err);

#endif
