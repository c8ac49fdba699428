/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weighs the evidence for and against a pair, strongest first. */
#include "lib/check/pair.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/check/marks.h"
#include "lib/check/reach_private.h"
#include "lib/check/unmerged.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a fingerprint needs in order to prove a pair: so many different blocks, with so many different contents. */
#define PROOF_SAMPLES 16u
#define PROOF_TELLING 8u

__attribute__((format(printf, 4, 5))) static bool decide(struct snap_pair *pair, enum snap_pair_outcome outcome,
                                                         enum snap_pair_reason reason, const char *format, ...)
{
    va_list args;

    pair->outcome = outcome;
    pair->reason = reason;
    va_start(args, format);
    (void)vsnprintf(pair->text, sizeof pair->text, format, args);
    va_end(args);
    return true;
}

static bool proves(const struct snap_fingerprint_result *samples)
{
    return samples->differ == 0 && samples->agree_places >= PROOF_SAMPLES && samples->agree_telling >= PROOF_TELLING;
}

/*
 * Another device than the record's. Whoever saved a dying disk has the right content on another disk, and so has
 * whoever made a backup; only people know which of the two they mean.
 */
static bool contradicts_other_device(const struct snap_pair_facts *facts, const struct snap_identity_match *record,
                                     struct snap_pair *pair)
{
    const struct snap_fingerprint_result *samples = &facts->fingerprint;

    pair->copy = !record->smaller && samples->differ == 0 && (proves(samples) || record->content);
    if (pair->copy && proves(samples))
        return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE,
                      "%s; but %" PRIu32 " sampled blocks are what they were when the store recorded them: is it a "
                      "copy of the origin?", record->text, samples->agree_places);
    if (pair->copy)
        return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE,
                      "%s; but both have the same %s: is it a copy of the origin?", record->text,
                      facts->store->identity.fs_type[0] != '\0' ? "file system" : "partition table");
    if (samples->differ > 0)
        return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE,
                      "%s, and %" PRIu32 " of %" PRIu32 " sampled blocks %s not what %s", record->text, samples->differ,
                      samples->differ + samples->agree, snap_text_form(samples->differ, "is", "are"),
                      snap_text_form(samples->differ, "it was", "they were"));
    return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE, "%s", record->text);
}

/*
 * A copy of what the origin was before its merge was begun has all that the list does not name, and never had, as it
 * was; but a merge into it would leave out what was taken off the list. Some chunks of a merge may hold what was there
 * before; so one sample that differs is enough to be the right origin. A store without
 * entries leaves nothing out; the origin is without all of it when an undo store has taken the merge back alone.
 */
static bool contradicts_merged(const struct snap_pair_facts *facts, struct snap_pair *pair)
{
    const struct snap_fingerprint_result *samples = &facts->fingerprint;

    pair->list_lost = facts->entries == 0 && !pair->has_undo && samples->merged == 0 &&
                      samples->unmerged >= SNAP_UNMERGED_MIN;
    pair->unmerged = facts->entries > 0 && samples->merged == 0 && samples->unmerged >= SNAP_UNMERGED_MIN;
    return pair->unmerged &&
           decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT,
                  "a merge of this store was begun, and this origin does not have what it has written: %" PRIu32
                  " sampled blocks are what they were before; is it a copy that was made before the merge?",
                  samples->unmerged);
}

/* What speaks against the pair whatever the two contain. */
static bool contradicts_device(const struct snap_pair_facts *facts, const struct snap_identity_match *record,
                               struct snap_pair *pair)
{
    if (facts->entries_beyond > 0) {
        snap_reach_judge(facts, pair);
        return true;
    }
    if (facts->origin_is_store)
        return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_ORIGIN_STORE,
                      "the origin is itself a snapshot store (with chunks of %" PRIu32 " %s), most likely the COW of "
                      "another origin", facts->origin_chunk_sectors,
                      snap_text_form(facts->origin_chunk_sectors, "sector", "sectors"));
    if (pair->container)
        return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_ORIGIN_NOT_RAW,
                      pair->container->image
                          ? "the origin is a %s image, in which nothing stands where the store expects it"
                          : "the origin is packed with %s, so nothing in it stands where the store expects it",
                      pair->container->name);
    return contradicts_merged(facts, pair) ||
           (record->device_differs && contradicts_other_device(facts, record, pair));
}

