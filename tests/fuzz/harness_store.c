/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: header, layout, record, fingerprint and list of any store are read as the model reads them. */
#include "lib/store/fingerprint.h"
#include "lib/store/header.h"
#include "lib/store/list_read.h"
#include "lib/store/list_walk.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/model.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct fuzz_harness fuzz_harness = {.name = "store", .takes_stores = true};

static void check_header(const struct snap_store *store, const struct model *model)
{
    static const enum snap_header_defect defects[] = {
        [MODEL_GOOD] = SNAP_HEADER_GOOD,       [MODEL_TOO_SMALL] = SNAP_HEADER_TOO_SMALL,
        [MODEL_EMPTY] = SNAP_HEADER_EMPTY,     [MODEL_MAGIC] = SNAP_HEADER_MAGIC,
        [MODEL_VERSION] = SNAP_HEADER_VERSION, [MODEL_INVALID] = SNAP_HEADER_INVALID,
        [MODEL_NO_AREA] = SNAP_HEADER_NO_AREA, [MODEL_CHUNK_SIZE] = SNAP_HEADER_CHUNK_SIZE,
    };
    struct snap_error err = {.text = ""};

    FUZZ_PROMISE(store->defect == defects[model->header], "defect %d of the header, expected %d", store->defect,
                 defects[model->header]);
    FUZZ_PROMISE((snap_header_fail_defect(store, &err) == SNAP_OK) == (model->header == MODEL_GOOD),
                 "the sentence for defect %d: %s", store->defect, err.text);
    FUZZ_PROMISE(model->header == MODEL_GOOD || err.text[0], "no sentence for defect %d", store->defect);
}

/* What stands behind the 16 bytes of the header: it is a record that comes back the same, or none. */
static void check_record(const struct snap_store *store, const struct model *model)
{
    uint8_t sector[SNAP_HEADER_SECTOR_BYTES];
    struct snap_identity again;

    if (model->cow_bytes < sizeof sector)
        return;
    memcpy(sector, model->cow, sizeof sector);
    if (store->identity_state == SNAP_IDENTITY_OK) {
        snap_codec_encode_record(&store->identity, sector);
        FUZZ_PROMISE(snap_codec_decode_record(sector, &again) == SNAP_IDENTITY_OK &&
                         memcmp(&again, &store->identity, sizeof again) == 0,
                     "a record that was read is another one when it is written and read again");
    }
    FUZZ_PROMISE(memcmp(sector, model->cow, SNAP_HEADER_BYTES) == 0, "writing a record has changed the header");
}

/* The second sector: a fingerprint that comes back the same, and only where its record and its chunk let it count. */
static void check_fingerprint(const struct snap_store *store, const struct model *model, struct fuzz_input *input)
{
    const struct snap_fingerprint *fingerprint = &store->fingerprint;
    const uint64_t blocks = store->identity.origin_sectors / 8;
    uint8_t sector[SNAP_FINGERPRINT_BYTES];
    struct snap_fingerprint again;
    uint32_t sample;

    FUZZ_PROMISE(!store->fingerprint_room || (model->cow_bytes >= 1024 && store->layout.chunk_bytes >= 1024),
                 "room for a fingerprint where there is no second sector");
    FUZZ_PROMISE(!store->fingerprint_room || memcmp(model->cow + 512, "dmsnapFP", 8) == 0 ||
                     (model->cow[512] == 0 && memcmp(model->cow + 512, model->cow + 513, 511) == 0),
                 "what is not ours would be overwritten");
    if (store->fingerprint_state != SNAP_FINGERPRINT_OK)
        return;
    FUZZ_PROMISE(store->fingerprint_room && store->identity_state == SNAP_IDENTITY_OK &&
                     memcmp(fingerprint->store_id, store->identity.store_id, 16) == 0 &&
                     fingerprint->samples <= 192 && fingerprint->samples <= blocks,
                 "a fingerprint that must not count");
    snap_codec_encode_fingerprint(fingerprint, sector);
    FUZZ_PROMISE(snap_codec_decode_fingerprint(sector, &again) == SNAP_FINGERPRINT_OK &&
                     memcmp(&again, fingerprint, sizeof again) == 0,
                 "a fingerprint that was read is another one when it is written and read again");
    if (fingerprint->samples == 0)
        return;
    sample = (uint32_t)fuzz_below(input, fingerprint->samples);
    FUZZ_PROMISE(snap_fingerprint_block(fingerprint, store->identity.origin_sectors, sample) < blocks,
                 "sample %" PRIu32 " is not on the origin", sample);
}

