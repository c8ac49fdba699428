/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds entries behind the end of an origin against each other, and against what file systems say of its size. */
#include "lib/check/reach_private.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"

#include <inttypes.h>
#include <stdio.h>

/* Entries behind the end of the origin: one of so many is few, and so many times the size of the origin is far. */
#define FEW 32u
#define FAR 2u

/* A file system leaves less of its device than one block, and no file system has larger ones. */
#define BLOCK_BYTES_MAX (64u << 10)

struct reach {
    uint64_t origin_bytes;
    bool alone;              /* the entries stand as damaged numbers do ... */
    bool apart;              /* ... and as those of no origin that was cut */
    bool filled;             /* the file system that the store holds ends where the origin ends */
    struct snap_ends_claim larger; /* what says that the origin was larger */
    bool larger_held;        /* that is in the store, and not on the origin */
};

/*
 * Of an origin that was cut many entries are missing, in rows. A damaged number stands alone; it is that of no
 * neighbour, and mostly far off. One that stands where its neighbours leave out a chunk was that chunk's. A record says
 * that the origin was so large.
 */
static void look_at_entries(const struct snap_pair_facts *facts, const struct snap_pair *pair, struct reach *reach)
{
    const struct snap_check_beyond *beyond = &facts->beyond;
    const uint64_t end_chunk = snap_layout_origin_chunks(&facts->store->layout, facts->origin.sectors);

    reach->alone = !pair->container && facts->store->identity_state != SNAP_IDENTITY_OK &&
                   beyond->runs == facts->entries_beyond && facts->entries_beyond <= facts->entries / FEW;
    reach->apart = reach->alone &&
                   (beyond->lowest_old_chunk / FAR >= end_chunk || beyond->bridged == facts->entries_beyond);
}

/*
 * A file system may be smaller than its device, and then tells nothing. One that is larger cannot be made. One that
 * fills its device counts if it is the store's: that on the origin may be on a wrong one.
 */
static void look_at_ends(const struct snap_pair_facts *facts, struct reach *reach)
{
    const struct snap_ends_claim *origin = &facts->ends.origin, *held = &facts->ends.held;

    if (held->bytes > reach->origin_bytes) {
        reach->larger = *held;
        reach->larger_held = true;
    }
    if (origin->bytes > reach->origin_bytes && origin->bytes >= reach->larger.bytes) {
        reach->larger = *origin;
        reach->larger_held = false;
    }
    reach->filled = reach->larger.bytes == 0 && held->kind == SNAP_ENDS_FILE_SYSTEM &&
                    held->bytes + BLOCK_BYTES_MAX > reach->origin_bytes;
}

/* "the file system on this origin has 8388608 bytes", or nothing. */
struct clause {
    char text[128];
};

static struct clause claim_text(const struct snap_ends_claim *claim, bool held)
{
    const char *where = held ? "that the store holds" : "on this origin";
    struct clause clause = {""};

    if (claim->kind == SNAP_ENDS_FILE_SYSTEM)
        (void)snprintf(clause.text, sizeof clause.text, "the file system %s has %" PRIu64 " bytes", where,
                       claim->bytes);
    else if (claim->kind == SNAP_ENDS_PARTITIONS)
        (void)snprintf(clause.text, sizeof clause.text, "the last partition of the table %s ends at byte %" PRIu64,
                       where, claim->bytes);
    return clause;
}

/* The figure that decides, or the one that people may decide with; of partitions only if they do not fit. */
static void name_claim(const struct snap_pair_facts *facts, const struct reach *reach, struct snap_pair *pair)
{
    if (reach->larger.bytes > 0) {
        pair->claim = reach->larger;
        pair->claim_held = reach->larger_held;
    } else if (facts->ends.held.kind == SNAP_ENDS_FILE_SYSTEM) {
        pair->claim = facts->ends.held;
        pair->claim_held = true;
    } else if (facts->ends.origin.kind == SNAP_ENDS_FILE_SYSTEM) {
        pair->claim = facts->ends.origin;
    }
}

