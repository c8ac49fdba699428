/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of a store and its origin before anything is written that comes from the two. */
#ifndef DMSNAP_TOOLS_SHARED_PAIR
#define DMSNAP_TOOLS_SHARED_PAIR

#include "lib/check/check.h"
#include "lib/check/evidence.h"
#include "tools/shared/accept.h"
#include "tools/shared/devices.h"

/* Both are open, and the header is good. All of it is borrowed. */
struct pair {
    struct cli *cli;
    const struct device *origin, *cow;
    const struct snap_store *store;
    const struct snap_identity *merged; /* see lib/check/evidence.h; NULL: nothing */
    bool writes_entries; /* all that the program would do is write the store's entries to the origin */
    bool shown_next;     /* the same reader sees the lines of pair_report.h next: the outcome is one of them */
    unsigned accept;     /* bits of enum accept */
    uint64_t memory_bytes;
};

/*
 * The whole list against the rules, with the origin; what is found above a note has been said when this returns.
 * `repeated` (NULL: nobody wants to know) gets where repeated entries come first. SNAP_E_CORRUPT where the store is
 * damaged.
 */
enum snap_status pair_check_list(const struct pair *pair, struct snap_repeated *repeated,
                                 struct snap_check_result *check, struct snap_error *err);

/* Nothing is wrong with the list but that it needs more than the device has. */
bool pair_is_only_cut(const struct snap_findings *findings, const struct snap_check_result *check);

/* What is broken there concerns single chunks of the snapshot, or none. */
bool pair_rule_is_skippable(enum snap_rule rule);

/* Nothing but such rules is broken (and the mark that the store is invalid): all other chunks are as they should be. */
bool pair_is_skippable(const struct snap_findings *findings, const struct snap_check_result *check);

/*
 * Of a store of which single chunks are damaged: the command that takes out the others. `origin` may be NULL; `cut` and
 * `devices` are as in invalid_say_next.
 */
void pair_say_extract(struct cli *cli, const struct device *origin, const struct device *cow,
                      const struct snap_store *store, bool cut, const char *devices);

/* Of a damaged store: the command that shows what can be mended, if anything can. As pair_say_extract. */
void pair_say_mend(struct cli *cli, const struct snap_findings *findings, const struct device *origin,
                   const struct device *cow, const struct snap_store *store, const char *devices);

/*
 * Why so many findings of duplicate-new, and of entry-new-metadata with an area that is in use, are not mended in
 * place, and the command that makes a new store. Nothing where there are none. As pair_say_extract.
 */
void pair_say_not_in_place(struct cli *cli, uint64_t duplicates, uint64_t areas_in_use, const struct device *origin,
                           const struct device *cow, const struct snap_store *store, const char *devices);

/* The line that makes a new store without what cannot be mended in place. */
void pair_say_new_store(struct cli *cli, const struct device *origin, const struct device *cow,
                        const struct snap_store *store, const char *devices);

/* For who is about to do without damaged entries: the command that shows which of them a repair brings back, if any. */
void pair_say_bring_back(struct cli *cli, const struct snap_findings *findings, const struct snap_check_result *check,
                         const struct device *origin, const struct device *cow, const char *devices);

/*
 * The one place where a program asks whether the two belong together, once the list was checked. The outcome is said,
 * unless it is shown next; a contradiction is SNAP_E_REFUSED unless --accept=identity.
 */
enum snap_status pair_check_identity(const struct pair *pair, const struct snap_check_result *check,
                                     struct snap_evidence *evidence, struct snap_error *err);

/*
 * Entries behind the end of the list: what an interrupted run left, or cut off by a fault? The data tell. The areas
 * behind the end, up to *leftover_areas_end, hold such leftovers (NULL: nobody wants to know). SNAP_E_REFUSED where it
 * is neither known nor accepted. A store that is `appended` to will lose such entries: there --accept=cut is needed,
 * and it is not asked.
 */
enum snap_status pair_check_cut(const struct pair *pair, const struct snap_check_result *check, bool appended,
                                uint64_t *leftover_areas_end, struct snap_error *err);

#endif