/* What may have made samples differ. A store without entries has nothing that could be merged in the wrong order. */
static const char *why_samples_differ(uint64_t entries)
{
    return entries == 0
               ? "the origin was changed since then, or it is the wrong one, or the kernel has merged this store"
               : "it is the wrong origin or a newer version of it, or stores were merged in the wrong order, or the "
                 "origin was used without its snapshot, or the kernel has begun to merge this store";
}

/* As long as a store is valid, what its list does not name is on the origin as it was when the store was made. */
static bool decides_by_samples(const struct snap_pair_facts *facts, const struct snap_identity_match *record,
                               struct snap_pair *pair)
{
    const struct snap_fingerprint_result *samples = &facts->fingerprint;

    if (samples->differ > 0 && record->content_differs)
        return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT,
                      "%s, and %" PRIu32 " of %" PRIu32 " sampled blocks %s not what %s", record->text, samples->differ,
                      samples->differ + samples->agree, snap_text_form(samples->differ, "is", "are"),
                      snap_text_form(samples->differ, "it was", "they were"));
    if (record->content_differs) /* a sibling that shares nearly all content may agree in each sample */
        return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_RECORD, "%s", record->text);
    if (samples->differ > 0)
        return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT,
                      "%" PRIu32 " of %" PRIu32 " sampled blocks of this origin %s not what %s when the store recorded "
                      "them (the first one is at byte %" PRIu64 "): %s", samples->differ,
                      samples->differ + samples->agree, snap_text_form(samples->differ, "is", "are"),
                      snap_text_form(samples->differ, "it was", "they were"), samples->first_differing_bytes,
                      why_samples_differ(facts->entries));
    if (proves(samples))
        return decide(pair, SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT,
                      "%" PRIu32 " sampled blocks of this origin are what they were when the store recorded them",
                      samples->agree_places);
    return false;
}

/* "its size, ext4 UUID and serial number": what a record and the origin agree in. */
static const char *agreed(const struct snap_identity *record, const struct snap_identity_match *match, char *text,
                          size_t text_bytes)
{
    const char *const what[] = {
        match->content ? record->fs_type[0] != '\0' ? "file system" : "partition table" : NULL,
        match->partuuid ? "PARTUUID" : NULL,
        match->serial ? "serial number" : NULL,
    };
    size_t left = 0, used;

    for (size_t i = 0; i < sizeof what / sizeof what[0]; i++)
        left += what[i] ? 1 : 0;
    used = (size_t)snprintf(text, text_bytes, "size");
    for (size_t i = 0; i < sizeof what / sizeof what[0] && used < text_bytes; i++)
        if (what[i]) {
            left--;
            used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", left > 0 ? ", " : " and ", what[i]);
        }
    return text;
}

static bool decides_by_record(const struct snap_pair_facts *facts, const struct snap_identity_match *match,
                              struct snap_pair *pair)
{
    char text[128];

    if (!match->content && !match->partuuid)
        return false; /* a serial number alone is that of each partition, and of mmcblk0 and mmcblk0boot0 */
    return decide(pair, SNAP_PAIR_LIKELY, match->content ? SNAP_PAIR_RECORD : SNAP_PAIR_DEVICE,
                  "the store was made for an origin with the same %s",
                  agreed(&facts->store->identity, match, text, sizeof text));
}

/* Without a record, or with one of a size only. A blank origin that was recorded as blank fits what is held. */
static bool decides_by_held(const struct snap_pair_facts *facts, const struct snap_probe *found, struct snap_pair *pair)
{
    const struct snap_probe *held = facts->held;
    const bool recorded = facts->store->identity_state == SNAP_IDENTITY_OK;
    const enum snap_marks_result result = snap_marks_compare(held, found, facts->origin_in_part);
    char ours[SNAP_MARKS_TEXT_BYTES], theirs[SNAP_MARKS_TEXT_BYTES];

    if (result == SNAP_MARKS_DIFFERENT && !(recorded && snap_marks_none(found)))
        return decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_HELD, "the store holds %s, but this origin has %s",
                      snap_marks_text(held, ours), snap_marks_text(found, theirs));
    if (result == SNAP_MARKS_SAME)
        return decide(pair, SNAP_PAIR_LIKELY, SNAP_PAIR_HELD, "the store holds %s, and so does this origin",
                      snap_marks_text(held, ours));
    return false;
}

