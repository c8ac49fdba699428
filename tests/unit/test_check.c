/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that each rule is found exactly where it is broken: one store, one defect, one finding. */
#include "lib/base/bytes.h"
#include "lib/store/codec.h"
#include "tests/support/io_fault.h"
#include "tests/unit/check_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* The sound store: chunks of 8 sectors, 600 of them with areas in 1, 258 and 515; 300 entries, an odd origin. */
#define CS 8u
#define CHUNKS 600u
#define ENTRIES 300u
#define ORIGIN_SECTORS (1000u * CS - 3u)
#define OLD(index) ((index) * 3u)
#define EACH(i, array) (size_t i = 0; i < sizeof(array) / sizeof(array)[0]; i++)

static const struct snap_check_options options = {.origin_sectors = ORIGIN_SECTORS, .origin_block_bytes = 512};
static struct checked checked;

static struct snap_io *sound_store(void)
{
    struct snap_io *io = list_new(CS, CHUNKS * CS);

    list_put_canonical(io, CS, 0, ENTRIES, OLD(0), OLD(1));
    return io;
}

/* Closes the store: one finding, with a place in the header or none. */
static const struct snap_finding *only(struct snap_io *io, enum snap_rule rule, enum snap_severity severity)
{
    assert_ok(check_run(io, &options, &checked), &checked.err);
    if (checked.count != 1)
        for (size_t i = 0; i < checked.count; i++)
            print_message("%s: %s\n", snap_rules_info(checked.at[i].rule)->id, checked.at[i].text);
    assert_int_equal(checked.count, 1);
    assert_string_equal(snap_rules_info(checked.at[0].rule)->id, snap_rules_info(rule)->id);
    assert_int_equal(checked.at[0].severity, severity);
    assert_int_equal(checked.findings.rule_counts[rule], 1);
    assert_int_equal(checked.findings.severity_counts[severity], 1);
    list_close(io);
    return &checked.at[0];
}

static void only_in_header(struct snap_io *io, enum snap_rule rule, enum snap_severity severity)
{
    const struct snap_finding *finding = only(io, rule, severity);

    assert_false(finding->has_area);
    assert_false(finding->has_entry);
    assert_int_equal(finding->offset_bytes, 0);
}

static void only_at(struct snap_io *io, enum snap_rule rule, enum snap_severity severity, uint64_t index,
                    uint64_t old_chunk, uint64_t new_chunk)
{
    const struct snap_finding *finding = only(io, rule, severity);

    assert_true(finding->has_area && finding->has_entry && finding->has_offset);
    assert_int_equal(finding->index, index);
    assert_int_equal(finding->area, index / 256);
    assert_int_equal(finding->slot, index % 256);
    assert_int_equal(finding->offset_bytes, (1 + index / 256 * 257) * 4096 + index % 256 * 16);
    assert_int_equal(finding->old_chunk, old_chunk);
    assert_int_equal(finding->new_chunk, new_chunk);
}

static void only_in_area(struct snap_io *io, enum snap_rule rule, enum snap_severity severity, uint64_t area)
{
    const struct snap_finding *finding = only(io, rule, severity);

    assert_true(finding->has_area && finding->has_offset);
    assert_false(finding->has_entry);
    assert_int_equal(finding->area, area);
    assert_int_equal(finding->offset_bytes, (1 + area * 257) * 4096);
}

static void none(struct snap_io *io, const struct snap_check_options *chosen)
{
    assert_ok(check_run(io, chosen, &checked), &checked.err);
    for (size_t i = 0; i < checked.count; i++)
        print_message("%s: %s\n", snap_rules_info(checked.at[i].rule)->id, checked.at[i].text);
    assert_int_equal(checked.count, 0);
    list_close(io);
}

/* --- the header -------------------------------------------------------------------------------------------- */