static void say_damaged(const struct snap_pair_facts *facts, const struct reach *reach, struct snap_pair *pair)
{
    const uint64_t per_area = facts->store->layout.entries_per_area, first = facts->beyond.first_index;
    const bool one = facts->entries_beyond == 1;
    struct clause shape = {""}, claim = claim_text(&pair->claim, pair->claim_held);

    if (reach->apart)
        (void)snprintf(shape.text, sizeof shape.text, "%s %s", one ? "it stands" : "each stands",
                       facts->beyond.bridged == facts->entries_beyond ? "where a row of others leaves out a chunk"
                                                                      : "alone, far from all others");
    (void)snprintf(pair->text, sizeof pair->text,
                   "%" PRIu64 " of %" PRIu64 " entries %s behind the end of this origin, at byte %" PRIu64
                   " (%s area %" PRIu64 " slot %" PRIu64 ", origin chunk %" PRIu64 "); %s%s%s, so %s most "
                   "likely damaged", facts->entries_beyond, facts->entries, one ? "lies" : "lie", reach->origin_bytes,
                   one ? "in" : "the first in", first / per_area, first % per_area, facts->beyond.first_old_chunk,
                   shape.text, shape.text[0] && claim.text[0] ? ", and " : "", claim.text, one ? "it is" : "they are");
}

/* What the origin may be, and what says so. */
static struct clause cause_text(const struct snap_pair_facts *facts, const struct reach *reach,
                                const struct snap_pair *pair)
{
    struct clause cause;

    (void)snprintf(cause.text, sizeof cause.text, "%s%s",
                   reach->larger.bytes > 0 && !reach->larger_held ? "it was cut"
                                                                  : "it is the wrong origin, or it was cut",
                   !pair->may_be_damaged        ? ""
                   : facts->entries_beyond == 1 ? ", or that entry is damaged"
                                                : ", or these entries are damaged");
    return cause;
}

static void say_cut(const struct snap_pair_facts *facts, const struct reach *reach, struct snap_pair *pair)
{
    const uint64_t per_area = facts->store->layout.entries_per_area, first = facts->beyond.first_index;
    const bool one = facts->entries_beyond == 1, larger = reach->larger.bytes > 0;
    const struct clause claim = claim_text(&pair->claim, pair->claim_held);

    (void)snprintf(pair->text, sizeof pair->text,
                   "the store reaches byte %" PRIu64 " of its origin, but this one ends at byte %" PRIu64
                   " (%" PRIu64 " of %" PRIu64 " entries %s behind that, %s area %" PRIu64 " slot %" PRIu64
                   ", origin chunk %" PRIu64 "): %s%s%s%s%s", facts->reach_bytes, reach->origin_bytes,
                   facts->entries_beyond, facts->entries, one ? "lies" : "lie", one ? "in" : "the first in",
                   first / per_area, first % per_area, facts->beyond.first_old_chunk,
                   cause_text(facts, reach, pair).text, !claim.text[0] ? "" : larger ? ": " : "; ", claim.text,
                   claim.text[0] && !larger ? ", and all of them are here" : "",
                   !larger || pair->needed_bytes >= facts->reach_bytes
                       ? ""
                       : ", and entries that lie behind that may be damaged");
}

/* Entries that stand as damaged ones do say nothing of how much is missing. */
static uint64_t needed_bytes(const struct reach *reach, uint64_t needed_bytes)
{
    uint64_t claimed_bytes = reach->larger.bytes;

    if (claimed_bytes == 0 || claimed_bytes > INT64_MAX - SNAP_SECTOR_BYTES)
        return needed_bytes;
    claimed_bytes = snap_div_up(claimed_bytes, SNAP_SECTOR_BYTES) * SNAP_SECTOR_BYTES;
    return reach->alone ? claimed_bytes : snap_max(claimed_bytes, needed_bytes);
}

void snap_reach_judge(const struct snap_pair_facts *facts, struct snap_pair *pair)
{
    struct reach reach = {.origin_bytes = facts->origin.sectors * SNAP_SECTOR_BYTES};

    look_at_entries(facts, pair, &reach);
    if (!pair->container) {
        look_at_ends(facts, &reach);
        name_claim(facts, &reach, pair);
    }
    pair->outcome = SNAP_PAIR_CONTRADICTED;
    pair->reason = SNAP_PAIR_REACH;
    pair->damaged = reach.larger.bytes == 0 && (reach.apart || (reach.alone && reach.filled));
    pair->may_be_damaged = reach.larger.bytes == 0 && !pair->damaged && (reach.alone || reach.filled);
    pair->needed_bytes = needed_bytes(&reach, pair->needed_bytes);
    if (pair->damaged)
        say_damaged(facts, &reach, pair);
    else
        say_cut(facts, &reach, pair);
}
