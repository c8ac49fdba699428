/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all programs say and do about the judgement whether a store and an origin belong together. */
#include "tools/shared/verdict.h"

#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/store/fingerprint.h"
#include "tools/shared/content.h"
#include "tools/shared/lvm_name.h"
#include "tools/shared/volumes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct report_text verdict_text(const struct snap_pair *pair)
{
    struct report_text result;

    (void)snprintf(result.text, sizeof result.text, "%s: %s", snap_pair_outcome_name(pair->outcome), pair->text);
    return result;
}

struct report_text verdict_lost_text(const struct device *cow, const struct device *origin)
{
    struct report_text result;

    (void)snprintf(result.text, sizeof result.text, "%.4000s: its list is empty, but %.4000s holds nothing of what it "
                   "named: the list may be lost, and its data still be there; write nothing to the store, and keep a "
                   "copy of it; or this origin is a copy from before a merge", cow->path, origin->path);
    return result;
}

/* Samples that an entry has masked; of other masked ones there is no checksum. */
static uint32_t named_samples(const struct snap_fingerprint *fingerprint)
{
    uint32_t count = 0;

    for (uint32_t sample = 0; sample < fingerprint->samples; sample++)
        count += snap_fingerprint_bit(fingerprint->mask, sample) && fingerprint->sums[sample] != 0;
    return count;
}

/* Whether an empty list named something once, by the fingerprint; an undo store may bring that back. */
static bool is_emptied(const struct snap_store *store, const struct snap_check_result *check)
{
    return check->list_complete && check->entries == 0 && store->fingerprint_state == SNAP_FINGERPRINT_OK &&
           named_samples(&store->fingerprint) > 0 && !report_has_id(store->identity.undo_id);
}

const char *verdict_emptied_word(const struct snap_store *store, const struct snap_check_result *check,
                                 const struct snap_evidence *evidence)
{
    if (!is_emptied(store, check))
        return NULL;
    return !evidence                          ? "unknown"
           : evidence->pair.list_lost         ? "lost"
           : evidence->fingerprint.merged > 0 ? "merged"
                                              : "unknown";
}

void verdict_note_emptied(struct cli *cli, const struct device *cow, const struct device *origin,
                          const struct snap_store *store, const struct snap_check_result *check,
                          const struct snap_evidence *evidence)
{
    const uint32_t masked = named_samples(&store->fingerprint);
    const struct report_text devices = volumes_option_of(cow, origin);

    if (!is_emptied(store, check) || check->continuation_entries > 0)
        return;
    if (!evidence)
        cli_note(cli, "%s: its list is empty, but %" PRIu32 " masked samples of its fingerprint tell that it named "
                 "something: it was merged, or it is lost%s%s%s%s", cow->path, masked,
                 origin->path ? "; which of them is not known before the damage is mended"
                              : "; the origin may show which: snapcheck",
                 origin->path ? "" : devices.text, origin->path ? "" : " --origin ORIGIN ",
                 origin->path ? "" : cli_quote(cow->path).text);
    else if (evidence->fingerprint.merged == 0 && !evidence->pair.list_lost)
        cli_note(cli, "%s: its list is empty, but %" PRIu32 " masked samples of its fingerprint tell that it named "
                 "something, and %s does not show that this was merged: the list may be lost; what the fingerprint "
                 "tells can be seen with: snapinspect -v%s --origin %s %s; keep a copy of the store before anything "
                 "is written to it", cow->path, masked, origin->path, devices.text, cli_quote(origin->path).text,
                 cli_quote(cow->path).text);
}

struct report_text verdict_sentence(const struct device *cow, const struct device *origin, const struct snap_pair *pair)
{
    static const char *const verbs[] = {
        [SNAP_PAIR_PROVEN] = "belong together",
        [SNAP_PAIR_LIKELY] = "likely belong together",
        [SNAP_PAIR_UNKNOWN] = "may or may not belong together",
        [SNAP_PAIR_CONTRADICTED] = "do not belong together",
    };
    struct report_text result;

    (void)snprintf(result.text, sizeof result.text, "%.4095s and %.4095s %s: %s", cow->path, origin->path,
                   pair->copy ? "may not belong together" : verbs[pair->outcome], pair->text);
    return result;
}