static void bad_headers_are_fatal(void **state)
{
    static const struct {
        unsigned offset_bytes;
        uint32_t value;
        enum snap_rule rule;
    } defects[] = {
        {0, 0, SNAP_RULE_HEADER_EMPTY},   {0, 0x70416e54, SNAP_RULE_HEADER_MAGIC}, {0, 1, SNAP_RULE_HEADER_MAGIC},
        {8, 0, SNAP_RULE_HEADER_VERSION}, {8, 2, SNAP_RULE_HEADER_VERSION},        {4, 0, SNAP_RULE_STORE_INVALID},
        {12, 0, SNAP_RULE_CHUNK_SIZE},    {12, 7, SNAP_RULE_CHUNK_SIZE},
        {12, 4194304, SNAP_RULE_CHUNK_SIZE}, {12, UINT32_MAX, SNAP_RULE_CHUNK_SIZE},
        {12, 2097152, SNAP_RULE_DEVICE_SIZE}, /* legal, but the device is too small */
    };

    (void)state;
    for EACH(i, defects) {
        struct snap_io *io = sound_store();

        snap_put_le32(io_mem_bytes(io) + defects[i].offset_bytes, defects[i].value);
        only_in_header(io, defects[i].rule, SNAP_FATAL);
        /* The list of a store that was given up is still there. */
        assert_int_equal(checked.result.list_complete, defects[i].rule == SNAP_RULE_STORE_INVALID);
        assert_int_equal(checked.result.entries > 0, defects[i].rule == SNAP_RULE_STORE_INVALID);
    }
}

static void the_device_must_hold_an_area(void **state)
{
    static const uint64_t sizes[] = {0, 15, 511, 512, 8191};

    (void)state;
    for EACH(i, sizes) {
        struct snap_io *io = io_mem_new("cow", sizes[i], 512, true);

        if (sizes[i] >= 16)
            format_put_header(io_mem_bytes(io), FORMAT_MAGIC, 1, 1, CS);
        (void)only(io, SNAP_RULE_DEVICE_SIZE, SNAP_FATAL);
    }
    only_in_header(list_new(CS, 2 * CS), SNAP_RULE_NO_ROOM, SNAP_WARNING);
    none(list_new(CS, 3 * CS), &options);
}

static void odd_chunk_sizes_are_noted(void **state)
{
    (void)state;
    only_in_header(list_new(4, 400), SNAP_RULE_CHUNK_UNUSUAL, SNAP_NOTE);
    none(list_new(8, 800), &options);
    none(list_new(1024, 5120), &options);
    only_in_header(list_new(2048, 10240), SNAP_RULE_CHUNK_UNUSUAL, SNAP_NOTE);
}

static void chunks_must_be_whole_blocks(void **state)
{
    struct snap_check_options chosen = options;

    (void)state;
    for (int which = 0; which < 2; which++) {
        for (uint32_t block_bytes = 4096; block_bytes <= 8192; block_bytes *= 2) {
            struct snap_io *io = sound_store();

            if (which == 0)
                io->logical_block_bytes = block_bytes;
            chosen.origin_block_bytes = which == 1 ? block_bytes : 0;
            assert_ok(check_run(io, &chosen, &checked), &checked.err);
            assert_int_equal(checked.count, block_bytes > 4096);
            if (checked.count > 0) {
                assert_int_equal(checked.at[0].rule, SNAP_RULE_CHUNK_BLOCK);
                assert_int_equal(checked.at[0].severity, SNAP_WARNING);
            }
            list_close(io);
        }
    }
}

static void other_valid_values_are_noted(void **state)
{
    static const uint32_t values[] = {2, 256, UINT32_MAX};

    (void)state;
    for EACH(i, values) {
        struct snap_io *io = sound_store();

        snap_put_le32(io_mem_bytes(io) + 4, values[i]);
        only_in_header(io, SNAP_RULE_VALID_VALUE, SNAP_NOTE);
    }
}

static void bytes_behind_the_header_are_noted(void **state)
{
    static const size_t offsets[] = {16, 24, 511};

    (void)state;
    for EACH(i, offsets) {
        struct snap_io *io = sound_store();

        io_mem_bytes(io)[offsets[i]] = 1;
        only_in_header(io, SNAP_RULE_HEADER_SPARE, SNAP_NOTE);
    }
}

