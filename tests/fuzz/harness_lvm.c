/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: labels and metadata texts of any kind make groups that hold together, or are refused by name. */
#include "lib/lvm/group.h"
#include "lib/lvm/volume.h"
#include "lib/lvm/volume_io.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES 2u
#define DEVICE_BYTES (160u << 10)
#define LABEL_AT 512u
#define AREA_AT 4096u
#define AREA_BYTES (16u << 10)
#define HEADER_BYTES 512u
#define DEPTH_MAX 8u
#define WHOLE_BYTES_MAX (1u << 20) /* a volume of more is looked at in places */

#define PV(name, number) name "{\nid=\"AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG0" number "\"\npe_start=64\npe_count=32\n}\n"
#define LV(name, count, segments) \
    name "{\nid=\"LLLLLL-vvvv-vvvv-vvvv-vvvv-vvvv-vvvv00\"\nstatus=[\"READ\",\"WRITE\"]\n" \
         "segment_count=" count "\n" segments "}\n"
#define SEGMENT(number, start, count, rest) \
    "segment" number "{\nstart_extent=" start "\nextent_count=" count "\n" rest "}\n"
#define LINEAR(number, start, count, place) \
    SEGMENT(number, start, count, "type=\"striped\"\nstripe_count=1#\nstripes=[\n" place "\n]\n")
#define HEAD \
    "vg{\nid=\"VVVVVV-GGGG-GGGG-GGGG-GGGG-GGGG-GGGG00\"\nseqno=4\nstatus=[\"RESIZEABLE\"]\nflags=[]\nextent_size=8\n"
#define TAIL "}\ncontents=\"Text Format Volume Group\"\nversion=1\n"
#define GROUP HEAD "physical_volumes{\n" PV("pv0", "0") PV("pv1", "1") "}\nlogical_volumes{\n" \
    LV("o", "2", LINEAR("1", "0", "5", "\"pv0\",2") LINEAR("2", "5", "3", "\"pv1\",9")) \
    LV("c", "1", SEGMENT("1", "0", "4", "type=\"striped\"\nstripe_count=2\nstripe_size=4\n" \
                                        "stripes=[\"pv0\",9,\"pv1\",1]\n")) \
    LV("s", "1", SEGMENT("1", "0", "8", "type=\"snapshot\"\nchunk_size=8\norigin=\"o\"\ncow_store=\"c\"\n")) "}\n" TAIL

/*
 * The first letter: 't': a text follows. Else edits follow, each a device, an offset and a byte; the second letter says
 * what is sealed again afterwards.
 */
static const char *const texts[] = {
    "t" GROUP,
    "t" HEAD "physical_volumes{\n" PV("p", "0") "}\nlogical_volumes{\n"
        LV("o", "2", LINEAR("1", "0", "5", "\"p\",27") LINEAR("2", "5", "3", "\"p\",0")) "}\n" TAIL,
    "t" HEAD "physical_volumes{\n" PV("p", "0") "}\nlogical_volumes{\n"
        LV("o", "1", SEGMENT("1", "0", "4", "type=\"striped\"\nstripe_count=2\nstripe_size=4\nstripes=[\"p\",0,"
                                            "\"p\",8]\n"))
        LV("s", "1", SEGMENT("1", "0", "8", "type=\"snapshot\"\nchunk_size=8\norigin=\"s\"\ncow_store=\"o\"\n"))
        "}\n" TAIL,
    /* Each of these breaks one promise, if it is taken. */
    "t" HEAD "physical_volumes{\n" PV("p", "0") "}\nlogical_volumes{\n"
        LV("o", "1", LINEAR("1", "0", "5", "\"p\",28")) "}\n" TAIL,
    "t" HEAD "physical_volumes{\n" PV("p", "0") "}\nlogical_volumes{\n" LV("o", "1", LINEAR("1", "0", "5", "\"p\",0"))
        LV("s", "1", SEGMENT("1", "0", "8", "type=\"snapshot\"\nchunk_size=8\norigin=\"o\"\ncow_store=\"o\"\n"))
        "}\n" TAIL,
    "t" HEAD "a{b{c{d{e{f{g{h{}}}}}}}}\nphysical_volumes{\n" PV("p", "0") "}\n" TAIL,
    "t" HEAD "a{\nb{\nc{\nd{\ne{\nf{\ng{\n}\n}\n}\n}\n}\n}\n}\nphysical_volumes{\n" PV("p", "0") "}\n" TAIL,
    "t" HEAD "physical_volumes{\n" PV("pv0", "0") "}\nlogical_volumes{\n" LV("r", "1", SEGMENT("1", "0", "4",
        "type=\"raid1\"\n")) LV("p", "1", LINEAR("1", "0", "4", "\"r\",0")) "}\n" TAIL,
    "tvg{\na{\nb{\nc{\nd=[1,\"}\\\"\"] # {\n}\n}\n}\n}\n",
    "e7\x01\xf0\x20\x02Z", "e7", "e1\x01\xf0\x70\x02\x08", "e7\x01\xf0\x28\x10\xff\x01\xf0\x29\x10\x3f",
    "e3\x01\xf0\x3c\x10\x01", "e6\x02\xf0\x40\x12" "3",
    NULL,
};

