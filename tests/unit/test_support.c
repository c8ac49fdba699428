/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The test devices themselves: what other tests conclude from them rests on this. */
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"
#include "tests/support/io_record.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void fill(uint8_t *bytes, char letter)
{
    memset(bytes, letter, 512);
}

static void write_letter(struct snap_io *io, uint64_t sector, char letter)
{
    uint8_t bytes[512];

    fill(bytes, letter);
    must(snap_io_write(io, sector * 512, 512, bytes, NULL));
}

static char letter_at(struct snap_io *io, uint64_t sector)
{
    uint8_t byte = 0;

    must(snap_io_read(io, sector * 512 + 100, 1, &byte, NULL));
    return (char)byte;
}

static void check_contract(struct snap_io *io)
{
    uint8_t bytes[8192] = {0};
    struct iovec whole = {bytes, 4096}, odd[] = {{bytes, 1}, {bytes + 1, 0}, {bytes + 1, 4094}, {bytes + 4095, 1}};
    struct snap_io_request requests[3] = {
        {.kind = SNAP_IO_WRITE, .offset_bytes = 4096, .iov = &whole, .iov_count = 1},
        {.kind = SNAP_IO_READ, .offset_bytes = 0, .iov = &(struct iovec){bytes + 4096, 100}, .iov_count = 1},
        {.kind = SNAP_IO_WRITE, .offset_bytes = 512, .iov = &(struct iovec){bytes, 512}, .iov_count = 1},
    };
    struct snap_error err = {0};

    for (unsigned i = 0; i < 4096; i++)
        bytes[i] = (uint8_t)(i * 3 + i / 256);
    /* The bad request does not keep the good ones from being done. */
    assert_int_equal(snap_io_transfer(io, requests, 3, &err), SNAP_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "byte 512"));
    assert_int_equal(requests[0].sys_errno, 0);
    assert_int_equal(requests[1].sys_errno, 0);
    assert_int_equal(requests[2].sys_errno, EOPNOTSUPP);
    memset(bytes, 0, sizeof bytes);
    requests[0] = (struct snap_io_request){.kind = SNAP_IO_READ, .offset_bytes = 4096, .iov = odd, .iov_count = 4};
    must(snap_io_transfer(io, requests, 1, &err));
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(bytes[i], (uint8_t)(i * 3 + i / 256));
    must(snap_io_read(io, 4999, 3, bytes, NULL));
    assert_int_equal(bytes[0], (uint8_t)(903 * 3 + 3));

    /* A write may overlap nothing of its transfer; reads may overlap each other. */
    requests[0] = (struct snap_io_request){.kind = SNAP_IO_READ, .offset_bytes = 0, .iov = &whole, .iov_count = 1};
    requests[1] = requests[0];
    must(snap_io_transfer(io, requests, 2, &err));
    requests[1] = (struct snap_io_request){.kind = SNAP_IO_WRITE, .offset_bytes = 0, .iov = &whole, .iov_count = 1};
    assert_int_equal(snap_io_transfer(io, requests, 2, &err), SNAP_E_INTERNAL);
    requests[0].offset_bytes = 4096;
    must(snap_io_transfer(io, requests, 2, &err));
    assert_int_equal(snap_io_read(io, io->size_bytes - 1, 2, bytes, &err), SNAP_E_INTERNAL);
    must(snap_io_flush(io, &err));
}

static void test_contract(void **state)
{
    struct recorder *recorder = recorder_new();
    struct snap_io *devices[] = {
        io_mem_new("mem", 65536, 4096, true),
        io_record_new(recorder, "record", NULL, 65536, 4096, true),
        io_fault_new(io_mem_new("fault", 65536, 4096, true), NULL),
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        check_contract(devices[i]);
        must(snap_io_close(devices[i], NULL));
    }
    recorder_free(recorder);
}

static void test_mem_read_only(void **state)
{
    struct snap_io *io = io_mem_new("mem", 4096, 512, false);

    (void)state;
    fill(io_mem_bytes(io) + 512, 'x');
    assert_int_equal(letter_at(io, 1), 'x');
    assert_int_equal(snap_io_write(io, 0, 512, io_mem_bytes(io), NULL), SNAP_E_INTERNAL);
    must(snap_io_close(io, NULL));
}

