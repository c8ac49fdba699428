/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges entries behind the end of an origin: it was cut, or it is the wrong one, or they are damaged. For pair. */
#ifndef DMSNAP_CHECK_REACH_PRIVATE
#define DMSNAP_CHECK_REACH_PRIVATE

#include "lib/check/pair.h"

/* facts->entries_beyond is not 0. *pair has its container and needed_bytes; the rest of the judgement is set. */
void snap_reach_judge(const struct snap_pair_facts *facts, struct snap_pair *pair);

#endif
