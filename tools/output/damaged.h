/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a snapshot although chunks of it are damaged: which ones may be skipped, and the list of those that were. */
#ifndef DMSNAP_TOOLS_OUTPUT_DAMAGED
#define DMSNAP_TOOLS_OUTPUT_DAMAGED

#include "tools/cli/json.h"
#include "tools/output/session.h"

/* For the table of options: the words of enum output_skip; they end with NULL. */
extern const char *const output_skip_words[];

/*
 * In place of pair_check_list where damaged chunks are to be skipped: the whole list, of which only single entries may
 * be damaged. SNAP_E_CORRUPT where it is more than that: then nobody can tell which chunks are sound.
 */
enum snap_status output_damaged_check_list(struct output_session *output, struct snap_error *err);

/* The view goes on over damaged chunks from now on, and each is remembered, if they are to be skipped. */
void output_damaged_skip(struct output_session *output, struct snap_view *view);

/* The view was read once: nothing more is remembered. What was is in order now, each chunk once. */
void output_damaged_end(struct output_session *output);

/* Which files of the snapshot the skipped chunks belong to. */
void output_damaged_name_files(struct output_session *output);

/* One warning for each range of skipped chunks. */
void output_damaged_say(const struct output_session *output);

/* "skipped": the ranges, in `object`; null where nothing was to be skipped. */
void output_damaged_set_json(struct cli_json *object, const struct output_session *output);

void output_damaged_free(struct output_session *output);

#endif