static void identity_records_are_judged(void **state)
{
    const struct snap_identity identity = {.origin_sectors = ORIGIN_SECTORS, .chunk_sectors = CS};
    struct snap_io *io = sound_store();

    (void)state;
    snap_codec_encode_record(&identity, io_mem_bytes(io));
    none(io, &options);
    io = sound_store();
    snap_codec_encode_record(&identity, io_mem_bytes(io));
    io_mem_bytes(io)[100] ^= 1;
    only_in_header(io, SNAP_RULE_IDENTITY_DAMAGED, SNAP_NOTE);
    io = sound_store();
    snap_codec_encode_record(&identity, io_mem_bytes(io));
    io_mem_bytes(io)[24] = 2;
    only_in_header(io, SNAP_RULE_IDENTITY_NEWER, SNAP_NOTE);
}

static void what_the_kernel_reads_with_the_header_has_to_be_readable(void **state)
{
    static const uint64_t offsets[] = {512, 1024, 4096 - 512};
    struct snap_io *io;

    (void)state;
    for EACH(i, offsets) {
        io = io_fault_new(sound_store(), NULL);
        io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = offsets[i],
                                            .length_bytes = 512});
        only_in_header(io, SNAP_RULE_HEADER_UNREADABLE, SNAP_WARNING);
    }
    io = io_fault_new(sound_store(), NULL);
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .sys_errno = ENXIO,
                                        .offset_bytes = 1024, .length_bytes = 512});
    assert_status(check_run(io, &options, &checked), SNAP_E_NOENT, &checked.err);
    assert_int_equal(checked.count, 0);
    list_close(io);
}

/* --- the device's end -------------------------------------------------------------------------------------- */

static void a_partial_last_chunk_is_noted(void **state)
{
    (void)state;
    only_in_header(list_new(CS, 600 * CS + 1), SNAP_RULE_PARTIAL_CHUNK, SNAP_NOTE);
    only_in_header(list_new(CS, 601 * CS - 1), SNAP_RULE_PARTIAL_CHUNK, SNAP_NOTE);
}

static void the_exact_fit_trap_is_noted(void **state)
{
    (void)state;
    none(list_new(CS, 257 * CS), &options);
    only_in_header(list_new(CS, 258 * CS), SNAP_RULE_EXACT_FIT, SNAP_NOTE);
    none(list_new(CS, 259 * CS), &options);
    none(list_new(CS, 514 * CS), &options);
    only_in_header(list_new(CS, 515 * CS), SNAP_RULE_EXACT_FIT, SNAP_NOTE);
}

static void a_full_store_is_a_warning(void **state)
{
    struct snap_io *io;

    (void)state;
    for (uint64_t entries = 97; entries <= 98; entries++) { /* 98 is all that 100 chunks hold */
        io = list_new(CS, 100 * CS);
        list_put_canonical(io, CS, 0, entries, 0, 1);
        if (entries == 98)
            only_in_header(io, SNAP_RULE_STORE_FULL, SNAP_WARNING);
        else
            none(io, &options);
        assert_int_equal(checked.result.free_chunks, 98 - entries);
    }
    {
        struct snap_identity undo = {.flags = SNAP_IDENTITY_UNDO, .origin_sectors = 1, .chunk_sectors = CS};
        uint8_t sector[SNAP_HEADER_SECTOR_BYTES];

        io = list_new(CS, 100 * CS);
        list_put_canonical(io, CS, 0, 98, 0, 1);
        must(snap_io_read(io, 0, sizeof sector, sector, NULL));
        snap_codec_encode_record(&undo, sector);
        must(snap_io_write(io, 0, sizeof sector, sector, NULL));
        none(io, &options); /* an undo store is made for what it holds */
    }
    io = list_new(CS, 259 * CS); /* area 0 full, area 1 there but without a data chunk */
    list_put_canonical(io, CS, 0, 256, 0, 1);
    only_in_header(io, SNAP_RULE_STORE_FULL, SNAP_WARNING);
}