/* Which of a few samples the list touches, as a comparison of all sectors with all entries has it. */
static void check_listed(const struct snap_store *store, const struct model *model, struct fuzz_input *input)
{
    struct snap_fingerprint fingerprint = {.samples = 192, .seed = fuzz_number(input)};
    const uint64_t origin_sectors = fuzz_below(input, 600) * 8 + 192 * 8;
    uint8_t listed[24], expected[24] = {0};
    const enum snap_status status =
        snap_fingerprint_find_listed(store, &fingerprint, origin_sectors, listed, NULL);

    FUZZ_PROMISE(status == SNAP_OK, "the samples that the list touches: %d", status);
    for (uint32_t sample = 0; sample < 192; sample++) {
        const uint64_t first = snap_fingerprint_block(&fingerprint, origin_sectors, sample) * 8;

        for (uint64_t sector = first; sector < first + 8; sector++)
            if (model_find(model, sector / (model->chunk_bytes / 512)))
                expected[sample / 8] |= (uint8_t)(1u << sample % 8);
    }
    FUZZ_PROMISE(memcmp(listed, expected, sizeof listed) == 0, "the samples that the list touches");
}

static void check_layout(const struct snap_layout *layout, const struct model *model, struct fuzz_input *input)
{
    const uint64_t index = fuzz_below(input, UINT64_C(1) << 40);
    struct model_judgement judgement;

    model_judge(model, 0, &judgement);
    FUZZ_PROMISE(layout->chunk_bytes == model->chunk_bytes && layout->entries_per_area == model->per_area &&
                     layout->cow_chunks == model->cow_chunks && snap_layout_areas_on_device(layout) == model->areas,
                 "chunks, entries of an area or areas of the device");
    FUZZ_PROMISE(snap_layout_capacity_entries(layout) == judgement.capacity, "capacity %" PRIu64 ", expected %" PRIu64,
                 snap_layout_capacity_entries(layout), judgement.capacity);
    FUZZ_PROMISE(snap_layout_canonical_chunk(layout, index) == model_canonical(model, index),
                 "canonical chunk of entry %" PRIu64, index);
    FUZZ_PROMISE(snap_layout_is_area_chunk(layout, index) == model_is_area(model, index), "chunk %" PRIu64, index);
    FUZZ_PROMISE(snap_layout_next_free(layout, index) == model_next_chunk(model, index), "next behind %" PRIu64, index);
}

static void check_span(const struct snap_span *span, const struct model *model, uint64_t *index)
{
    FUZZ_PROMISE(span->first_index == *index && span->area == *index / model->per_area &&
                     span->first_slot == *index % model->per_area && span->live <= span->slots &&
                     span->first_slot + span->slots <= model->per_area,
                 "a span of %" PRIu32 " slots at index %" PRIu64 ", expected one at %" PRIu64, span->slots,
                 span->first_index, *index);
    FUZZ_PROMISE(memcmp(span->bytes,
                        model->cow + (1 + span->area * (model->per_area + 1)) * model->chunk_bytes +
                            span->first_slot * 16u,
                        span->slots * 16u) == 0, "bytes of a span");
    FUZZ_PROMISE(*index >= model->entries ? span->live == 0
                                          : span->live == model->entries - *index || span->live == span->slots,
                 "%" PRIu32 " live entries of %" PRIu32 " from index %" PRIu64 ", the list has %" PRIu64, span->live,
                 span->slots, *index, model->entries);
    for (uint32_t i = 0; i < span->live; i++)
        FUZZ_PROMISE(snap_span_old(span, i) == model->entry[*index + i].old_chunk &&
                         snap_span_new(span, i) == model->entry[*index + i].new_chunk,
                     "entry %" PRIu64, *index + i);
    *index += span->slots;
}

static void check_walk(const struct snap_store *store, const struct model *model)
{
    struct snap_list_walk *walk;
    struct snap_span span;
    uint64_t index = 0;
    enum snap_status status = snap_list_walk_open(&walk, store, NULL);

    FUZZ_PROMISE(status == SNAP_OK, "a walk does not begin: %d", status);
    while ((status = snap_list_walk_next(walk, &span, NULL)) == SNAP_OK && span.slots != 0)
        check_span(&span, model, &index);
    FUZZ_PROMISE(status == (model->past_end ? SNAP_E_CORRUPT : SNAP_OK), "the walk ends with %d", status);
    FUZZ_PROMISE(model->past_end || index == (model->entries / model->per_area + 1) * model->per_area,
                 "the walk ends at index %" PRIu64 " of %" PRIu64 " entries", index, model->entries);
    snap_list_walk_close(walk);
}