static void decide_by_content(const struct snap_pair_facts *facts, const struct snap_identity_match *match,
                              struct snap_pair *pair)
{
    const struct snap_resemblance *resemblance = &facts->resemblance;
    const char *const marks =
        facts->store->identity_state != SNAP_IDENTITY_OK ? "the store does not say which origin it belongs to"
        : match->serial ? "its record fits, but holds only the size of its origin and a serial number that other "
                          "devices may have, too"
                        : "its record fits, but holds only the size of its origin";

    if (facts->fingerprint.agree_telling > 0)
        (void)decide(pair, SNAP_PAIR_LIKELY, SNAP_PAIR_FINGERPRINT,
                     "%" PRIu32 " sampled %s of this origin (different contents: %" PRIu32 ") %s when the store "
                     "recorded that; %u with %u would prove it", facts->fingerprint.agree_places,
                     snap_text_form(facts->fingerprint.agree_places, "block", "blocks"),
                     facts->fingerprint.agree_telling,
                     snap_text_form(facts->fingerprint.agree_places, "is what it was", "are what they were"),
                     PROOF_SAMPLES, PROOF_TELLING);
    else if (match->brought)
        (void)decide(pair, SNAP_PAIR_LIKELY, SNAP_PAIR_HELD, "the COW holds what this origin has, byte for byte");
    else if (resemblance->likely)
        (void)decide(pair, SNAP_PAIR_LIKELY, SNAP_PAIR_CONTENT, "%s; but %" PRIu32 " of %" PRIu32 " chunks %s what "
                     "%s would replace", marks, resemblance->resembling, resemblance->telling,
                     snap_text_form(resemblance->resembling, "resembles", "resemble"),
                     snap_text_form(resemblance->resembling, "it", "they"));
    else if (resemblance->telling > 0 && resemblance->resembling == 0)
        (void)decide(pair, SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "%s, and nothing of %" PRIu32 " %s resembles what it "
                     "would replace", marks, resemblance->telling,
                     snap_text_form(resemblance->telling, "chunk", "chunks"));
    else
        (void)decide(pair, SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "%s, and nothing else tells", marks);
}

/* Raw content may begin with anything: what was sampled, or LVM, says whether this is the content that is meant. */
static bool known_as_raw(const struct snap_pair_facts *facts)
{
    return facts->lvm_group || proves(&facts->fingerprint);
}

/* The least size of an origin that can be the right one. */
static uint64_t needed_bytes(const struct snap_pair_facts *facts, const struct snap_identity_match *match)
{
    uint64_t recorded_bytes = 0;

    if (match->smaller && !snap_mul(facts->store->identity.origin_sectors, SNAP_SECTOR_BYTES, &recorded_bytes))
        recorded_bytes = UINT64_MAX; /* no device has so many */
    return snap_max(recorded_bytes, facts->reach_bytes);
}

/* So that nobody wonders why other marks than those of the record are no contradiction. */
static void name_what_was_brought(const struct snap_pair_facts *facts, struct snap_pair *pair)
{
    const size_t used = strlen(pair->text);
    char text[SNAP_MARKS_TEXT_BYTES];

    if ((pair->brought || facts->before) && pair->outcome != SNAP_PAIR_CONTRADICTED)
        (void)snprintf(pair->text + used, sizeof pair->text - used, "; a merge of %s store has brought %s to it",
                       facts->before ? "another" : "this", snap_marks_text(facts->origin.probe, text));
}

/* It is shorter than what it contains: it was not cut. */
static void name_container(struct snap_pair *pair)
{
    const size_t used = strlen(pair->text);

    if (pair->container && pair->reason == SNAP_PAIR_REACH)
        (void)snprintf(pair->text + used, sizeof pair->text - used,
                       pair->container->image ? "; but the origin is a %s image" : "; but the origin is packed with %s",
                       pair->container->name);
}