static void a_list_without_an_end_is_fatal(void **state)
{
    struct snap_io *io = list_new(CS, 259 * CS - 1);

    (void)state;
    list_put_canonical(io, CS, 0, 256, 0, 1);
    assert_ok(check_run(io, &options, &checked), &checked.err);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_LIST_PAST_END], 1);
    assert_int_equal(checked.findings.severity_counts[SNAP_FATAL], 1);
    assert_int_equal(checked.at[checked.count - 1].rule, SNAP_RULE_LIST_PAST_END);
    assert_int_equal(checked.at[checked.count - 1].area, 1);
    assert_int_equal(checked.at[checked.count - 1].offset_bytes, 258 * 4096);
    assert_false(checked.result.list_complete);
    /* Nothing but the notes on this size of device comes with it. */
    assert_int_equal(checked.findings.severity_counts[SNAP_WARNING] +
                         checked.findings.severity_counts[SNAP_CORRUPTING], 0);
    list_close(io);
}

/* --- areas ------------------------------------------------------------------------------------------------- */

static void an_unreadable_area_is_fatal(void **state)
{
    (void)state;
    for (uint64_t area = 0; area < 3; area++) { /* area 2 is behind the list: nobody's */
        struct snap_io *io = io_fault_new(sound_store(), NULL);

        io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                            .offset_bytes = (1 + area * 257) * 4096 + 512, .length_bytes = 512});
        if (area < 2) {
            only_in_area(io, SNAP_RULE_AREA_UNREADABLE, SNAP_FATAL, area);
            assert_false(checked.result.list_complete);
        } else {
            none(io, &options);
        }
    }
}

/* Short memory, an interruption, a device that is gone: the store may be as sound as ever. */
static void what_the_medium_did_not_say_is_no_finding(void **state)
{
    static const struct {
        int sys_errno;
        enum snap_status status;
    } failures[] = {{ENOMEM, SNAP_E_NOMEM}, {EINTR, SNAP_E_IO}, {EAGAIN, SNAP_E_IO}, {ENXIO, SNAP_E_NOENT}};
    static const int medium[] = {EIO, ENODATA, EREMOTEIO, EILSEQ};

    (void)state;
    for (uint64_t area = 0; area < 3; area++) /* the last one is looked at behind the end of the list */
        for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
            struct snap_io *io = io_fault_new(sound_store(), NULL);

            io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                                .sys_errno = failures[i].sys_errno,
                                                .offset_bytes = (1 + area * 257) * 4096, .length_bytes = 512});
            assert_status(check_run(io, &options, &checked), failures[i].status, &checked.err);
            assert_int_equal(checked.count, 0);
            assert_int_equal(checked.findings.severity_counts[SNAP_FATAL], 0);
            list_close(io);
        }
    for (size_t i = 0; i < sizeof medium / sizeof medium[0]; i++) {
        struct snap_io *io = io_fault_new(sound_store(), NULL);

        io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .sys_errno = medium[i],
                                            .offset_bytes = 4096, .length_bytes = 512});
        only_in_area(io, SNAP_RULE_AREA_UNREADABLE, SNAP_FATAL, 0);
    }
}

static void bytes_behind_the_end_are_corrupting(void **state)
{
    static const struct {
        uint64_t index, old_chunk, new_chunk;
    } garbage[] = {{300, 1, 0}, {301, 0, 1}, {301, 5, 302}, {511, 1, 0}, {400, UINT64_MAX, UINT64_MAX}};

    (void)state;
    for EACH(i, garbage) {
        struct snap_io *io = sound_store();

        list_put(io, CS, garbage[i].index, garbage[i].old_chunk, garbage[i].new_chunk);
        only_at(io, SNAP_RULE_GARBAGE_BEHIND_END, SNAP_CORRUPTING, garbage[i].index, garbage[i].old_chunk,
                garbage[i].new_chunk);
    }
}

static void garbage_is_one_finding_per_list(void **state)
{
    struct snap_io *io = list_new(4096, 4096 * 40); /* areas of two pieces for the reader */

    (void)state;
    list_put(io, 4096, 10, 1, 2);
    list_put(io, 4096, 20, 1, 2);
    list_put(io, 4096, 70000, 1, 2);
    assert_ok(check_run(io, &options, &checked), &checked.err);
    assert_int_equal(checked.count, 2);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_CHUNK_UNUSUAL], 1);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_GARBAGE_BEHIND_END], 1);
    assert_int_equal(checked.at[1].index, 10);
    list_close(io);
    io = list_new(4096, 4096 * 40);
    list_put(io, 4096, 70000, 1, 2); /* in the second piece alone */
    assert_ok(check_run(io, &options, &checked), &checked.err);
    assert_int_equal(checked.count, 2);
    assert_int_equal(checked.at[1].index, 70000);
    list_close(io);
}

