/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that image formats and packed files are known by their first bytes, and that nothing else is taken for one. */
#include "lib/check/container.h"
#include "tests/support/io_mem.h"
#include "tests/unit/unit.h"

#include <string.h>

#define SIZE_BYTES 4096u

static const struct snap_container *find(struct snap_io *io)
{
    const struct snap_container *container = (const void *)io; /* is set in every case */
    struct snap_error err = {.text = ""};

    assert_ok(snap_container_find(io, &container, &err), &err);
    return container;
}

/* The bytes at this place of a device that is blank otherwise; and the same without the last of them. */
static void assert_known(size_t offset_bytes, const char *bytes, size_t length_bytes, const char *name, bool image,
                         bool short_magic)
{
    struct snap_io *io = io_mem_new("file", SIZE_BYTES, 512, true);
    const struct snap_container *container;
    struct snap_error err = {.text = ""};

    memcpy(io_mem_bytes(io) + offset_bytes, bytes, length_bytes);
    container = find(io);
    assert_non_null(container);
    assert_string_equal(container->name, name);
    assert_int_equal(container->image, image);
    assert_int_equal(container->short_magic, short_magic);
    io_mem_bytes(io)[offset_bytes + length_bytes - 1] ^= 1;
    assert_null(find(io));
    assert_ok(snap_io_close(io, &err), &err);
}

static void each_format_is_known(void **state)
{
    (void)state;
    assert_known(0, "QFI\xfb", 4, "qcow2", true, false);
    assert_known(0, "QED\0", 4, "QED", true, false);
    assert_known(0, "KDMV", 4, "VMDK", true, false);
    assert_known(0, "# Disk DescriptorFile", 21, "VMDK", true, false);
    assert_known(0, "vhdxfile", 8, "VHDX", true, false);
    assert_known(0, "conectix", 8, "VHD", true, false);
    assert_known(64, "\x7f\x10\xda\xbe", 4, "VDI", true, false);
    assert_known(0, "\x28\xb5\x2f\xfd", 4, "zstd", false, false);
    assert_known(0, "\x04\x22\x4d\x18", 4, "lz4", false, false);
    assert_known(0, "\xfd" "7zXZ\0", 6, "xz", false, false);
    assert_known(0, "7z\xbc\xaf\x27\x1c", 6, "7-Zip", false, false);
    assert_known(0, "PK\3\4", 4, "zip", false, false);
    assert_known(0, "BZh", 3, "bzip2", false, true);
    assert_known(0, "\x1f\x8b\x08", 3, "gzip", false, true);
}

static void blank_and_tiny_ones_are_none(void **state)
{
    struct snap_io *blank = io_mem_new("file", SIZE_BYTES, 512, true), *tiny = io_mem_new("file", 511, 1, true);
    struct snap_error err = {.text = ""};

    (void)state;
    assert_null(find(blank));
    memcpy(io_mem_bytes(tiny), "QFI\xfb", 4);
    assert_null(find(tiny));
    assert_ok(snap_io_close(blank, &err), &err);
    assert_ok(snap_io_close(tiny, &err), &err);
}

static void a_short_magic_on_a_block_device_is_no_container(void **state)
{
    struct snap_io *io = io_mem_new("origin", SIZE_BYTES, 512, true);
    const struct snap_container *container;
    struct snap_error err = {.text = ""};

    (void)state;
    memcpy(io_mem_bytes(io), "\x1f\x8b\x08", 3);
    assert_ok(snap_container_of_origin(io, false, &container, &err), &err);
    assert_string_equal(container->name, "gzip");
    assert_ok(snap_container_of_origin(io, true, &container, &err), &err);
    assert_null(container);
    memcpy(io_mem_bytes(io), "QFI\xfb", 4);
    assert_ok(snap_container_of_origin(io, true, &container, &err), &err);
    assert_string_equal(container->name, "qcow2");
    assert_ok(snap_io_close(io, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_known),
        cmocka_unit_test(blank_and_tiny_ones_are_none),
        cmocka_unit_test(a_short_magic_on_a_block_device_is_no_container),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
