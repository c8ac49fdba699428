/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes the origin and the view, and leaves out what cannot be read. */
#include "lib/check/evidence.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"
#include "lib/check/brought.h"
#include "lib/check/held_private.h"
#include "lib/check/marks.h"
#include "lib/check/unmerged.h"

#include <string.h>

#define VIEW_MEMORY_BYTES (16u << 20)
#define PIECE_BYTES 4096u
#define UNREADABLE_MAX 16u
#define BLANK_MIN 16u /* samples that speak for an origin with nothing but zeros in them */

static enum snap_status read_view(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                  struct snap_error *err)
{
    return snap_view_read(context, offset_bytes, length_bytes, buffer, err);
}

/* A reader that leaves out what it cannot read. */
struct tolerant {
    snap_probe_read_fn read;
    void *context;
    uint64_t unreadable;
};

static enum snap_status read_tolerant(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                      struct snap_error *err)
{
    struct tolerant *tolerant = context;
    uint8_t *at = buffer;
    enum snap_status status = tolerant->read(tolerant->context, offset_bytes, length_bytes, buffer, err);

    if (status != SNAP_E_IO)
        return status;
    while (length_bytes > 0) { /* piece by piece; where much is bad the rest is not tried: each try may take long */
        const uint64_t step_bytes = snap_min(length_bytes, PIECE_BYTES - offset_bytes % PIECE_BYTES);

        status = tolerant->unreadable < UNREADABLE_MAX
                     ? tolerant->read(tolerant->context, offset_bytes, step_bytes, at, err)
                     : SNAP_E_IO;
        if (status != SNAP_OK && status != SNAP_E_IO)
            return status;
        if (status == SNAP_E_IO) {
            memset(at, 0, (size_t)step_bytes);
            tolerant->unreadable++;
        }
        offset_bytes += step_bytes;
        at += step_bytes;
        length_bytes -= step_bytes;
    }
    return SNAP_OK;
}

/* What only seems to be there because the rest is missing is not held: the whole view must show it as well. */
static void keep_what_is_shown(struct snap_probe *held, const struct snap_probe *view)
{
    if (strcmp(held->type, view->type) != 0 || strcmp(held->uuid, view->uuid) != 0)
        held->type[0] = held->usage[0] = held->uuid[0] = held->uuid_sub[0] = held->label[0] = '\0';
    if (strcmp(held->pttype, view->pttype) != 0 || strcmp(held->ptuuid, view->ptuuid) != 0)
        held->pttype[0] = held->ptuuid[0] = '\0';
}

static enum snap_status pass_on(const struct snap_error *reason, struct snap_error *err)
{
    if (err)
        *err = *reason;
    return reason->status;
}

static enum snap_status probe_tolerant(snap_probe_read_fn read, void *context, uint64_t size_bytes,
                                       struct snap_probe *probe, uint64_t *unreadable, struct snap_error *err)
{
    struct tolerant reader = {.read = read, .context = context};
    struct snap_error reason; /* of places that are left out: not the caller's */
    enum snap_status status = snap_probe_reader(read_tolerant, &reader, size_bytes, probe, &reason);

    *unreadable += reader.unreadable + probe->unknown;
    return status == SNAP_OK ? status : pass_on(&reason, err);
}

/*
 * Whether the view has another sector where the signature of the origin stands. Then the store may hold the same marks,
 * but no merge of it has brought this signature: it is one of a copy of the view that was used since.
 */
static enum snap_status compare_signatures(struct snap_view *view, struct snap_io *origin, uint64_t signature_bytes,
                                           bool *differ, struct snap_error *err)
{
    const uint64_t offset_bytes = snap_round_down(signature_bytes, SNAP_SECTOR_BYTES);
    uint8_t shown[SNAP_SECTOR_BYTES], found[SNAP_SECTOR_BYTES];
    struct snap_error reason;
    enum snap_status status = SNAP_OK;

    *differ = false;
    if (offset_bytes + SNAP_SECTOR_BYTES > origin->size_bytes)
        return SNAP_OK;
    status = snap_io_read(origin, offset_bytes, sizeof found, found, &reason);
    if (status == SNAP_OK)
        status = snap_view_read(view, offset_bytes, sizeof shown, shown, &reason);
    if (status != SNAP_OK)
        return status == SNAP_E_IO ? SNAP_OK : pass_on(&reason, err);
    *differ = memcmp(shown, found, sizeof found) != 0;
    return SNAP_OK;
}