const struct device *verdict_origin_to_name(const struct device *origin, const struct snap_pair *pair)
{
    const bool wrong = pair && pair->outcome == SNAP_PAIR_CONTRADICTED && !pair->damaged && !pair->may_be_damaged &&
                       !pair->copy;

    return wrong ? NULL : origin;
}

void verdict_explain(struct cli *cli, const struct device *cow, const struct snap_evidence *evidence)
{
    const struct snap_fingerprint_result *samples = &evidence->fingerprint;
    const struct snap_resemblance *likeness = &evidence->resemblance;

    cli_verbose(cli, "%s: evidence: %s (%s)", cow->path, snap_pair_outcome_name(evidence->pair.outcome),
                snap_pair_reason_name(evidence->pair.reason));
    cli_verbose(cli, "%s: evidence: the store itself holds %s", cow->path, report_probe_text(&evidence->held).text);
    if (samples->present)
        cli_verbose(cli, "%s: evidence: fingerprint: samples: %" PRIu32 ", masked: %" PRIu32 ", in the list: %" PRIu32
                    ", cannot be read: %" PRIu32 ", agree: %" PRIu32 ", differ: %" PRIu32, cow->path, samples->samples,
                    samples->masked, samples->listed, samples->unreadable, samples->agree, samples->differ);
    else
        cli_verbose(cli, "%s: evidence: fingerprint: none was compared", cow->path);
    if (likeness->sampled > 0)
        cli_verbose(cli, "%s: evidence: contents: chunks compared: %" PRIu32 ", that can tell: %" PRIu32
                    ", that resemble what they replace: %" PRIu32, cow->path, likeness->compared, likeness->telling,
                    likeness->resembling);
    else
        cli_verbose(cli, "%s: evidence: contents: not compared, since other evidence decides or there is none to "
                    "compare", cow->path);
}

void verdict_set_json(struct cli_json *object, const struct snap_pair *pair)
{
    struct cli_json *json = cli_json_object();

    cli_json_set_string(json, "outcome", snap_pair_outcome_name(pair->outcome));
    cli_json_set_string(json, "reason", snap_pair_reason_name(pair->reason));
    cli_json_set_bool(json, "origin_grown", pair->grown);
    cli_json_set_string(json, "text", pair->text);
    if (pair->reason == SNAP_PAIR_REACH)
        cli_json_set_string(json, "reach", pair->damaged          ? "damaged"
                                           : pair->may_be_damaged ? "cut-or-damaged"
                                                                  : "cut");
    if (pair->claim.bytes > 0) {
        cli_json_set_string(json, "claimed_by", snap_ends_kind_name(pair->claim.kind));
        cli_json_set_string(json, "claimed_in", pair->claim_held ? "store" : "origin");
        cli_json_set_uint(json, "claimed_bytes", pair->claim.bytes);
    }
    cli_json_set(object, "pair", json);
}

struct report_text verdict_renew(const struct device *cow, const struct device *origin, const struct snap_pair *pair)
{
    struct report_text result;

    if (pair->has_undo) {
        (void)snprintf(result.text, sizeof result.text, "its list is empty, and an undo store can take its merge back, "
                       "as long as it is not made anew");
        return result;
    }
    (void)snprintf(result.text, sizeof result.text, "its list is empty: name the right origin; or, if the store is of "
                   "no use any more, make it anew: snapcreate -f --origin %.4000s --cow %.4000s",
                   cli_quote(origin->path).text, cli_quote(cow->path).text);
    return result;
}

struct report_text verdict_raw_text(const struct snap_container *container, const char *path, const char *waiver)
{
    struct report_text result;

    (void)snprintf(result.text, sizeof result.text, "%.8500s%s%.512s", content_unwrap_text(container, path).text,
                   waiver ? "; if you know that it is raw, and only begins like that, " : "", waiver ? waiver : "");
    return result;
}

