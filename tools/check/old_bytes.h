/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes that a repair overwrites: where they are saved, and how they come back. */
#ifndef DMSNAP_TOOLS_CHECK_OLD_BYTES
#define DMSNAP_TOOLS_CHECK_OLD_BYTES

#include "tools/check/session.h"
#include "tools/shared/report.h"

/*
 * For a printed line that mends: where the old bytes go. Nothing where there is a place for them that need not be
 * named; " --save-old FILE" where the reader has to choose one.
 */
struct report_text check_old_bytes_option(const struct check_session *session);

/*
 * Opens the folder of the new file; nothing is made yet. SNAP_E_REFUSED, with what to type, where no place is known,
 * the file exists, or a write to it could change the store or its origin. In a dry run an unknown place is no failure.
 */
enum snap_status check_old_bytes_find_place(struct check_session *session, struct snap_error *err);

/* Saves what the plan overwrites, durably and under its name, before the first write; says where. */
enum snap_status check_old_bytes_save(struct check_session *session, struct snap_error *err);

/* The line that takes the repair back, where the old bytes were saved. */
void check_old_bytes_say_way_back(struct check_session *session);

enum snap_status check_old_bytes_close(struct check_session *session, struct snap_error *err);

#endif
