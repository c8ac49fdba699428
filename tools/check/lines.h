/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows findings, at once or when it is known which files they are about. */
#ifndef DMSNAP_TOOLS_CHECK_LINES
#define DMSNAP_TOOLS_CHECK_LINES

#include "tools/check/session.h"

/* The next line that is shown is about what this finding touches, beside what was touched since the last one. */
void check_lines_touch(struct check_session *session, const struct snap_finding *finding);

/* The same of all that was noted for a row, in whose own places a note puts what its findings touch. */
void check_lines_note(const struct check_session *session, struct files_places *places,
                      const struct snap_finding *finding);
void check_lines_touch_all(struct check_session *session, const struct files_places *places);

/* One line for a finding, or for a row of them. Failures are those of printing JSON, and SNAP_E_STOPPED. */
enum snap_status check_lines_add(struct check_session *session, const struct snap_finding *finding,
                                 struct snap_error *err);
enum snap_status check_lines_add_row(struct check_session *session, const struct check_range *row,
                                     struct snap_error *err);

/* What files are looked for in, once the check has come to its end. */
struct files_look check_lines_look(const struct check_session *session);

/* After the last one, also where the check has failed: what waits is shown. */
enum snap_status check_lines_end(struct check_session *session, struct snap_error *err);

#endif