void snap_pair_judge(const struct snap_pair_facts *facts, struct snap_pair *pair)
{
    const bool recorded = facts->store->identity_state == SNAP_IDENTITY_OK;
    struct snap_identity_match match = {.text = ""};
    struct snap_origin_facts origin = facts->origin;

    if (facts->before)
        origin.probe = facts->before;
    if (recorded)
        snap_identity_compare(&facts->store->identity, &origin, facts->brought, facts->origin_in_part, &match);
    *pair = (struct snap_pair){.outcome = SNAP_PAIR_UNKNOWN,
                               .grown = match.grown,
                               .smaller = match.smaller,
                               .brought = match.brought,
                               .has_undo = snap_identity_has_undo(&facts->store->identity),
                               .container = known_as_raw(facts) ? NULL : facts->container,
                               .needed_bytes = needed_bytes(facts, &match)};
    if (!contradicts_device(facts, &match, pair) && !decides_by_samples(facts, &match, pair) &&
        !decides_by_record(facts, &match, pair) && !decides_by_held(facts, origin.probe, pair))
        decide_by_content(facts, &match, pair);
    if (facts->lvm_group && pair->outcome != SNAP_PAIR_CONTRADICTED && pair->outcome != SNAP_PAIR_PROVEN)
        (void)decide(pair, SNAP_PAIR_PROVEN, SNAP_PAIR_METADATA, "LVM's metadata of the group \"%.128s\" name this "
                     "origin", facts->lvm_group);
    name_container(pair);
    name_what_was_brought(facts, pair);
}

void snap_pair_judge_later(const struct snap_probe *earlier, const struct snap_probe *later, bool in_part,
                           struct snap_pair *pair)
{
    char before[SNAP_MARKS_TEXT_BYTES], after[SNAP_MARKS_TEXT_BYTES];

    *pair = (struct snap_pair){.outcome = SNAP_PAIR_UNKNOWN};
    switch (snap_marks_compare(earlier, later, in_part)) {
    case SNAP_MARKS_DIFFERENT:
        (void)decide(pair, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_HELD, "it has %s, but the origin has %s",
                     snap_marks_text(later, after), snap_marks_text(earlier, before));
        break;
    case SNAP_MARKS_SAME:
        (void)decide(pair, SNAP_PAIR_LIKELY, SNAP_PAIR_HELD, "both have %s", snap_marks_text(earlier, before));
        break;
    case SNAP_MARKS_NOTHING:
        (void)decide(pair, SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "nothing tells whether it is a later state of the "
                     "origin");
        break;
    }
}

const char *snap_pair_outcome_name(enum snap_pair_outcome outcome)
{
    static const char *const names[] = {
        [SNAP_PAIR_PROVEN] = "proven",
        [SNAP_PAIR_LIKELY] = "likely",
        [SNAP_PAIR_UNKNOWN] = "unknown",
        [SNAP_PAIR_CONTRADICTED] = "contradicted",
    };

    return names[outcome];
}

const char *snap_pair_reason_name(enum snap_pair_reason reason)
{
    static const char *const names[] = {
        [SNAP_PAIR_NOTHING] = "nothing",         [SNAP_PAIR_REACH] = "reach",
        [SNAP_PAIR_ORIGIN_STORE] = "origin-is-store", [SNAP_PAIR_DEVICE] = "device",
        [SNAP_PAIR_ORIGIN_NOT_RAW] = "origin-not-raw",
        [SNAP_PAIR_FINGERPRINT] = "fingerprint", [SNAP_PAIR_RECORD] = "record",
        [SNAP_PAIR_HELD] = "held",               [SNAP_PAIR_CONTENT] = "content",
        [SNAP_PAIR_METADATA] = "metadata",
    };

    return names[reason];
}

bool snap_pair_is_final(const struct snap_pair *pair)
{
    return pair->outcome == SNAP_PAIR_CONTRADICTED && pair->reason == SNAP_PAIR_REACH;
}