static void a_cut_list_is_a_warning(void **state)
{
    struct snap_io *io = sound_store();

    (void)state;
    for (uint64_t index = 288; index < ENTRIES; index++) /* to the border of a sector */
        list_put(io, CS, index, 0, 0);
    list_put(io, CS, 512, 2, format_canonical(CS, 512));
    only_in_area(io, SNAP_RULE_LIST_CUT, SNAP_WARNING, 2);
    assert_int_equal(checked.result.continuation_area, 2);
    assert_int_equal(checked.result.continuation_entries, 1);
    assert_int_equal(checked.result.earlier_entries, 0);
    assert_int_equal(checked.result.entries, 288);
}

static void stale_areas_are_noted(void **state)
{
    struct snap_io *io = sound_store();

    (void)state;
    list_put(io, CS, 512, OLD(7), format_canonical(CS, 512)); /* an old that is in use */
    only_in_area(io, SNAP_RULE_STALE_AREAS, SNAP_NOTE, 2);
    assert_int_equal(checked.result.continuation_entries, 0);
    io = sound_store();
    list_put(io, CS, 512, 2, format_canonical(CS, 512)); /* it fits, but the list ends inside a sector */
    only_in_area(io, SNAP_RULE_STALE_AREAS, SNAP_NOTE, 2);
    assert_int_equal(checked.result.continuation_entries, 0);
    assert_int_equal(checked.result.earlier_entries, 1);
}

/* --- entries ----------------------------------------------------------------------------------------------- */

static void bad_data_chunks_are_found(void **state)
{
    static const struct {
        uint64_t index, new_chunk;
        enum snap_rule rule;
        enum snap_severity severity;
    } bad[] = {
        {7, CHUNKS, SNAP_RULE_ENTRY_NEW_RANGE, SNAP_CORRUPTING},
        {299, (UINT64_C(1) << 56) - 1, SNAP_RULE_ENTRY_NEW_RANGE, SNAP_CORRUPTING},
        {7, (UINT64_C(1) << 56) + 2, SNAP_RULE_ENTRY_NEW_TOP_BYTE, SNAP_CORRUPTING},
        {256, UINT64_MAX, SNAP_RULE_ENTRY_NEW_TOP_BYTE, SNAP_CORRUPTING},
        {7, 1, SNAP_RULE_ENTRY_NEW_METADATA, SNAP_FATAL},     /* in use: the area of the entry */
        {299, 1, SNAP_RULE_ENTRY_NEW_METADATA, SNAP_FATAL},   /* one before it */
        {256, 258, SNAP_RULE_ENTRY_NEW_METADATA, SNAP_FATAL}, /* the last one */
        {299, 515, SNAP_RULE_ENTRY_NEW_METADATA, SNAP_CORRUPTING}, /* not in use yet */
        {299, 258 + 257 * 10, SNAP_RULE_ENTRY_NEW_METADATA, SNAP_CORRUPTING}, /* not on the device */
    };

    (void)state;
    for EACH(i, bad) {
        struct snap_io *io = sound_store();

        list_put(io, CS, bad[i].index, OLD(bad[i].index), bad[i].new_chunk);
        only_at(io, bad[i].rule, bad[i].severity, bad[i].index, OLD(bad[i].index), bad[i].new_chunk);
        assert_true(checked.result.list_complete);
        assert_false(checked.result.canonical);
    }
}

/* rule entry-new-metadata: fatal where the area is in use, wherever in the list the entry stands. */
static void an_entry_on_a_later_area_in_use_is_fatal(void **state)
{
    struct snap_io *io = sound_store();

    (void)state;
    list_put(io, CS, 7, OLD(7), 258);
    only_at(io, SNAP_RULE_ENTRY_NEW_METADATA, SNAP_FATAL, 7, OLD(7), 258);
}

