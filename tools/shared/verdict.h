/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all programs say and do about the judgement whether a store and an origin belong together. */
#ifndef DMSNAP_TOOLS_SHARED_VERDICT
#define DMSNAP_TOOLS_SHARED_VERDICT

#include "lib/check/evidence.h"
#include "tools/cli/json.h"
#include "tools/shared/devices.h"
#include "tools/shared/report.h"

/* "likely: the store holds ext4 (UUID ...), and so does this origin". Not yet escaped. */
struct report_text verdict_text(const struct snap_pair *pair);

/* "cow.img and /dev/sdb1 likely belong together: the store holds ...". Not yet escaped. */
struct report_text verdict_sentence(const struct device *cow, const struct device *origin,
                                    const struct snap_pair *pair);

/*
 * The origin for lines to type: NULL where another one has to be named. `pair` is NULL where the two were not judged.
 * One that may be right although it is contradicted (damaged entries, a copy) is named.
 */
const struct device *verdict_origin_to_name(const struct device *origin, const struct snap_pair *pair);

/* With --verbose: all that was compared, whatever has decided. */
void verdict_explain(struct cli *cli, const struct device *cow, const struct snap_evidence *evidence);

/* "pair": outcome, reason, grown, text. */
void verdict_set_json(struct cli_json *object, const struct snap_pair *pair);

/*
 * Of a pair that is contradicted by entries behind the end of the origin: what to do, for the end of a sentence, "; do
 * not lengthen ...". Empty for other pairs. Not yet escaped.
 */
struct report_text verdict_beyond_text(const struct device *cow, const struct device *origin,
                                       const struct snap_pair *pair);

/* Why a contradiction is no refusal. */
enum verdict_waived {
    VERDICT_NOT_WAIVED,
    VERDICT_WAIVED,           /* by its word */
    VERDICT_NOTHING_TO_WRITE  /* the list is empty, and all that the program would do is write its entries */
};

/*
 * Says the outcome, whichever it is: a note for a pair that is proven or likely, a warning for one that nothing is
 * known of, unless the list is empty, so that nothing can go wrong. A contradiction is SNAP_E_REFUSED with what to do
 * next; where it is waived, a warning, unless nobody can waive it (snap_pair_is_final). `shown_next`: the outcome
 * is shown in another way, and only what is not part of it is said.
 */
enum snap_status verdict_judge(struct cli *cli, const struct device *cow, const struct device *origin,
                               const struct snap_evidence *evidence, uint64_t entries, enum verdict_waived waived,
                               bool shown_next, struct snap_error *err);

/* For a store whose list is lost (struct snap_pair): what that means, and that it is not to be written to. */
struct report_text verdict_lost_text(const struct device *cow, const struct device *origin);

/*
 * For JSON, `empty_list`: "lost" and "merged" where the origin shows it, else "unknown"; NULL where the list is not
 * empty, or nothing tells that it ever named anything. `evidence` as below.
 */
const char *verdict_emptied_word(const struct snap_store *store, const struct snap_check_result *check,
                                 const struct snap_evidence *evidence);

/*
 * Of an empty list whose fingerprint remembers that there were entries: what may have become of them, and what to type
 * next. Silent of other stores, where the origin shows that they were merged, and where verdict_lost_text says more.
 * `evidence` is NULL where no origin is named.
 */
void verdict_note_emptied(struct cli *cli, const struct device *cow, const struct device *origin,
                          const struct snap_store *store, const struct snap_check_result *check,
                          const struct snap_evidence *evidence);

/*
 * For a store without entries whose pair is contradicted: to make it anew, with the line to type; but not while an undo
 * store can take its merge back. Not yet escaped.
 */
struct report_text verdict_renew(const struct device *cow, const struct device *origin, const struct snap_pair *pair);

/*
 * Of an origin that is no raw image: "make a raw one first: qemu-img ...; if you know that it is raw, and only begins
 * like that, WAIVER". NULL: nobody can waive it. Not yet escaped.
 */
struct report_text verdict_raw_text(const struct snap_container *container, const char *path, const char *waiver);

/* A store that was cut: "the list needs N bytes, but this device has M", and how it gets them. Not yet escaped. */
struct report_text verdict_cut_text(const struct device *cow, const struct snap_check_result *check);

/* The same as a refusal: SNAP_E_REFUSED, for nothing of the store is damaged that is still there. */
enum snap_status verdict_fail_cut(const struct device *cow, const struct snap_check_result *check,
                                  struct snap_error *err);

/*
 * Whether one entry alone is out of its place: it may be damaged, though legal stores have that as well
 * (dmsnap-store(5), RULES OF A SOUND STORE). Not where a finding says more, nor where it has the chunk of the entry
 * that a list of one more would end with: so a drop moves it.
 */
bool verdict_has_outlier(const struct snap_store *store, const struct snap_findings *findings,
                         const struct snap_check_result *check);

#endif