static void test_mem_drop(void **state)
{
    struct snap_io *io = io_mem_new("mem", 4096, 512, true);

    (void)state;
    write_letter(io, 0, 'a');
    must(snap_io_flush(io, NULL));
    write_letter(io, 0, 'b');
    write_letter(io, 0, 'c');
    write_letter(io, 3, 'd');
    io_mem_drop_unflushed(io);
    assert_int_equal(letter_at(io, 0), 'a');
    assert_int_equal(letter_at(io, 3), 0);
    must(snap_io_close(io, NULL));
}

static void test_log_has_one_order(void **state)
{
    struct recorder *recorder = recorder_new();
    struct snap_io *a = io_record_new(recorder, "a", NULL, 4096, 512, true);
    struct snap_io *b = io_record_new(recorder, "b", NULL, 8192, 512, true);
    const struct record_operation *log;
    size_t count;
    char *text;

    (void)state;
    write_letter(a, 1, 'x');
    write_letter(b, 9, 'y');
    (void)letter_at(a, 1);
    must(snap_io_flush(b, NULL));
    must(snap_io_flush(a, NULL));
    text = recorder_log_text(recorder, true);
    assert_string_equal(text, "a write 512 512\nb write 4608 512\na read 612 1\nb flush\na flush\n");
    free(text);
    text = recorder_log_text(recorder, false);
    assert_string_equal(text, "a write 512 512\nb write 4608 512\nb flush\na flush\n");
    free(text);
    log = recorder_log(recorder, &count);
    assert_int_equal(count, 5);
    assert_int_equal(log[1].disk, 1);
    assert_int_equal(log[1].data[511], 'y');
    assert_null(log[2].data);
    recorder_log_clear(recorder);
    (void)recorder_log(recorder, &count);
    assert_int_equal(count, 0);
    assert_int_equal(letter_at(a, 1), 'x');
    must(snap_io_close(a, NULL));
    must(snap_io_close(b, NULL));
    recorder_free(recorder);
}

/* Two unflushed versions of one sector and one of another: all six images, each once. */
static void test_crash_images(void **state)
{
    struct recorder *recorder = recorder_new();
    uint8_t content[1024], image[1024];
    struct snap_io *io;
    const struct record_disk *disk;
    size_t *choice;
    unsigned seen = 0, images = 0;

    (void)state;
    memset(content, 'o', sizeof content);
    io = io_record_new(recorder, "d", content, sizeof content, 512, true);
    write_letter(io, 1, 'p');
    write_letter(io, 0, 'q');
    write_letter(io, 1, 'r');
    disk = record_disk_of(recorder_state(recorder), "d");
    assert_non_null(disk);
    assert_null(record_disk_of(recorder_state(recorder), "e"));
    assert_int_equal(record_choices(disk), 6);
    choice = record_choice_new(disk);
    do {
        static const char firsts[] = "oq", seconds[] = "opr";

        record_image(disk, choice, image);
        for (unsigned i = 0; i < 6; i++) {
            if (image[0] == firsts[i % 2] && image[1023] == seconds[i / 2] && image[511] == image[0] &&
                image[512] == image[1023])
                seen |= 1u << i;
        }
        images++;
    } while (record_choice_next(disk, choice));
    assert_int_equal(images, 6);
    assert_int_equal(seen, 0x3f);
    record_image(disk, choice, image); /* all zeros again */
    assert_memory_equal(image, content, sizeof image);
    record_choice_newest(disk, choice);
    record_image(disk, choice, image);
    assert_int_equal(image[0], 'q');
    assert_int_equal(image[512], 'r');
    free(choice);

    must(snap_io_flush(io, NULL));
    disk = record_disk_of(recorder_state(recorder), "d");
    assert_int_equal(disk->pending_count, 0);
    assert_int_equal(record_choices(disk), 1);
    record_image(disk, NULL, image);
    assert_int_equal(image[0], 'q');
    assert_int_equal(image[512], 'r');
    must(snap_io_close(io, NULL));
    recorder_free(recorder);
}