static void a_store_cut_short_keeps_its_order(void **state)
{
    struct snap_io *io = list_new(CS, 300 * CS); /* the last data chunk lies beyond the end, where it always was */

    (void)state;
    list_put_canonical(io, CS, 0, 298, 0, 1);
    only_at(io, SNAP_RULE_ENTRY_NEW_RANGE, SNAP_CORRUPTING, 297, 297, 300);
    assert_true(checked.result.canonical);
}

static void the_last_data_chunk_is_valid(void **state)
{
    struct snap_io *io = sound_store();

    (void)state;
    list_put(io, CS, 299, OLD(299), CHUNKS - 1); /* only out of order, which leaks what is below */
    assert_ok(check_run(io, &options, &checked), &checked.err);
    assert_int_equal(checked.findings.severity_counts[SNAP_CORRUPTING] +
                         checked.findings.severity_counts[SNAP_FATAL], 0);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_ENTRY_ORDER], 1);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_LEAKED_CHUNKS], 1);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_STORE_FULL], 1);
    list_close(io);
}

/* They say nothing about the store: the pair is what is wrong (lib/check/pair.h). */
static void entries_beyond_the_origin_are_counted(void **state)
{
    static const uint64_t olds[] = {1000, 5000, INT64_MAX / (CS * 512) - 1};
    const struct snap_check_options unknown = {0};
    struct snap_io *io = sound_store();

    (void)state;
    list_put(io, CS, 299, 999, format_canonical(CS, 299)); /* the partial last chunk */
    none(io, &options);
    for EACH(i, olds) {
        io = sound_store();
        list_put(io, CS, 11, olds[i], format_canonical(CS, 11));
        none(io, &options);
        assert_int_equal(checked.result.entries_beyond, 1);
        assert_int_equal(checked.result.reach_bytes, (olds[i] + 1) * CS * 512);
        io = sound_store();
        list_put(io, CS, 11, olds[i] - 1, format_canonical(CS, 11));
        none(io, &unknown);
        assert_int_equal(checked.result.entries_beyond, 0);
    }
}

/* One entry for this chunk: it is damaged, or only lies behind this origin, or neither. */
static void old_range(uint64_t recorded_sectors, const struct snap_check_options *with, uint64_t old, bool found,
                      bool beyond)
{
    struct snap_identity identity = {.origin_sectors = recorded_sectors, .chunk_sectors = CS};
    struct snap_io *io = sound_store();

    if (recorded_sectors > 0)
        snap_codec_encode_record(&identity, io_mem_bytes(io));
    list_put(io, CS, 11, old, format_canonical(CS, 11));
    assert_ok(check_run(io, with, &checked), &checked.err);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_ENTRY_OLD_RANGE], found);
    assert_int_equal(checked.findings.severity_counts[SNAP_CORRUPTING], found);
    assert_int_equal(checked.result.entries_old_range, found);
    assert_int_equal(checked.result.entries_beyond, beyond);
    assert_int_equal(checked.result.reach_bytes == (old + 1) * CS * 512, !found);
    list_close(io);
}

/* Where the record, or somebody, says that the origin was not larger, it is the entry that is wrong. */
static void entries_beyond_an_origin_as_recorded_are_corrupting(void **state)
{
    const struct snap_check_options unknown = {0};
    const uint64_t sectors = options.origin_sectors;
    struct snap_check_options said = options;

    (void)state;
    said.origin_is_whole = true;
    old_range(sectors, &options, 1000, true, false);
    old_range(sectors - 1, &options, 1000, true, false);  /* it has grown */
    old_range(sectors + CS, &options, 1000, false, true);  /* it was larger, and that chunk was on it */
    old_range(sectors + CS, &options, 1001, true, false);
    old_range(sectors, &unknown, 999, false, false);      /* the record is enough */
    old_range(sectors, &unknown, 1000, true, false);
    old_range(0, &options, 1000, false, true);            /* nobody says */
    old_range(0, &unknown, 1000, false, false);
    old_range(0, &said, 999, false, false);
    old_range(0, &said, 1000, true, false);
    old_range(sectors + CS, &said, 1000, false, true);     /* the record weighs more */
}