/* A damaged chunk tells as little as one that cannot be read. */
static enum snap_status count_damaged(void *context, uint64_t old_chunk, enum snap_view_damage damage,
                                      struct snap_error *err)
{
    uint64_t *unreadable = context;

    (void)old_chunk;
    (void)damage;
    (void)err;
    ++*unreadable;
    return SNAP_OK;
}

/* What the view shows, and what of that the store holds. */
static enum snap_status probe_view(const struct snap_evidence_look *look, struct snap_evidence *evidence,
                                   bool *signatures_differ, struct snap_error *err)
{
    const struct snap_view_skip skip = {.skipped = count_damaged, .context = &evidence->unreadable};
    struct snap_view *view;
    uint64_t again = 0; /* the same places */
    enum snap_status status = snap_view_open(&view, look->store, look->origin, VIEW_MEMORY_BYTES, err);

    if (status != SNAP_OK)
        return status;
    snap_view_skip_damaged(view, &skip);
    status = probe_tolerant(read_view, view, snap_view_size_bytes(view), &evidence->view, &evidence->unreadable, err);
    if (status == SNAP_OK)
        status = probe_tolerant(snap_held_read, view, snap_view_size_bytes(view), &evidence->held, &again, err);
    if (status == SNAP_OK)
        status = compare_signatures(view, look->origin, evidence->origin.signature_offset_bytes, signatures_differ,
                                    err);
    snap_view_close(view);
    keep_what_is_shown(&evidence->held, &evidence->view);
    return status;
}

/* Whether the origin is a store itself; one that cannot be read is none. */
static enum snap_status look_for_store(struct snap_io *origin, struct snap_pair_facts *facts, struct snap_error *err)
{
    struct snap_error reason;
    struct snap_store store;
    enum snap_status status = snap_header_read(&store, origin, &reason);

    if (status == SNAP_E_NOMEM)
        return pass_on(&reason, err);
    facts->origin_is_store = status == SNAP_OK && (store.defect == SNAP_HEADER_GOOD ||
                                                   store.defect == SNAP_HEADER_INVALID ||
                                                   store.defect == SNAP_HEADER_NO_AREA);
    facts->origin_chunk_sectors = facts->origin_is_store ? store.header.chunk_sectors : 0;
    return SNAP_OK;
}

/* Whether the origin is a file in which its content stands elsewhere; one that cannot be read is none. */
static enum snap_status look_for_container(const struct snap_evidence_look *look, struct snap_pair_facts *facts,
                                           struct snap_error *err)
{
    struct snap_error reason;
    const enum snap_status status = snap_container_of_origin(look->origin, look->device->block_device,
                                                             &facts->container, &reason);

    return status == SNAP_E_NOMEM ? pass_on(&reason, err) : SNAP_OK;
}

/*
 * An entry that the merge has cut off holds nothing any more, but its data are still on the COW. Only looked for where
 * the store says that the block of the signature may have been replaced, and some sample speaks for this origin: an
 * older store on the same device may have left data of another origin.
 */
static enum snap_status find_brought(const struct snap_evidence_look *look, const struct snap_evidence *evidence,
                                     const struct snap_pair_facts *facts, struct snap_probe *brought,
                                     struct snap_error *err)
{
    struct tolerant reader = {.read = snap_probe_read_io, .context = look->origin};
    const struct snap_brought_search search = {
        .store = look->store,
        .highest_new_chunk = look->figures->highest_new_chunk,
        .origin = &evidence->origin,
        .origin_bytes = look->origin->size_bytes,
        .read = read_tolerant,
        .context = &reader,
        .stop = look->stop,
        .stop_context = look->stop_context,
    };

    if (evidence->pair.outcome != SNAP_PAIR_CONTRADICTED || evidence->pair.reason != SNAP_PAIR_RECORD ||
        (facts->fingerprint.agree_telling == 0 && facts->fingerprint.agree_places < BLANK_MIN) ||
        !snap_fingerprinting_written_at(look->store, &facts->fingerprint, evidence->origin.signature_offset_bytes))
        return SNAP_OK;
    return snap_brought_find(&search, brought, err);
}

