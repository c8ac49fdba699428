/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at a device that holds no store, and says what it is most likely, and what should be named instead. */
#include "tools/shared/content.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/check/container.h"
#include "tools/shared/holds.h"
#include "tools/shared/lvm_name.h"
#include "tools/shared/volumes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOKED_AT_BYTES (1u << 20) /* what is taken for blank is zero so far ... */
#define LOOKED_AT_PLACES 64u       /* ... and at so many places, evenly spread over the rest */

static bool is_zero(struct snap_io *io, uint64_t offset_bytes, uint64_t length_bytes, uint8_t *buffer)
{
    return snap_io_read(io, offset_bytes, length_bytes, buffer, NULL) == SNAP_OK && snap_all_zero(buffer, length_bytes);
}

/* True where the device was looked at and is zero there. */
static bool is_blank(const struct device *device)
{
    struct snap_io *io = device->io;
    const uint64_t begin_bytes = snap_round_down(snap_min(io->size_bytes, LOOKED_AT_BYTES), SNAP_SECTOR_BYTES);
    const uint64_t step_bytes = snap_round_down((io->size_bytes - begin_bytes) / LOOKED_AT_PLACES, SNAP_SECTOR_BYTES);
    uint8_t *buffer = snap_buffer_new(LOOKED_AT_BYTES);
    bool blank = buffer && is_zero(io, 0, begin_bytes, buffer);

    for (uint64_t place = 0; blank && step_bytes > 0 && place < LOOKED_AT_PLACES; place++)
        blank = is_zero(io, begin_bytes + place * step_bytes, snap_min(step_bytes, LOOKED_AT_BYTES / LOOKED_AT_PLACES),
                        buffer);
    snap_buffer_free(buffer);
    return blank;
}

/* Behind "it holds ext4 ...: ". */
static const char *question_of(const struct snap_probe *probe)
{
    if (probe->type[0] == '\0')
        return "is this the origin, or is the store on one of its partitions?";
    if (strcmp(probe->type, "LVM2_member") == 0)
        return "this is a physical volume of LVM; the store is one of the logical volumes on it, "
               "/dev/mapper/VG-SNAPSHOT-cow while the snapshot is active";
    if (strcmp(probe->usage, "raid") == 0)
        return "this is a member of something larger; is the store on the device that is made of its members?";
    if (strcmp(probe->usage, "crypto") == 0)
        return "what is inside can only be seen after it was opened (cryptsetup open); is this the origin?";
    return "is this the origin?";
}

/* Neither a format nor a signature is known. */
static struct report_text text_of_unknown(const struct device *cow, const struct snap_store *store)
{
    static const char transient[] = "a snapshot of mode N (not persistent) leaves no store behind either, and what it "
                                    "kept is lost once it is unloaded";
    struct report_text result;

    if (store->defect == SNAP_HEADER_EMPTY && is_blank(cow))
        (void)snprintf(result.text, sizeof result.text, "it is blank: never used, or reset; the kernel would start a "
                       "new store here; %s", transient);
    else if (store->defect == SNAP_HEADER_EMPTY)
        (void)snprintf(result.text, sizeof result.text, "it is not blank behind that: its header may have been zeroed, "
                       "so do not load it, since the kernel would start a new store here; %s", transient);
    else
        (void)snprintf(result.text, sizeof result.text, "what it holds is not known; %s", transient);
    return result;
}

/* A store whose header is gone. Which of two chunk sizes it had, whoever made it has to say. */
static bool tell_lost(const struct device *cow, const struct snap_store *store, const char *origin, bool header_said,
                      struct report_text *result)
{
    const struct report_text text = holds_lost_list_text(cow->io, store);
    const bool names_line = cow->part_count == 0 && !header_said;
    struct snap_lost_list lost;

    if (text.text[0] == '\0' || !holds_find_lost_list(cow->io, store, 0, &lost))
        return false;
    (void)snprintf(result->text, sizeof result->text, "%.4000s: do not write to this device, and do not load it, since "
                   "the kernel may start a new store over them; keep a copy of it%s%s%.4000s%s%.4000s", text.text,
                   names_line ? ", then write the header anew: snapcheck -y --accept=header" : "",
                   names_line ? holds_chunk_size_option(&lost).text : "",
                   names_line ? report_origin_option(origin).text : "", names_line ? " " : "",
                   names_line ? cli_quote(cow->path).text : "");
    return true;
}

/*
 * The beginning of a list is gone with its header. Resetting a store does that as well, so whoever made it has to say
 * the chunk size before a header is written.
 */
static bool tell_later(const struct device *cow, const struct snap_store *store, const char *origin, bool header_said,
                       struct report_text *result)
{
    const bool names_line = cow->part_count == 0 && !header_said;
    struct snap_lost_list lost;
    uint64_t chunk_bytes;
    char size[32] = "SIZE", line[8192] = "";

