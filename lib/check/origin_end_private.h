/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the origin of a store ends for certain: an entry behind that is damaged (rule entry-old-range). */
#ifndef DMSNAP_CHECK_ORIGIN_END
#define DMSNAP_CHECK_ORIGIN_END

#include "lib/check/check.h"
#include "lib/check/findings.h"
#include "lib/store/header.h"

/* What says so. */
enum snap_origin_end_source {
    SNAP_ORIGIN_END_NONE,     /* nothing: only that no device is larger than this */
    SNAP_ORIGIN_END_RECORD,   /* the record; the origin is not known, or smaller than the record says */
    SNAP_ORIGIN_END_MADE,     /* the origin, which the record says was not larger */
    SNAP_ORIGIN_END_SAID      /* the origin, of which somebody said that it has its whole size */
};

struct snap_origin_end {
    uint64_t chunks;          /* of the origin, at most */
    enum snap_origin_end_source source;
    bool follows;             /* the entry before this one lies behind the end of the origin that is given ... */
    uint64_t before_old_chunk; /* ... and that is what stood before it; UINT64_MAX: nothing that counts */
};

/* `origin_sectors` is 0 where the origin is not known. A record that names a larger origin weighs more than what was
 * said (`is_whole`). */
void snap_origin_end_find(struct snap_origin_end *end, const struct snap_store *store, uint64_t origin_sectors,
                          bool is_whole);

/*
 * Counts an entry that lies behind the end of the origin, and one that follows such an entry; these have to come in the
 * order of the list. `previous_old_chunk` is that of the entry before.
 */
void snap_origin_end_note(struct snap_origin_end *end, uint64_t index, uint64_t old_chunk, bool beyond,
                          uint64_t previous_old_chunk, struct snap_check_result *result);

/* The finding about an entry whose chunk of the origin lies behind the end; its place is for the caller. */
void snap_origin_end_finding(const struct snap_origin_end *end, uint64_t old_chunk, struct snap_finding *finding);

#endif