/* A block of the origin that is what the fingerprint says, though the view shows something else there. */
static enum snap_status waits_for_merge(struct snap_view *view, struct snap_io *origin, uint64_t block, uint16_t sum,
                                        uint8_t *buffer, bool *waits, struct snap_error *err)
{
    const uint64_t offset_bytes = block * SNAP_FINGERPRINT_BLOCK_BYTES;
    uint8_t *shown = buffer + SNAP_FINGERPRINT_BLOCK_BYTES;
    struct snap_error reason;
    enum snap_status status;

    *waits = false;
    if (offset_bytes + SNAP_FINGERPRINT_BLOCK_BYTES > snap_view_size_bytes(view))
        return SNAP_OK;
    status = snap_io_read(origin, offset_bytes, SNAP_FINGERPRINT_BLOCK_BYTES, buffer, &reason);
    if (status == SNAP_OK)
        status = snap_view_read(view, offset_bytes, SNAP_FINGERPRINT_BLOCK_BYTES, shown, &reason);
    if (status != SNAP_OK)
        return status == SNAP_E_IO ? SNAP_OK : pass_on(&reason, err);
    *waits = (uint16_t)snap_crc32c(buffer, SNAP_FINGERPRINT_BLOCK_BYTES) == sum &&
             memcmp(buffer, shown, SNAP_FINGERPRINT_BLOCK_BYTES) != 0;
    return SNAP_OK;
}

/*
 * Whether it shows that a merge of the store was begun into this origin: something is off the list, or something on the
 * list is not merged yet. Where all of the list is on the origin and nothing is off it, the origin may as well be a
 * copy of the view, which was used since where no sample tells.
 */
static enum snap_status find_begun(const struct snap_evidence_look *look, const struct snap_fingerprint_result *result,
                                   bool *begun, struct snap_error *err)
{
    const struct snap_view_skip skip = {.as_origin = true};
    const struct snap_fingerprint *fingerprint = &look->store->fingerprint;
    uint8_t *buffer = snap_buffer_new(2 * SNAP_FINGERPRINT_BLOCK_BYTES);
    struct snap_view *view = NULL;
    enum snap_status status = snap_view_open(&view, look->store, look->origin, VIEW_MEMORY_BYTES, err);

    *begun = false;
    if (status == SNAP_OK && !buffer)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory to compare it", look->origin->name);
    if (status == SNAP_OK)
        snap_view_skip_damaged(view, &skip);
    for (uint32_t sample = 0; status == SNAP_OK && result->present && sample < fingerprint->samples && !*begun;
         sample++) {
        if (snap_fingerprint_bit(result->written, sample))
            *begun = true;
        else if (snap_fingerprint_bit(fingerprint->mask, sample))
            status = waits_for_merge(
                view, look->origin, snap_fingerprint_block(fingerprint, look->store->identity.origin_sectors, sample),
                fingerprint->sums[sample], buffer, begun, err);
    }
    snap_view_close(view);
    snap_buffer_free(buffer);
    return status;
}

/* What the list still names may be on the origin, since a merge was killed before it could shorten the list. */
static enum snap_status judge_as_begun(const struct snap_evidence_look *look, struct snap_evidence *evidence,
                                       struct snap_pair_facts *facts, struct snap_error *err)
{
    bool begun;
    enum snap_status status;

    if (evidence->pair.outcome != SNAP_PAIR_CONTRADICTED || evidence->pair.reason != SNAP_PAIR_RECORD)
        return SNAP_OK;
    status = find_begun(look, &facts->fingerprint, &begun, err);
    if (status == SNAP_OK && begun) {
        facts->brought = &evidence->held;
        snap_pair_judge(facts, &evidence->pair);
    }
    return status;
}

/* Another snapshot of the origin was taken before the merge, so it knows the marks that the merge has replaced. */
static void judge_as_before(const struct snap_evidence_look *look, struct snap_pair_facts *facts,
                            struct snap_pair *pair)
{
    struct snap_pair before;
    struct snap_probe marks;

