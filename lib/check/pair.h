/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one judgement whether a store and an origin belong together. */
#ifndef DMSNAP_CHECK_PAIR
#define DMSNAP_CHECK_PAIR

#include "lib/check/check.h"
#include "lib/check/container.h"
#include "lib/check/ends.h"
#include "lib/check/fingerprinting.h"
#include "lib/check/identity.h"
#include "lib/check/resemblance.h"
#include "lib/store/header.h"

enum snap_pair_outcome {
    SNAP_PAIR_PROVEN,        /* the text names the proof */
    SNAP_PAIR_LIKELY,        /* the text names the evidence */
    SNAP_PAIR_UNKNOWN,       /* nothing tells; the text says so */
    SNAP_PAIR_CONTRADICTED   /* the text names both sides */
};

/* Which kind of evidence has decided. The words (snap_pair_reason_name) never change. */
enum snap_pair_reason {
    SNAP_PAIR_NOTHING,       /* "nothing": no evidence */
    SNAP_PAIR_REACH,         /* "reach": entries beyond the end of the origin; no merge can be right */
    SNAP_PAIR_ORIGIN_STORE,  /* "origin-is-store": the origin is a snapshot store itself */
    SNAP_PAIR_ORIGIN_NOT_RAW, /* "origin-not-raw": the origin is an image in another format, or a packed file */
    SNAP_PAIR_DEVICE,        /* "device": size, PARTUUID or serial number of the record */
    SNAP_PAIR_FINGERPRINT,   /* "fingerprint": sampled blocks of the origin */
    SNAP_PAIR_RECORD,        /* "record": file system or partition table that the record names */
    SNAP_PAIR_HELD,          /* "held": file system or partition table that the store holds */
    SNAP_PAIR_CONTENT,       /* "content": what the store holds resembles what it would replace */
    SNAP_PAIR_METADATA       /* "metadata": LVM's metadata name this origin */
};

/* Everything that the judgement knows. What is borrowed outlives the call. */
struct snap_pair_facts {
    const struct snap_store *store;       /* its header is GOOD */
    struct snap_origin_facts origin;
    bool origin_in_part;                  /* some places of the origin, or of the view, could not be read */
    bool origin_is_store;
    uint32_t origin_chunk_sectors;        /* of that store */
    const struct snap_container *container; /* what the origin begins like (snap_container_of_origin); NULL: nothing */
    const struct snap_probe *held;        /* what the store itself holds, nothing borrowed from the origin */
    const struct snap_probe *before;      /* what was there before a merge of another store; NULL: origin.probe */
    const struct snap_probe *brought;     /* what a merge of this store may have brought there; empty: nothing */
    const char *lvm_group;                /* whose metadata name this origin for this store; NULL: none do */
    uint64_t entries;
    uint64_t entries_beyond;              /* entries that lie beyond the end of the origin, wholly */
    struct snap_check_beyond beyond;      /* what is known of these */
    struct snap_ends ends;                /* what is said of the size of the origin; only looked for with these */
    uint64_t reach_bytes;                 /* the least size of an origin that takes all entries */
    struct snap_fingerprint_result fingerprint; /* all zero: not compared */
    struct snap_resemblance resemblance;        /* all zero: not compared */
};

struct snap_pair {
    enum snap_pair_outcome outcome;
    enum snap_pair_reason reason;
    bool grown;                           /* the origin is larger than the record says */
    bool smaller;                         /* the origin is smaller than the record says */
    bool damaged;                         /* contradicted by entries that are most likely damaged themselves ... */
    bool may_be_damaged;                  /* ... or that may as well be; else the origin is wrong, or was cut */
    struct snap_ends_claim claim;         /* what is said of the size of the origin, where that is of use here ... */
    bool claim_held;                      /* ... in the store, and not on the origin */
    bool brought;                         /* what the record does not name was brought there by a merge of this store */
    bool unmerged;                        /* contradicted: what a merge of this store has written is not there */
    bool list_lost;                       /* the list is empty, and the origin has nothing of what it named */
    bool has_undo;                        /* the store remembers an undo store, which can take its merge back */
    bool copy;                            /* contradicted: it is another device, with the content of the right one */
    const struct snap_container *container; /* what the origin is in place of raw content; NULL: it is raw */
    uint64_t needed_bytes;                /* the least size of an origin that takes all entries and fits the record */
    char text[SNAP_IDENTITY_TEXT_BYTES];  /* a clause without a device's name: "the store holds ..." */
};

/*
 * Judges. A contradiction that no change of content explains weighs most (entries beyond the end, a store or an image
 * in another format as origin, an origin without what a merge of this store has written, another device); then marks
 * that the record names and the origin lacks; then the fingerprint, which convicts or proves; then marks of the record
 * that are the same, marks that the store holds, and at last likeness of content, which only ever makes likely what is
 * unknown. LVM's metadata prove what nothing contradicts. They also tell that the origin is raw, whatever it begins
 * like, and so does a fingerprint that proves the pair.
 */
void snap_pair_judge(const struct snap_pair_facts *facts, struct snap_pair *pair);

/*
 * Holds what is on one device against what is on another that should be a later state of it: CONTRADICTED where a mark
 * differs, LIKELY where one is the same, else UNKNOWN.
 */
void snap_pair_judge_later(const struct snap_probe *earlier, const struct snap_probe *later, bool in_part,
                           struct snap_pair *pair);

/* "proven", "likely", "unknown", "contradicted". */
const char *snap_pair_outcome_name(enum snap_pair_outcome outcome);
const char *snap_pair_reason_name(enum snap_pair_reason reason);

/* A contradiction that nobody can waive: nothing right can come of a merge. */
bool snap_pair_is_final(const struct snap_pair *pair);

#endif