/* As far as no device reaches it is damage, whatever is known of the origin. */
static void entries_where_no_device_reaches_are_corrupting(void **state)
{
    static const uint64_t olds[] = {INT64_MAX / (CS * 512), UINT64_C(1) << 54, UINT64_MAX / 4096, UINT64_MAX};
    const struct snap_check_options unknown = {0};
    struct snap_io *io;

    (void)state;
    old_range(0, &unknown, olds[0] - 1, false, false);
    for EACH(i, olds) {
        old_range(0, &unknown, olds[i], true, false);
        old_range(0, &options, olds[i], true, false);
        old_range(options.origin_sectors + CS, &options, olds[i], true, false);
        old_range(UINT64_MAX, &unknown, olds[i], true, false); /* a record that no device fits */
    }
    io = sound_store(); /* all of it was overwritten */
    list_put(io, CS, 11, UINT64_MAX, UINT64_MAX);
    only_at(io, SNAP_RULE_ENTRY_NEW_TOP_BYTE, SNAP_CORRUPTING, 11, UINT64_MAX, UINT64_MAX);
}

static void duplicates_are_corrupting(void **state)
{
    struct snap_io *io = sound_store();

    (void)state;
    list_put(io, CS, 280, OLD(20), format_canonical(CS, 280));
    only_at(io, SNAP_RULE_DUPLICATE_OLD, SNAP_CORRUPTING, 280, OLD(20), format_canonical(CS, 280));
    assert_non_null(strstr(checked.at[0].text, "area 0 slot 20"));
    io = sound_store();
    list_put(io, CS, 280, OLD(280), format_canonical(CS, 270));
    assert_ok(check_run(io, &options, &checked), &checked.err); /* which is out of order, too */
    assert_int_equal(checked.count, 2);
    assert_int_equal(checked.at[0].rule, SNAP_RULE_ENTRY_ORDER);
    assert_int_equal(checked.at[0].index, 280);
    assert_int_equal(checked.at[1].rule, SNAP_RULE_DUPLICATE_NEW);
    assert_int_equal(checked.at[1].severity, SNAP_CORRUPTING);
    assert_int_equal(checked.at[1].area, 1);
    assert_int_equal(checked.at[1].slot, 24);
    assert_non_null(strstr(checked.at[1].text, "area 1 slot 14"));
    list_close(io);
}

static void another_order_is_noted_once(void **state)
{
    struct snap_io *io = sound_store();

    (void)state;
    for (uint64_t i = 100; i < 110; i += 2) {
        list_put(io, CS, i, OLD(i), format_canonical(CS, i + 1));
        list_put(io, CS, i + 1, OLD(i + 1), format_canonical(CS, i));
    }
    only_at(io, SNAP_RULE_ENTRY_ORDER, SNAP_NOTE, 100, OLD(100), format_canonical(CS, 101));
    assert_false(checked.result.canonical);
}

static void leaked_chunks_are_counted(void **state)
{
    struct snap_io *io = sound_store();

    (void)state;
    list_put(io, CS, 299, OLD(299), format_canonical(CS, 304));
    assert_ok(check_run(io, &options, &checked), &checked.err);
    assert_int_equal(checked.count, 2);
    assert_int_equal(checked.at[0].rule, SNAP_RULE_ENTRY_ORDER);
    assert_int_equal(checked.at[1].rule, SNAP_RULE_LEAKED_CHUNKS);
    assert_int_equal(checked.at[1].severity, SNAP_NOTE);
    assert_non_null(strstr(checked.at[1].text, "5 data chunks"));
    list_close(io);
}

/* --- how it is told ---------------------------------------------------------------------------------------- */

static void beyond_the_limit_findings_are_counted(void **state)
{
    struct snap_io *io = sound_store();

    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        list_put(io, CS, i, OLD(i), CHUNKS + i);
    list_put(io, CS, 20, OLD(20), UINT64_MAX);
    for (uint64_t limit = 0; limit < 12; limit++) {
        checked.findings.per_rule_max = limit;
        assert_ok(check_run(io, &options, &checked), &checked.err);
        assert_int_equal(checked.findings.rule_counts[SNAP_RULE_ENTRY_NEW_RANGE], 10);
        assert_int_equal(checked.findings.severity_counts[SNAP_CORRUPTING], 11);
        assert_int_equal(checked.count, limit == 0 || limit > 10 ? 11 : limit + 1);
    }
    checked.findings.per_rule_max = 0;
    list_close(io);
}

