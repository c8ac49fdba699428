/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device holds that would be lost if it were overwritten, also the list of a store whose header is gone. */
#include "tools/shared/holds.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/check/check.h"
#include "lib/check/container.h"
#include "lib/check/marks.h"
#include "lib/store/codec.h"
#include "tools/shared/lvm_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FRONT_BYTES 65536u /* so much in front of area 0 is looked at: marks stand no farther behind the beginning */
#define BLANK_BYTES 4096u  /* what nothing is known of is lost as well, if it stands there */
#define MANY_ENTRIES 16u   /* by chance, or in a table of something else, there are fewer */

/* How many entries would be lost, and whose they are. */
static enum snap_status describe_store(const struct snap_store *store, struct report_text *what, struct snap_error *err)
{
    const struct snap_check_options options = {.figures_only = true};
    const bool known = store->identity_state == SNAP_IDENTITY_OK;
    struct snap_findings findings = {0};
    struct snap_check_result result;
    struct snap_probe marks; /* nothing where there is no record */
    enum snap_status status = snap_check(store, &options, &findings, &result, err);

    if (status != SNAP_OK)
        return status;
    snap_marks_of_record(&store->identity, &marks);
    if (!result.list_complete || store->defect != SNAP_HEADER_GOOD)
        (void)snprintf(what->text, sizeof what->text, "a snapshot store that is invalid or damaged");
    else
        (void)snprintf(what->text, sizeof what->text, "a snapshot store with %s%.600s%s%.64s",
                       cli_count_text(result.entries, "entry", "entries").text,
                       report_quoted(", label ", known ? store->identity.label : "").text,
                       marks.type[0] != '\0' ? ", of an origin with " : "", report_word("", marks.type).text);
    return SNAP_OK;
}

static bool is_known(const struct snap_probe *probe)
{
    return probe->type[0] != '\0' || probe->pttype[0] != '\0' || probe->ambivalent || probe->unknown;
}

/*
 * Whether a list may be believed where libblkid knows something. What was made over a store may have left its list; but
 * the data of a store may look like anything. What is made on a device has its mark in front of area 0, as a rule.
 */
static bool outweighs_by_zeros(struct snap_io *io, const struct snap_store *store, const struct snap_lost_list *lost)
{
    const uint64_t chunk_bytes = (uint64_t)lost->chunk_sectors * SNAP_SECTOR_BYTES;
    const uint64_t length_bytes = snap_min(chunk_bytes, FRONT_BYTES);
    uint8_t *front;
    bool blank;

    if (store->defect != SNAP_HEADER_EMPTY || lost->seen_entries < MANY_ENTRIES)
        return false;
    if (store->identity_state == SNAP_IDENTITY_OK)
        return true;
    front = snap_buffer_new(FRONT_BYTES);
    blank = front && snap_io_read(io, 0, length_bytes, front, NULL) == SNAP_OK && snap_all_zero(front, length_bytes);
    snap_buffer_free(front);
    return blank;
}

/*
 * Whether the one thing that libblkid knows stands in a data chunk of the list, which is for the same place of the
 * snapshot: then it is a piece of that. With chunks of 512 bytes this happens to the superblock of a file system.
 */
static bool is_in_data(struct snap_io *io, const struct snap_probe *probe, const struct snap_lost_list *lost)
{
    uint64_t origin_byte;

    return probe->type[0] != '\0' && probe->pttype[0] == '\0' && !probe->ambivalent &&
           snap_lost_list_origin_byte(io, lost, probe->signature_offset_bytes, &origin_byte) &&
           origin_byte == probe->signature_offset_bytes;
}

/* The record of a store knows the chunk size: with that one there needs to be no more than with others. */
static bool find_by_record(struct snap_io *io, const struct snap_store *store, uint32_t chunk_sectors,
                           struct snap_lost_list *lost)
{
    if (chunk_sectors == 0 && store->identity_state == SNAP_IDENTITY_OK &&
        snap_lost_list_find(io, store->identity.chunk_sectors, lost, NULL) == SNAP_OK && lost->chunk_sectors > 0)
        return true;
    return snap_lost_list_find(io, chunk_sectors, lost, NULL) == SNAP_OK && lost->chunk_sectors > 0;
}

static bool find_lost_list(struct snap_io *io, const struct snap_store *store, uint32_t chunk_sectors,
                           struct snap_lost_list *lost, struct snap_probe *probe)
{
    const bool damaged = store->defect == SNAP_HEADER_VERSION || store->defect == SNAP_HEADER_CHUNK_SIZE;

    return (damaged || store->defect == SNAP_HEADER_EMPTY || store->defect == SNAP_HEADER_MAGIC) &&
           snap_probe_io(io, probe, NULL) == SNAP_OK && find_by_record(io, store, chunk_sectors, lost) &&
           (damaged || !is_known(probe) || outweighs_by_zeros(io, store, lost) || is_in_data(io, probe, lost));
}

bool holds_find_lost_list(struct snap_io *io, const struct snap_store *store, uint32_t chunk_sectors,
                          struct snap_lost_list *lost)
{
    struct snap_probe probe;

    return find_lost_list(io, store, chunk_sectors, lost, &probe);
}

bool holds_find_later_areas(struct snap_io *io, const struct snap_store *store, uint32_t chunk_sectors,
                            struct snap_lost_list *lost)
{
    struct snap_probe probe;

    return (store->defect == SNAP_HEADER_EMPTY || store->defect == SNAP_HEADER_MAGIC) &&
           snap_probe_io(io, &probe, NULL) == SNAP_OK && !is_known(&probe) &&
           snap_lost_list_find_later(io, chunk_sectors, lost, NULL) == SNAP_OK && lost->chunk_sectors > 0;
}

