/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge's chunks on bad sectors: kept for the report, listed in a file, explained. */
#ifndef DMSNAP_TOOLS_MERGE_BAD_LIST
#define DMSNAP_TOOLS_MERGE_BAD_LIST

#include "tools/cli/json.h"
#include "tools/merge/session.h"

/*
 * Before the first write: looks at the file of --bad-list, if there is one, which must be new or a list of ours, and
 * has the library report to this session. SNAP_E_REFUSED, SNAP_E_PERM, SNAP_E_IO.
 */
enum snap_status merge_bad_prepare(struct merge_session *session, struct snap_error *err);

/*
 * Right before the first write: the file is made, with what it held before, so that it can be made. Nothing without a
 * file.
 */
enum snap_status merge_bad_begin(struct merge_session *session, struct snap_error *err);

/*
 * After the merge: says which chunks were left, what that means, and writes the file. What it held before stays in it
 * where chunks are given up, of which nothing else tells, or the merge is not `complete`. Returns the exit status for
 * it: CLI_EXIT_OK where there are none, else CLI_EXIT_STORE, or CLI_EXIT_FAILED where the list could not be written.
 */
int merge_bad_show(struct merge_session *session, bool complete);

/* "bad": one object for each. */
void merge_bad_json(const struct merge_session *session, struct cli_json *result);

void merge_bad_free(struct merge_session *session);

#endif