/* One flush does not cover the other disk, nor what comes after it; a dropped write is gone for good. */
static void test_flush_and_drop(void **state)
{
    struct recorder *recorder = recorder_new();
    struct snap_io *a = io_record_new(recorder, "a", NULL, 1024, 512, true);
    struct snap_io *b = io_record_new(recorder, "b", NULL, 1024, 512, true);
    uint8_t image[1024];

    (void)state;
    write_letter(a, 0, 'a');
    write_letter(b, 0, 'b');
    must(snap_io_flush(a, NULL));
    write_letter(a, 0, 'z');
    record_image(&recorder_state(recorder)->disks[0], NULL, image);
    assert_int_equal(image[0], 'a');
    record_image(&recorder_state(recorder)->disks[1], NULL, image);
    assert_int_equal(image[0], 0);
    assert_int_equal(letter_at(a, 0), 'z');
    io_record_drop_unflushed(a);
    assert_int_equal(letter_at(a, 0), 'a');
    assert_int_equal(letter_at(b, 0), 'b');
    must(snap_io_flush(a, NULL));
    write_letter(a, 0, 'y'); /* the sector is pending again after a drop */
    assert_int_equal(letter_at(a, 0), 'y');
    must(snap_io_close(a, NULL));
    must(snap_io_close(b, NULL));
    recorder_free(recorder);
}

struct watch {
    struct record_state *states[8];
    unsigned count;
};

static void watch(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    struct watch *watch = context;

    (void)operation;
    watch->states[watch->count++] = record_state_clone(recorder_state(recorder));
}

/* Cloned before each operation; they stay as they were, also after the recorder is gone. */
static void test_callback_and_clones(void **state)
{
    struct recorder *recorder = recorder_new();
    struct snap_io *io = io_record_new(recorder, "d", NULL, 512, 512, true);
    struct watch seen = {.count = 0};
    uint8_t image[512];

    (void)state;
    recorder_on_operation(recorder, watch, &seen);
    write_letter(io, 0, '1');
    write_letter(io, 0, '2');
    must(snap_io_flush(io, NULL));
    (void)letter_at(io, 0);
    recorder_on_operation(recorder, NULL, NULL);
    (void)letter_at(io, 0);
    must(snap_io_close(io, NULL));
    recorder_free(recorder);

    assert_int_equal(seen.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        const struct record_disk *disk = &seen.states[i]->disks[0];

        assert_int_equal(seen.states[i]->operations, i);
        assert_int_equal(record_choices(disk), i == 3 ? 1 : i + 1);
        record_image(disk, NULL, image);
        assert_int_equal(image[0], i == 3 ? '2' : 0);
        if (i == 2) {
            const size_t first[] = {1};

            record_image(disk, first, image);
            assert_int_equal(image[511], '1');
        }
        record_state_free(seen.states[i]);
    }
}

static void test_fault_at(void **state)
{
    struct snap_io *io = io_fault_new(io_mem_new("mem", 8192, 512, true), NULL);
    uint8_t bytes[2048] = {1};
    struct iovec iov[4] = {{bytes, 512}, {bytes + 512, 512}, {bytes + 1024, 512}, {bytes + 1536, 512}};
    struct snap_io_request requests[4];
    struct snap_error err = {0};

    (void)state;
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_WRITE, .at = 2, .sys_errno = ENOSPC});
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .at = 1, .from_then_on = true});
    for (unsigned i = 0; i < 4; i++) {
        memset(iov[i].iov_base, (int)('a' + i), 512);
        requests[i] = (struct snap_io_request){.kind = SNAP_IO_WRITE, .offset_bytes = i * 512u, .iov = &iov[i],
                                               .iov_count = 1};
    }
    assert_int_equal(snap_io_transfer(io, requests, 4, &err), SNAP_E_NOSPC);
    assert_non_null(strstr(err.text, "mem: writing 512 bytes at byte 1024"));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(requests[i].sys_errno, i == 2 ? ENOSPC : 0);
    must(snap_io_transfer(io, requests, 4, &err)); /* once only */
    assert_int_equal(io_fault_count(io, IO_FAULT_WRITE), 8);
    assert_int_equal(letter_at(io, 3), 'd');
    assert_int_equal(snap_io_read(io, 0, 512, bytes, &err), SNAP_E_IO);
    assert_int_equal(snap_io_read(io, 0, 512, bytes, &err), SNAP_E_IO);
    assert_int_equal(io_fault_hits(io), 3);
    assert_int_equal(io_fault_first_hit_bytes(io), 1024);
    io_fault_clear(io);
    must(snap_io_read(io, 0, 512, bytes, &err));
    assert_int_equal(io_fault_count(io, IO_FAULT_READ), 4);
    must(snap_io_close(io, NULL));
}