struct report_text verdict_beyond_text(const struct device *cow, const struct device *origin,
                                       const struct snap_pair *pair)
{
    const struct cli_quoted from = cli_quote(origin->path), to = cli_quote(cow->path);
    struct report_text lengthen, drop, result = {""};

    if (pair->reason != SNAP_PAIR_REACH || pair->container)
        return result;
    if (origin->facts.block_device)
        (void)snprintf(lengthen.text, sizeof lengthen.text, "make this volume as large again as it was: at least "
                       "%" PRIu64 " bytes", pair->needed_bytes);
    else
        (void)snprintf(lengthen.text, sizeof lengthen.text, "if zeros were cut off it, lengthen it again: truncate "
                       "-s %" PRIu64 " %.4096s", pair->needed_bytes, from.text);
    (void)snprintf(drop.text, sizeof drop.text, "to see what would change without such entries: snapcheck -n -y "
                   "--accept=view-change,origin-size%.256s --origin %.2900s %.2900s",
                   volumes_option_of(cow, origin).text, from.text, to.text);
    if (pair->damaged)
        (void)snprintf(result.text, sizeof result.text, "; do not lengthen the origin for that; %.6500s", drop.text);
    else if (pair->may_be_damaged)
        (void)snprintf(result.text, sizeof result.text, "; name the right origin, or, %.4500s; or, if it was never "
                       "longer, %.6500s", lengthen.text, drop.text);
    else
        (void)snprintf(result.text, sizeof result.text, "; name the right origin, or%s %.4500s",
                       origin->facts.block_device ? "" : ",", lengthen.text);
    return result;
}

/* For a sentence that ends with it: what to do about a contradiction, such as "; if you know that ...". */
static struct report_text next_text(const struct snap_pair *pair, const struct device *cow,
                                    const struct device *origin, const char *waiver)
{
    struct report_text result;

    if (pair->container)
        (void)snprintf(result.text, sizeof result.text, "; %.9000s",
                       verdict_raw_text(pair->container, origin->path, snap_pair_is_final(pair) ? NULL : waiver).text);
    else if (pair->smaller && !snap_pair_is_final(pair) && pair->needed_bytes <= INT64_MAX)
        (void)snprintf(result.text, sizeof result.text, "; if it was cut, make it as long again as it was, %" PRIu64
                       " bytes; a merge into what is left of it loses the rest; if you know that it never was longer, "
                       "%.512s", pair->needed_bytes, waiver);
    else if (pair->unmerged)
        (void)snprintf(result.text, sizeof result.text, "; name the origin that the merge was begun with; if you know "
                       "that all that was merged is the same as before, %.512s", waiver);
    else if (pair->copy)
        (void)snprintf(result.text, sizeof result.text, "; if it is one, and %.4096s is the one that you mean, %.512s",
                       origin->path, waiver);
    else if (!snap_pair_is_final(pair))
        (void)snprintf(result.text, sizeof result.text, "; if you know that %.4096s is the right origin, %.512s",
                       origin->path, waiver);
    else
        result = verdict_beyond_text(cow, origin, pair);
    return result;
}

/* A contradiction that nobody has waived. */
static enum snap_status refuse(const struct device *cow, const struct device *origin, const struct snap_pair *pair,
                               bool empty, struct snap_error *err)
{
    return snap_fail(err, SNAP_E_REFUSED, "%s: %s%s%s%s", cow->path, pair->text, empty ? "; " : "",
                     empty ? verdict_renew(cow, origin, pair).text : "",
                     next_text(pair, cow, origin, "add --accept=identity").text);
}

enum snap_status verdict_judge(struct cli *cli, const struct device *cow, const struct device *origin,
                               const struct snap_evidence *evidence, uint64_t entries, enum verdict_waived waived,
                               bool shown_next, struct snap_error *err)
{
    const struct snap_pair *pair = &evidence->pair;

    verdict_explain(cli, cow, evidence);
    if (evidence->unreadable > 0)
        cli_warn(cli, "%s, %s: %" PRIu64 " %s where file systems keep their signatures cannot be read: what stands "
                 "there does not count",
                 origin->path, cow->path, evidence->unreadable,
                 snap_text_form(evidence->unreadable, "place", "places"));
    if (pair->grown)
        cli_warn(cli, "%s: it has grown since the store in %s was made; the store knows nothing of the new part",
                 origin->path, cow->path);
    switch (pair->outcome) {
    case SNAP_PAIR_PROVEN:
    case SNAP_PAIR_LIKELY:
        if (!shown_next)
            cli_note(cli, "%s", verdict_sentence(cow, origin, pair).text);
        break;
    case SNAP_PAIR_UNKNOWN:
        if (entries > 0 && !shown_next)
            cli_warn(cli, "%s", verdict_sentence(cow, origin, pair).text);
        break;
    case SNAP_PAIR_CONTRADICTED:
        if (waived == VERDICT_NOT_WAIVED || snap_pair_is_final(pair))
            return refuse(cow, origin, pair, entries == 0, err);
        if (!shown_next)
            cli_warn(cli, "%s%s", verdict_sentence(cow, origin, pair).text,
                 waived == VERDICT_WAIVED ? " (waived by --accept=identity)" : "");
        if (waived == VERDICT_NOTHING_TO_WRITE)
            cli_warn(cli, "%s: %s", cow->path, verdict_renew(cow, origin, pair).text);
    }
    return SNAP_OK;
}