static void the_callback_can_end_it(void **state)
{
    struct snap_io *io = sound_store();
    size_t all;

    (void)state;
    io_mem_bytes(io)[16] = 1;                           /* header */
    snap_put_le32(io_mem_bytes(io) + 4, 2);             /* header */
    list_put(io, CS, 5, OLD(5), format_canonical(CS, 6)); /* order, duplicate new */
    list_put(io, CS, 8, OLD(8), CHUNKS);
    list_put(io, CS, 9, OLD(9), UINT64_MAX);
    list_put(io, CS, 10, OLD(4), format_canonical(CS, 10));
    list_put(io, CS, 310, 1, 0);
    list_put(io, CS, 512, 1, 0);
    assert_ok(check_run(io, &options, &checked), &checked.err);
    all = checked.count;
    assert_int_equal(all, 9);
    for (size_t k = 1; k <= all; k++) {
        checked.fail_at = k;
        assert_status(check_run(io, &options, &checked), SNAP_E_REFUSED, &checked.err);
        assert_string_equal(checked.err.text, "enough");
        assert_int_equal(checked.count, k);
    }
    checked.fail_at = 0;
    list_close(io);
}

static bool stop_at_once(void *context)
{
    (void)context;
    return true;
}

static void a_stop_ends_it(void **state)
{
    struct snap_check_options chosen = options;
    struct snap_io *io = sound_store();

    (void)state;
    chosen.stop = stop_at_once;
    assert_status(check_run(io, &chosen, &checked), SNAP_E_STOPPED, &checked.err);
    assert_int_equal(checked.count, 0);
    assert_false(checked.result.list_complete);
    list_close(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_headers_are_fatal),
        cmocka_unit_test(the_device_must_hold_an_area),
        cmocka_unit_test(odd_chunk_sizes_are_noted),
        cmocka_unit_test(chunks_must_be_whole_blocks),
        cmocka_unit_test(other_valid_values_are_noted),
        cmocka_unit_test(bytes_behind_the_header_are_noted),
        cmocka_unit_test(identity_records_are_judged),
        cmocka_unit_test(what_the_kernel_reads_with_the_header_has_to_be_readable),
        cmocka_unit_test(a_partial_last_chunk_is_noted),
        cmocka_unit_test(the_exact_fit_trap_is_noted),
        cmocka_unit_test(a_full_store_is_a_warning),
        cmocka_unit_test(a_list_without_an_end_is_fatal),
        cmocka_unit_test(an_unreadable_area_is_fatal),
        cmocka_unit_test(what_the_medium_did_not_say_is_no_finding),
        cmocka_unit_test(bytes_behind_the_end_are_corrupting),
        cmocka_unit_test(garbage_is_one_finding_per_list),
        cmocka_unit_test(a_cut_list_is_a_warning),
        cmocka_unit_test(stale_areas_are_noted),
        cmocka_unit_test(bad_data_chunks_are_found),
        cmocka_unit_test(an_entry_on_a_later_area_in_use_is_fatal),
        cmocka_unit_test(a_store_cut_short_keeps_its_order),
        cmocka_unit_test(the_last_data_chunk_is_valid),
        cmocka_unit_test(entries_beyond_the_origin_are_counted),
        cmocka_unit_test(entries_beyond_an_origin_as_recorded_are_corrupting),
        cmocka_unit_test(entries_where_no_device_reaches_are_corrupting),
        cmocka_unit_test(duplicates_are_corrupting),
        cmocka_unit_test(another_order_is_noted_once),
        cmocka_unit_test(leaked_chunks_are_counted),
        cmocka_unit_test(beyond_the_limit_findings_are_counted),
        cmocka_unit_test(the_callback_can_end_it),
        cmocka_unit_test(a_stop_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
