/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What entries behind the end of the list are for. */
#ifndef DMSNAP_TOOLS_CHECK_BEHIND
#define DMSNAP_TOOLS_CHECK_BEHIND

#include "tools/check/session.h"

/* Whether a finding is about them: rules garbage-behind-end and list-cut. */
bool check_behind_is(const struct snap_finding *finding);

/*
 * The places of the snapshot that they are for, with this number, once the check has come to its end: of a list that
 * looks cut all that fit; of garbage the entries that have the data chunks of their slots. What cannot be read is left
 * out.
 */
void check_behind_places(const struct check_session *session, enum snap_rule rule, struct files_places *places,
                         uint32_t number);

#endif