const struct fuzz_harness fuzz_harness = {.name = "lvm", .texts = texts};

static uint32_t crc_of(const uint8_t *bytes, size_t length)
{
    uint32_t crc = 0xf597a6cf;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return crc;
}

static void put(uint8_t *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static void seal(uint8_t *device, unsigned what)
{
    uint8_t *label = device + LABEL_AT, *header = device + AREA_AT;

    if (what & 1)
        put(label + 16, 4, crc_of(label + 20, 492));
    if (what & 4 && header[40] == 0 && header[41] == HEADER_BYTES >> 8) /* the text, if it begins right there */
        put(header + 56, 4, crc_of(header + HEADER_BYTES, (size_t)(header[48] | header[49] << 8) % 8192));
    if (what & 2)
        put(header, 4, crc_of(header + 4, HEADER_BYTES - 4));
}

/* What is behind the metadata: no two places look alike. Made once, since it takes longer than all the rest. */
static void put_content(uint8_t *device, unsigned number)
{
    enum { CONTENT_AT = AREA_AT + AREA_BYTES, CONTENT_BYTES = DEVICE_BYTES - CONTENT_AT };
    static uint8_t content[DEVICES][CONTENT_BYTES];

    for (size_t i = 0; i < CONTENT_BYTES && content[number][1] == 0; i += 8)
        put(content[number] + CONTENT_BYTES - 8 - i, 8, (i + number + 1) * 0x9e3779b97f4a7c15u | 0xff00);
    memcpy(device + CONTENT_AT, content[number], CONTENT_BYTES);
}

/* A physical volume with this text, which wraps on the second one. */
static void put_device(uint8_t *device, unsigned number, const char *text, size_t length)
{
    uint8_t *label = device + LABEL_AT, *header = device + AREA_AT;
    const uint64_t text_at = number == 1 ? AREA_BYTES - length / 2 - 1 : HEADER_BYTES;

    memcpy(label, "LABELONE", 8);
    put(label + 8, 8, 1);
    put(label + 20, 4, 32);
    memcpy(label + 24, "LVM2 001AAAAAABBBBCCCCDDDDEEEEFFFFGGGG00", 40);
    label[63] = (uint8_t)('0' + number);
    put(label + 64, 8, DEVICE_BYTES);
    put(label + 72, 8, 32768);
    put(label + 104, 8, AREA_AT);
    put(label + 112, 8, AREA_BYTES);
    memcpy(header + 4, " LVM2 x[5A%r0N*>\1", 17);
    put(header + 24, 8, AREA_AT);
    put(header + 32, 8, AREA_BYTES);
    put(header + 40, 8, text_at);
    put(header + 48, 8, length);
    put(header + 56, 4, crc_of((const uint8_t *)text, length));
    for (size_t i = 0; i < length; i++) {
        const uint64_t at = text_at + i;

        header[at < AREA_BYTES ? at : at - AREA_BYTES + HEADER_BYTES] = (uint8_t)text[i];
    }
    put_content(device, number);
    seal(device, 3);
}

/* How deep the sections of a text are, by a reader of its own. */
static unsigned depth_of(const char *text, size_t length)
{
    unsigned depth = 0, deepest = 0;
    bool string = false, comment = false;

    for (size_t i = 0; i < length; i++) {
        if (comment) {
            comment = text[i] != '\n';
        } else if (string) {
            i += text[i] == '\\';
            string = i >= length || text[i] != '"' || text[i - 1] == '\\';
        } else if (text[i] == '#' || text[i] == '"') {
            comment = text[i] == '#';
            string = text[i] == '"';
        } else if (text[i] == '{') {
            depth++;
        } else if (text[i] == '}') {
            depth--;
        }
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

static void check_segment(const struct snap_metadata *metadata, const struct snap_metadata_segment *segment)
{
    FUZZ_PROMISE(segment->extents > 0 && segment->type, "a segment without extents or type");
    if (segment->kind == SNAP_METADATA_SNAPSHOT)
        FUZZ_PROMISE(segment->origin < metadata->lv_count && segment->cow < metadata->lv_count &&
                         segment->origin != segment->cow && segment->chunk_sectors > 0,
                     "a snapshot of volumes %zu and %zu", segment->origin, segment->cow);
    for (unsigned i = 0; segment->kind == SNAP_METADATA_STRIPED && i < segment->stripe_count; i++) {
        const struct snap_metadata_stripe *stripe = &segment->stripes[i];

        FUZZ_PROMISE(stripe->pv < metadata->pv_count && segment->extents % segment->stripe_count == 0 &&
                         stripe->first_extent <= metadata->pvs[stripe->pv].extents &&
                         segment->extents / segment->stripe_count <=
                             metadata->pvs[stripe->pv].extents - stripe->first_extent,
                     "extents from %" PRIu64 " on are outside", stripe->first_extent);
    }
}

/* The byte of a volume, straight from the text's numbers. */
static uint8_t byte_of(const struct snap_group *group, const struct snap_metadata_lv *lv,
                       struct snap_io *const *devices, uint64_t at)
{
    const uint64_t extent_bytes = group->metadata->extent_sectors * 512;
    const struct snap_metadata_segment *segment = lv->segments;
    uint64_t column = 0, row;

    while (at >= (segment->start_extent + segment->extents) * extent_bytes)
        segment++;
    row = at - segment->start_extent * extent_bytes;
    if (segment->stripe_count > 1) {
        const uint64_t stripe_bytes = segment->stripe_sectors * 512, stripe = row / stripe_bytes;

        column = stripe % segment->stripe_count;
        row = stripe / segment->stripe_count * stripe_bytes + row % stripe_bytes;
    }
    return io_mem_bytes(devices[group->pvs[segment->stripes[column].pv].device])
        [group->metadata->pvs[segment->stripes[column].pv].start_sectors * 512 +
         segment->stripes[column].first_extent * extent_bytes + row];
}

/* Closed by the volume: a second name of the same bytes. */
static struct snap_io *copy_of(struct snap_io *device)
{
    struct snap_io *copy = io_mem_new(device->name, device->size_bytes, 512, false);

    memcpy(io_mem_bytes(copy), io_mem_bytes(device), (size_t)device->size_bytes);
    return copy;
}

static void read_volume(const struct snap_group *group, size_t lv, struct snap_volume *volume,
                        struct snap_io *const *devices)
{
    const size_t pv_count = group->metadata->pv_count;
    struct snap_io **members = fuzz_calloc(pv_count + 1, sizeof *members);
    struct snap_io *io = NULL;
    struct snap_error err = {.text = ""};
    enum snap_status status;

    for (size_t pv = 0; pv < pv_count; pv++)
        if (snap_volume_is_on(volume, pv))
            members[pv] = copy_of(devices[group->pvs[pv].device]);
    status = snap_volume_io_new(volume, members, pv_count, &io, &err);
    if (status != SNAP_OK) {
        FUZZ_PROMISE(status == SNAP_E_CORRUPT && err.text[0], "a volume: %d, %s", status, err.text);
        for (size_t pv = 0; pv < pv_count; pv++)
            (void)snap_io_close(members[pv], NULL);
        snap_volume_free(volume);
        free(members);
        return;
    }
    if (io->size_bytes <= WHOLE_BYTES_MAX) {
        uint8_t *bytes = fuzz_calloc(1, (size_t)io->size_bytes);

        FUZZ_PROMISE(snap_io_read(io, 0, io->size_bytes, bytes, &err) == SNAP_OK, "reading: %s", err.text);
        for (uint64_t at = 0; at < io->size_bytes; at += 1021)
            FUZZ_PROMISE(bytes[at] == byte_of(group, &group->metadata->lvs[lv], devices, at),
                         "byte %" PRIu64 " of %s is another one", at, io->name);
        free(bytes);
    }
    (void)snap_io_close(io, NULL);
    free(members);
}

static void check_group(const struct snap_group *group, struct snap_io *const *devices)
{
    const struct snap_metadata *metadata = group->metadata;

    for (size_t i = 0; i < metadata->lv_count; i++) {
        const struct snap_metadata_lv *lv = &metadata->lvs[i];
        struct snap_volume *volume = NULL;
        struct snap_error err = {.text = ""};
        uint64_t extents = 0;

        FUZZ_PROMISE(snap_metadata_find(metadata, lv->name) == i, "%s is not found", lv->name);
        for (size_t j = 0; j < lv->segment_count; extents += lv->segments[j++].extents) {
            FUZZ_PROMISE(lv->segments[j].start_extent == extents, "a gap before %" PRIu64,
                         lv->segments[j].start_extent);
            check_segment(metadata, &lv->segments[j]);
        }
        FUZZ_PROMISE(extents == lv->extents && extents > 0, "%s has other extents", lv->name);
        if (snap_volume_new(metadata, i, &volume, &err) != SNAP_OK) {
            FUZZ_PROMISE(err.text[0], "a volume is refused without a word");
            continue;
        }
        if (snap_group_refuse(group, volume, devices, &err) == SNAP_OK)
            read_volume(group, i, volume, devices);
        else
            snap_volume_free(volume);
    }
}

static void make_devices(struct fuzz_input *input, struct snap_io **devices)
{
    static const char group[] = GROUP;
    const bool text = fuzz_byte(input) == 't';
    unsigned sealed;

    if (text) {
        put_device(io_mem_bytes(devices[0]), 0, (const char *)input->bytes, input->left);
        put_device(io_mem_bytes(devices[1]), 1, group, 1); /* damaged: the other text alone counts */
        return;
    }
    for (unsigned i = 0; i < DEVICES; i++)
        put_device(io_mem_bytes(devices[i]), i, group, sizeof group);
    sealed = fuzz_byte(input);
    while (input->left > 0) {
        const unsigned device = fuzz_byte(input) % DEVICES;
        const uint64_t at = fuzz_number(input) % (AREA_AT + AREA_BYTES);

        io_mem_bytes(devices[device])[at] = fuzz_byte(input);
    }
    for (unsigned i = 0; i < DEVICES; i++)
        seal(io_mem_bytes(devices[i]), sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct snap_io *devices[DEVICES] = {io_mem_new("pv0", DEVICE_BYTES, 512, false),
                                        io_mem_new("pv1", DEVICE_BYTES, 512, false)};
    struct fuzz_input input = {.bytes = bytes, .left = length};
    const bool text = length > 0 && bytes[0] == 't';
    struct snap_groups *groups = NULL;
    struct snap_error err = {.text = ""};
    enum snap_status status;

    make_devices(&input, devices);
    status = snap_group_read_all(devices, DEVICES, &groups, &err);
    FUZZ_PROMISE(status == SNAP_OK || status == SNAP_E_UNSUPPORTED, "reading groups: %d, %s", status, err.text);
    for (size_t i = 0; groups && i < groups->count; i++)
        check_group(&groups->groups[i], devices);
    for (size_t i = 0; groups && i < groups->note_count; i++)
        FUZZ_PROMISE(strncmp(groups->notes[i], "pv", 2) == 0, "a note without a device: %s", groups->notes[i]);
    if (length == 2 && bytes[0] == 'e' && groups) /* nothing is edited */
        FUZZ_PROMISE(groups->count == 1 && groups->note_count == 0, "sound devices are %zu groups", groups->count);
    if (text && groups && groups->count > 0)
        FUZZ_PROMISE(depth_of((const char *)bytes + 1, length - 1) <= DEPTH_MAX, "a text that is too deep is read");
    snap_group_free_all(groups);
    for (unsigned i = 0; i < DEVICES; i++)
        (void)snap_io_close(devices[i], NULL);
    return 0;
}