    if (!holds_find_later_areas(cow->io, store, 0, &lost))
        return false;
    chunk_bytes = (uint64_t)lost.chunk_sectors * SNAP_SECTOR_BYTES;
    if (lost.rival_chunk_sectors == 0)
        (void)snprintf(size, sizeof size, "%" PRIu64, chunk_bytes);
    if (names_line)
        (void)snprintf(line, sizeof line, ", then, if it was a fault: snapcheck -y --accept=header --chunk-size %s"
                       "%.3000s %.4000s", size, report_origin_option(origin).text, cli_quote(cow->path).text);
    (void)snprintf(result->text, sizeof result->text, "there is no header, and zeros are in the place of the "
                   "beginning of the list; but at byte %" PRIu64 " there is what would be area %" PRIu64 " of a store "
                   "with chunks of %s, with %s%s from there on (of the first %" PRIu32 ", %" PRIu32 " name the data "
                   "chunk that a kernel would give). Somebody has reset the store, or a fault zeroed its beginning; "
                   "the %s in front of these are lost. Do not write to this device, and do not load it, since the "
                   "kernel would start a new store here; keep a copy of it%s", lost.area_offset_bytes, lost.area,
                   cli_size_text(chunk_bytes).text, lost.all ? "" : "at least ",
                   cli_count_text(lost.entries, "entry", "entries").text, lost.seen_entries, lost.in_place,
                   cli_count_text(lost.gone_entries, "entry", "entries").text, line);
    return true;
}

struct report_text content_container_text(const struct snap_container *container)
{
    struct report_text result;

    (void)snprintf(result.text, sizeof result.text, container->image ? "a %s image" : "packed with %s",
                   container->name);
    return result;
}

struct report_text content_unwrap_text(const struct snap_container *container, const char *path)
{
    struct report_text result;

    if (container->image)
        (void)snprintf(result.text, sizeof result.text, "make a raw one first: qemu-img convert -O raw %.8000s RAW",
                       cli_quote(path).text);
    else
        (void)snprintf(result.text, sizeof result.text, "unpack it first");
    return result;
}

static struct report_text text_with(const struct device *cow, const struct snap_store *store, const char *origin,
                                    bool header_said)
{
    struct report_text result = {""};
    struct snap_probe probe;
    const struct snap_container *container;
    struct lvm_name_view view;

    if (snap_header_is_store(store) || store->defect == SNAP_HEADER_TOO_SMALL)
        return result;
    if (lvm_name_of_view(&cow->facts, &view))
        (void)snprintf(result.text, sizeof result.text, "it is the active view of an LVM snapshot; the store of that "
                       "is %s", view.text);
    else if (snap_container_find(cow->io, &container, NULL) == SNAP_OK && container)
        (void)snprintf(result.text, sizeof result.text, "it is %.64s; %.8500s", content_container_text(container).text,
                       content_unwrap_text(container, cow->path).text);
    else if (snap_probe_io(cow->io, &probe, NULL) != SNAP_OK)
        return result; /* whatever cannot be read there is said by who needs it */
    else if (tell_lost(cow, store, origin, header_said, &result))
        return result;
    else if (probe.type[0] != '\0' || probe.pttype[0] != '\0')
        (void)snprintf(result.text, sizeof result.text, "it holds %.1500s: %s", report_probe_text(&probe).text,
                       question_of(&probe));
    else if (!tell_later(cow, store, origin, header_said, &result))
        result = text_of_unknown(cow, store);
    return result;
}

struct report_text content_text(const struct device *cow, const struct snap_store *store)
{
    return text_with(cow, store, NULL, false);
}

void content_set(struct cli_json *object, const struct device *cow, const struct snap_store *store)
{
    struct snap_lost_list lost;
    struct cli_json *json;

    cli_json_set_string(object, "content", content_text(cow, store).text);
    if (!holds_find_lost_list(cow->io, store, 0, &lost)) {
        cli_json_set_null(object, "lost_list");
        return;
    }
    json = cli_json_object();
    cli_json_set_uint(json, "chunk_sectors", lost.chunk_sectors);
    cli_json_set_uint(json, "entries", lost.entries);
    cli_json_set_bool(json, "all_entries", lost.all);
    cli_json_set_uint(json, "seen_entries", lost.seen_entries);
    cli_json_set_uint(json, "entries_in_place", lost.in_place);
    cli_json_set_uint(json, "entries_against", lost.against);
    if (lost.rival_chunk_sectors > 0)
        cli_json_set_uint(json, "other_chunk_sectors", lost.rival_chunk_sectors);
    else
        cli_json_set_null(json, "other_chunk_sectors");
    cli_json_set(object, "lost_list", json);
}

void content_say(struct cli *cli, const struct device *cow, const struct snap_store *store,
                 const struct device *origin, bool header_said)
{
    const struct report_text text = text_with(cow, store, origin->path, header_said);

    if (text.text[0] != '\0')
        cli_line(cli, "%s: %s", cow->path, text.text);
}

enum snap_status content_fail_defect(const struct device *cow, const struct snap_store *store,
                                     const struct device *origin, struct snap_error *err)
{
    struct snap_error defect = {0};
    struct report_text text;

    if (store->defect == SNAP_HEADER_GOOD)
        return SNAP_OK;
    (void)snap_header_fail_defect(store, &defect);
    text = text_with(cow, store, origin->path, false);
    if (snap_header_has_list(store))
        (void)snprintf(text.text, sizeof text.text, "to see what it still holds, and how to get that out: "
                       "snapinspect%.4000s%.4000s %.4000s", volumes_option_of(cow, origin).text,
                       report_origin_option(origin->path).text, cli_quote(cow->path).text);
    return snap_fail(err, defect.status, "%s%s%s", defect.text, text.text[0] != '\0' ? "; " : "", text.text);
}