/* How a volume of LVM becomes as large again; empty where it is none. */
static struct report_text grow_text(const struct device *cow, const struct snap_check_result *check)
{
    const uint64_t step_bytes = cow->lvm_extent_bytes > 0 ? cow->lvm_extent_bytes : SNAP_SECTOR_BYTES;
    struct report_text text = {""};
    struct lvm_name name;
    const char *volume = "";

    if (cow->lvm_group)
        volume = cow->path + strlen(DEVICES_LVM);
    else if (strncmp(cow->facts.serial, "LVM-", 4) == 0 && lvm_name_of_mapped(cow->facts.dm_name, &name))
        volume = name.text + strlen(LVM_NAME_PREFIX);
    if (volume[0] == '\0')
        return text;
    /* What the list needs is less than 2^63, and an extent less than 2^41. */
    (void)snprintf(text.text, sizeof text.text,
                   "make the volume as large again: lvextend -L %" PRIu64 "b %.4000s; that may give it other extents "
                   "than it had, and then its data are not there: the archive of the group's metadata tells which "
                   "they were (/etc/lvm/archive, vgcfgrestore --list %.*s), and lvextend takes them behind the name, "
                   "as PV:FIRST-LAST",
                   (check->needs_bytes + step_bytes - 1) / step_bytes * step_bytes, cli_quote(volume).text,
                   (int)strcspn(volume, "/"), volume);
    return text;
}

struct report_text verdict_cut_text(const struct device *cow, const struct snap_check_result *check)
{
    const struct report_text grow = grow_text(cow, check);
    struct report_text result;
    int used = snprintf(result.text, sizeof result.text, "the list needs %s%" PRIu64 " bytes, but the device has "
                        "%" PRIu64 ", so it was cut, or copied in part (%" PRIu64 " of %" PRIu64 " entries %s data "
                        "behind its end); ",
                        check->list_complete ? "" : "at least ", check->needs_bytes, cow->io->size_bytes,
                        check->entries_cut, check->entries,
                        snap_text_form(check->entries_cut, "has its", "have their"));

    if (grow.text[0] != '\0')
        (void)snprintf(result.text + used, sizeof result.text - (size_t)used, "%.7000s", grow.text);
    else if (cow->facts.block_device)
        (void)snprintf(result.text + used, sizeof result.text - (size_t)used, "make the volume as large again; if it "
                       "is a logical volume, lvextend may give it other extents than it had, and the archive of its "
                       "group tells which they were");
    else if (!check->list_complete) /* larger it would look whole, and it is not known how much is missing */
        (void)snprintf(result.text + used, sizeof result.text - (size_t)used, "copy it once more from where it is "
                       "whole; the list goes on behind the end of this copy, so nothing else brings these entries "
                       "back");
    else
        (void)snprintf(result.text + used, sizeof result.text - (size_t)used, "copy it once more from where it is "
                       "whole; only if nothing but zeros was cut off, truncate -s %" PRIu64 " %.4000s gives them back: "
                       "else it hides what is missing behind zeros",
                       check->needs_bytes, cli_quote(cow->path).text);
    return result;
}

enum snap_status verdict_fail_cut(const struct device *cow, const struct snap_check_result *check,
                                  struct snap_error *err)
{
    return snap_fail(err, SNAP_E_REFUSED, "%s: %s", cow->path, verdict_cut_text(cow, check).text);
}

bool verdict_has_outlier(const struct snap_store *store, const struct snap_findings *findings,
                         const struct snap_check_result *check)
{
    const uint64_t *counts = findings->rule_counts;

    return check->list_complete && counts[SNAP_RULE_ENTRY_ORDER] == 1 && counts[SNAP_RULE_LEAKED_CHUNKS] > 0 &&
           counts[SNAP_RULE_ENTRY_NEW_OUTLIER] + counts[SNAP_RULE_ENTRY_LOST] == 0 &&
           check->highest_new_chunk != snap_layout_canonical_chunk(&store->layout, check->entries);
}
