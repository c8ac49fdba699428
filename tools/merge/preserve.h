/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge's other stores of the same origin: opened, checked, planned, and what became of them. */
#ifndef DMSNAP_TOOLS_MERGE_PRESERVE
#define DMSNAP_TOOLS_MERGE_PRESERVE

#include "tools/cli/json.h"
#include "tools/merge/session.h"

/*
 * Before the first write: takes up the stores of --preserve, each with the checks that the COW itself passes, and finds
 * out whether what this merge replaces fits in. SNAP_E_NOSPC where it does not and --overflow=invalidate was not said,
 * or not confirmed.
 */
enum snap_status merge_preserve_prepare(struct merge_session *session, struct snap_error *err);

/* Takes up one more store, which is open (or found, and then opened), as an undo store is; the same failures. */
enum snap_status merge_preserve_add(struct merge_session *session, struct merge_sibling *sibling,
                                    struct snap_error *err);

/* How such a store is opened. */
struct snap_file_options merge_preserve_io(const struct merge_session *session);

/* The next free place; NULL where there are too many. Its device is closed by merge_preserve_close in any case. */
struct merge_sibling *merge_preserve_next(struct merge_session *session);

/* The first writes of a run: marks the stores invalid that were given up, and hands all others to the merge. */
enum snap_status merge_preserve_begin(struct merge_session *session, struct snap_error *err);

/* Once all are known: the merge itself gets what they leave of the memory. */
void merge_preserve_share_memory(struct merge_session *session);

/* For the plan on standard output: one line for each store. */
void merge_preserve_print(struct merge_session *session);
/* After the merge: what was copied out. */
void merge_preserve_show(struct merge_session *session);
void merge_preserve_json(const struct merge_session *session, struct cli_json *result);

/* Closes all of them; the worst of `exit_status` and what fails. */
int merge_preserve_close(struct merge_session *session, int exit_status);

#endif