struct cli_text holds_chunk_size_option(const struct snap_lost_list *lost)
{
    struct cli_text result;

    (void)snprintf(result.text, sizeof result.text, "%s", lost->rival_chunk_sectors > 0 ? " --chunk-size SIZE" : "");
    return result;
}

/* Why the list is believed, and what speaks against it. */
static struct report_text lost_evidence(const struct snap_lost_list *lost)
{
    struct report_text result;
    char against[64] = "", rival[128] = "";

    if (lost->against > 0)
        (void)snprintf(against, sizeof against, ", and %" PRIu32 " can be no %s of it", lost->against,
                       snap_text_form(lost->against, "entry", "entries"));
    if (lost->rival_chunk_sectors > 0)
        (void)snprintf(rival, sizeof rival, "; with chunks of %s there is a list as well",
                       cli_size_text((uint64_t)lost->rival_chunk_sectors * SNAP_SECTOR_BYTES).text);
    (void)snprintf(result.text, sizeof result.text, "of the first %" PRIu32 ", %" PRIu32 " %s the data chunk that a "
                   "kernel would give%s%s", lost->seen_entries, lost->in_place,
                   snap_text_form(lost->in_place, "names", "name"), against, rival);
    return result;
}

struct report_text holds_lost_list_text(struct snap_io *io, const struct snap_store *store)
{
    struct report_text result = {""};
    struct snap_lost_list lost;
    struct snap_probe probe;

    if (find_lost_list(io, store, 0, &lost, &probe))
        (void)snprintf(result.text, sizeof result.text,
                       "the header is %s, but %s%s of a store with chunks of %s %s behind it (%.200s)%s%.1500s%s",
                       store->defect == SNAP_HEADER_EMPTY ? "zeroed" : "overwritten", lost.all ? "" : "at least ",
                       cli_count_text(lost.entries, "entry", "entries").text,
                       cli_size_text((uint64_t)lost.chunk_sectors * SNAP_SECTOR_BYTES).text,
                       lost.entries == 1 ? "stands" : "stand", lost_evidence(&lost).text,
                       is_known(&probe) ? ", and what looks like " : "",
                       is_known(&probe) ? report_probe_text(&probe).text : "",
                       is_known(&probe) ? " there may be data of the snapshot" : "");
    return result;
}

/* As what it holds. */
static struct report_text lost_store(struct snap_io *io, const struct snap_store *store)
{
    const struct report_text lost = holds_lost_list_text(io, store);
    struct report_text result = {""};

    if (lost.text[0] != '\0')
        (void)snprintf(result.text, sizeof result.text, "what is left of a store: %.4000s", lost.text);
    return result;
}

/*
 * `front` holds BLANK_BYTES. A fingerprint behind a header of zeros is what a run leaves that is killed between the two
 * (dmsnap-store(5), ORDERS OF WRITING), and of a zeroed store without entries: nothing is lost with it.
 */
static bool is_blank(uint8_t *front)
{
    struct snap_fingerprint fingerprint;

    if (snap_codec_decode_fingerprint(front + SNAP_FINGERPRINT_OFFSET_BYTES, &fingerprint) == SNAP_FINGERPRINT_OK)
        memset(front + SNAP_FINGERPRINT_OFFSET_BYTES, 0, SNAP_FINGERPRINT_BYTES);
    return snap_all_zero(front, BLANK_BYTES);
}

/* No signature is known. An image in another format, a packed file, or anything else. */
static enum snap_status describe_unknown(struct snap_io *io, struct report_text *what, struct snap_error *err)
{
    const uint64_t length_bytes = snap_min(io->size_bytes, BLANK_BYTES);
    const struct snap_container *container;
    uint8_t *front = snap_buffer_new(BLANK_BYTES);
    enum snap_status status;

    if (!front)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    status = snap_io_read(io, 0, length_bytes, front, err);
    if (status == SNAP_OK)
        status = snap_container_find(io, &container, err);
    if (status == SNAP_OK && container)
        (void)snprintf(what->text, sizeof what->text, container->image ? "a %s image" : "a file packed with %s",
                       container->name);
    else if (status == SNAP_OK && !is_blank(front))
        (void)snprintf(what->text, sizeof what->text, "contents that are not known: its first 4 KiB are not blank");
    snap_buffer_free(front);
    return status;
}

enum snap_status holds_find(const struct device *device, struct report_text *what, struct snap_error *err)
{
    struct snap_probe probe;
    struct snap_store store;
    struct lvm_name_view view;
    enum snap_status status = snap_header_read(&store, device->io, err);

    what->text[0] = '\0';
    if (status != SNAP_OK)
        return status;
    if (snap_header_is_store(&store))
        return describe_store(&store, what, err);
    if (lvm_name_of_view(&device->facts, &view)) {
        (void)snprintf(what->text, sizeof what->text, "what an LVM snapshot shows, whose store is %s", view.text);
        return SNAP_OK;
    }
    status = snap_probe_io(device->io, &probe, err);
    if (status == SNAP_OK)
        *what = lost_store(device->io, &store);
    if (status == SNAP_OK && what->text[0] == '\0' && is_known(&probe))
        *what = report_probe_text(&probe);
    if (status == SNAP_OK && what->text[0] == '\0')
        status = describe_unknown(device->io, what, err);
    return status;
}

enum snap_status holds_refuse(const struct device *device, const char *waiver, struct snap_error *err)
{
    struct report_text what;
    enum snap_status status = holds_find(device, &what, err);

    if (status != SNAP_OK || what.text[0] == '\0')
        return status;
    return snap_fail(err, SNAP_E_REFUSED, "%s: it holds %s; %s", device->path, what.text, waiver);
}
