/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The origin and the words of lines that are to be typed next. */
#ifndef DMSNAP_TOOLS_CHECK_NEXT
#define DMSNAP_TOOLS_CHECK_NEXT

#include "tools/check/session.h"

/* Its path is NULL where none was named, or where the one that was named is the wrong one. */
const struct device *check_next_origin(const struct check_session *session);

/* " --origin DEV", or nothing, of that. */
struct report_text check_next_origin_option(const struct check_session *session);

/*
 * "snapcheck --repair-to NEW ...", with the words without which it is refused, and those that were given. `dry_run`: it
 * only shows what would be there. `chunk_bytes`: of the new store, where that was not given; 0: those of this one.
 */
struct report_text check_next_repair_to(const struct check_session *session, bool dry_run, uint64_t chunk_bytes);

#endif