/* Any part of the list, read by itself, is the same. */
static void check_part(const struct snap_store *store, const struct model *model, struct fuzz_input *input)
{
    const uint64_t first = fuzz_below(input, model->entries + 1), count = fuzz_below(input, model->entries - first + 1);
    struct snap_entry *entries = fuzz_calloc((size_t)count, sizeof *entries);
    const enum snap_status status = snap_list_read_entries(store, first, count, entries, NULL);

    FUZZ_PROMISE(status == SNAP_OK, "reading %" PRIu64 " entries from %" PRIu64 ": %d", count, first, status);
    for (uint64_t i = 0; i < count; i++)
        FUZZ_PROMISE(entries[i].old_chunk == model->entry[first + i].old_chunk &&
                         entries[i].new_chunk == model->entry[first + i].new_chunk, "entry %" PRIu64, first + i);
    free(entries);
}

static uint32_t crc32c(uint32_t crc, const uint8_t *bytes, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return crc;
}

static void check_digest(const struct snap_store *store, const struct model *model)
{
    uint32_t digest = 0, expected = UINT32_MAX;

    for (uint64_t area = 0; area * model->per_area < model->entries; area++) {
        const uint64_t rest = model->entries - area * model->per_area;

        expected = crc32c(expected, model->cow + (1 + area * (model->per_area + 1)) * model->chunk_bytes,
                          (rest < model->per_area ? rest : model->per_area) * 16);
    }
    FUZZ_PROMISE(snap_list_walk_digest(store, model->entries, &digest, NULL) == SNAP_OK && digest == ~expected,
                 "digest %08" PRIx32 ", expected %08" PRIx32, digest, ~expected);
}

/* A record and a fingerprint whose checksums are right: no input would find them. Some fit together, some do not. */
static void put_fingerprint(struct image *image, struct fuzz_input *input)
{
    struct snap_identity identity = {.origin_sectors = fuzz_number(input)};
    struct snap_fingerprint fingerprint = {.seed = fuzz_number(input)};

    fingerprint.samples = (uint32_t)fuzz_below(input, 200);
    fingerprint.store_id[fuzz_below(input, 16)] = (uint8_t)fuzz_below(input, 2);
    identity.store_id[fuzz_below(input, 16)] = (uint8_t)fuzz_below(input, 2);
    fingerprint.mask[fuzz_below(input, 24)] = fuzz_byte(input);
    fingerprint.sums[fuzz_below(input, 192)] = (uint16_t)fuzz_number(input);
    snap_codec_encode_record(&identity, image->cow);
    snap_codec_encode_fingerprint(&fingerprint, image->cow + 512);
    image->cow[fuzz_below(input, 1024)] ^= fuzz_byte(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct snap_store store;
    struct model model;
    struct image image;
    struct snap_io *cow;

    image_take(&image, &input);
    if (image.cow_bytes >= 1024 && fuzz_flag(&input))
        put_fingerprint(&image, &input);
    model_read(&model, image.cow, image.cow_bytes);
    cow = io_mem_new("cow", image.cow_bytes, fuzz_flag(&input) ? 4096 : 512, false);
    if (image.cow_bytes > 0)
        memcpy(io_mem_bytes(cow), image.cow, (size_t)image.cow_bytes);
    FUZZ_PROMISE(snap_header_read(&store, cow, NULL) == SNAP_OK, "the header of a device without errors is not read");
    check_header(&store, &model);
    check_record(&store, &model);
    check_fingerprint(&store, &model, &input);
    if (model.header == MODEL_GOOD) {
        check_layout(&store.layout, &model, &input);
        check_walk(&store, &model);
        check_part(&store, &model, &input);
        if (!model.past_end) {
            check_digest(&store, &model);
            check_listed(&store, &model, &input);
        }
    }
    FUZZ_PROMISE(image.cow_bytes == 0 || memcmp(io_mem_bytes(cow), image.cow, (size_t)image.cow_bytes) == 0,
                 "reading has changed the store");
    (void)snap_io_close(cow, NULL);
    model_free(&model);
    image_free(&image);
    return 0;
}