    if (!look->merged || pair->outcome != SNAP_PAIR_CONTRADICTED ||
        (pair->reason != SNAP_PAIR_RECORD && pair->reason != SNAP_PAIR_HELD))
        return;
    snap_marks_of_record(look->merged, &marks);
    facts->before = &marks;
    snap_pair_judge(facts, &before);
    facts->before = NULL;
    if (before.outcome != SNAP_PAIR_CONTRADICTED)
        *pair = before;
}

#define NEARLY_ALL 4u /* of a wrong origin, more than a few samples differ */

/* What the list does not name any more is on the right origin. */
static enum snap_status compare_blocks(const struct snap_evidence_look *look, struct snap_fingerprint_result *result,
                                       struct snap_error *err)
{
    const struct snap_unmerged_search search = {
        .store = look->store,
        .highest_new_chunk = look->figures->highest_new_chunk,
        .origin = look->origin,
        .stop = look->stop,
        .stop_context = look->stop_context,
    };
    enum snap_status status = snap_fingerprinting_compare(look->store, look->origin, result, err);

    if (result->differ_chunks <= look->figures->entries_old_range && result->differ < result->agree / NEARLY_ALL)
        result->differ = 0; /* the list does not name the chunks that damaged entries were for */
    return status == SNAP_OK ? snap_unmerged_count(&search, result, err) : status;
}

static enum snap_status weigh(const struct snap_evidence_look *look, struct snap_evidence *evidence,
                              struct snap_pair_facts *facts, bool signatures_differ, struct snap_error *err)
{
    struct snap_probe brought = {.type = ""};
    enum snap_status status = SNAP_OK;

    snap_pair_judge(facts, &evidence->pair);
    if (!signatures_differ)
        status = judge_as_begun(look, evidence, facts, err);
    if (status == SNAP_OK)
        status = find_brought(look, evidence, facts, &brought, err);
    if (status == SNAP_OK && !snap_marks_none(&brought)) {
        facts->brought = &brought;
        snap_pair_judge(facts, &evidence->pair);
    }
    judge_as_before(look, facts, &evidence->pair);
    if (status != SNAP_OK || evidence->pair.outcome != SNAP_PAIR_UNKNOWN)
        return status;
    status = snap_resemblance_measure(look->store, facts->entries, look->origin, &facts->resemblance, err); /* long */
    snap_pair_judge(facts, &evidence->pair);
    return status;
}

enum snap_status snap_evidence_gather(const struct snap_evidence_look *look, struct snap_evidence *evidence,
                                      struct snap_error *err)
{
    static const struct snap_probe nothing = {.type = ""};
    struct snap_io *origin = look->origin;
    struct snap_pair_facts facts = {
        .store = look->store,
        .origin = {.sectors = origin->size_bytes / SNAP_SECTOR_BYTES,
                   .device = look->device,
                   .probe = &evidence->origin},
        .held = &evidence->held,
        .lvm_group = look->lvm_group,
        .entries = look->figures->entries,
        .entries_beyond = look->figures->entries_beyond, .beyond = look->figures->beyond,
        .reach_bytes = look->figures->reach_bytes,
    };
    bool signatures_differ = false;
    enum snap_status status;

    memset(evidence, 0, sizeof *evidence);
    status = probe_tolerant(snap_probe_read_io, origin, origin->size_bytes, &evidence->origin, &evidence->unreadable,
                            err);
    if (status == SNAP_OK && facts.entries_beyond == 0)
        status = probe_view(look, evidence, &signatures_differ, err);
    else if (status == SNAP_OK)
        status = snap_ends_find(&facts.ends, look->store, origin, look->ask_size, err);
    if (status == SNAP_OK)
        status = look_for_store(origin, &facts, err);
    if (status == SNAP_OK)
        status = look_for_container(look, &facts, err);
    if (status == SNAP_OK && facts.entries_beyond == 0)
        status = compare_blocks(look, &facts.fingerprint, err);
    if (status != SNAP_OK)
        return status;
    facts.origin_in_part = evidence->unreadable > 0;
    facts.brought = &nothing;
    status = weigh(look, evidence, &facts, signatures_differ, err);
    evidence->fingerprint = facts.fingerprint;
    evidence->resemblance = facts.resemblance;
    return status;
}