static void test_fault_range(void **state)
{
    struct snap_io *io = io_fault_new(io_mem_new("mem", 8192, 512, true), NULL);
    uint8_t bytes[2048];

    (void)state;
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = 1024,
                                        .length_bytes = 512});
    must(snap_io_read(io, 0, 1024, bytes, NULL));
    must(snap_io_read(io, 1536, 512, bytes, NULL));
    assert_int_equal(snap_io_read(io, 0, 1025, bytes, NULL), SNAP_E_IO);
    assert_int_equal(snap_io_read(io, 1535, 512, bytes, NULL), SNAP_E_IO);
    must(snap_io_write(io, 1024, 512, bytes, NULL));
    must(snap_io_close(io, NULL));
}

static void test_fault_partial_write(void **state)
{
    struct snap_io *io = io_fault_new(io_mem_new("mem", 8192, 512, true), NULL);
    uint8_t bytes[2048];

    (void)state;
    memset(bytes, 'n', sizeof bytes);
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_WRITE, .at = 0, .partial = true, .partial_sectors = 3});
    assert_int_equal(snap_io_write(io, 512, 2048, bytes, NULL), SNAP_E_IO);
    assert_int_equal(letter_at(io, 1), 'n');
    assert_int_equal(letter_at(io, 3), 'n');
    assert_int_equal(letter_at(io, 4), 0);
    must(snap_io_close(io, NULL));
}

static void test_fault_flush_loses_data(void **state)
{
    struct recorder *recorder = recorder_new();
    struct snap_io *devices[] = {
        io_fault_new(io_mem_new("mem", 4096, 512, true), io_mem_drop_unflushed),
        io_fault_new(io_record_new(recorder, "record", NULL, 4096, 512, true), io_record_drop_unflushed),
    };
    struct snap_error err = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct snap_io *io = devices[i];

        io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_FLUSH, .at = 1});
        io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_CLOSE, .at = 0, .sys_errno = ENOSPC});
        write_letter(io, 0, 'a');
        must(snap_io_flush(io, NULL));
        write_letter(io, 0, 'b');
        assert_int_equal(snap_io_flush(io, &err), SNAP_E_IO);
        assert_non_null(strstr(err.text, "flush"));
        assert_int_equal(letter_at(io, 0), 'a');
        must(snap_io_flush(io, NULL)); /* says well, and nothing of it is true: why nobody may retry */
        assert_int_equal(letter_at(io, 0), 'a');
        assert_int_equal(io_fault_count(io, IO_FAULT_FLUSH), 3);
        assert_int_equal(snap_io_close(io, &err), SNAP_E_NOSPC);
    }
    recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_mem_read_only),
        cmocka_unit_test(test_mem_drop),
        cmocka_unit_test(test_log_has_one_order),
        cmocka_unit_test(test_crash_images),
        cmocka_unit_test(test_flush_and_drop),
        cmocka_unit_test(test_callback_and_clones),
        cmocka_unit_test(test_fault_at),
        cmocka_unit_test(test_fault_range),
        cmocka_unit_test(test_fault_partial_write),
        cmocka_unit_test(test_fault_flush_loses_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
