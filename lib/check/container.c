/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the first sector with the marks of image formats and of packed files. */
#include "lib/check/container.h"

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

#include <string.h>

struct mark {
    struct snap_container container;
    size_t offset_bytes, length_bytes;
    const char *bytes;
};

static const struct mark marks[] = {
    {{"qcow2", true, false}, 0, 4, "QFI\xfb"},
    {{"QED", true, false}, 0, 4, "QED\0"},
    {{"VMDK", true, false}, 0, 4, "KDMV"},
    {{"VMDK", true, false}, 0, 21, "# Disk DescriptorFile"},
    {{"VHDX", true, false}, 0, 8, "vhdxfile"},
    {{"VHD", true, false}, 0, 8, "conectix"},
    {{"VDI", true, false}, 64, 4, "\x7f\x10\xda\xbe"},
    {{"zstd", false, false}, 0, 4, "\x28\xb5\x2f\xfd"},
    {{"lz4", false, false}, 0, 4, "\x04\x22\x4d\x18"},
    {{"xz", false, false}, 0, 6, "\xfd" "7zXZ\0"},
    {{"7-Zip", false, false}, 0, 6, "7z\xbc\xaf\x27\x1c"},
    {{"zip", false, false}, 0, 4, "PK\3\4"},
    {{"bzip2", false, true}, 0, 3, "BZh"},
    {{"gzip", false, true}, 0, 3, "\x1f\x8b\x08"},
};

enum snap_status snap_container_find(struct snap_io *io, const struct snap_container **container,
                                     struct snap_error *err)
{
    uint8_t *first;
    enum snap_status status;

    *container = NULL;
    if (io->size_bytes < SNAP_SECTOR_BYTES)
        return SNAP_OK;
    first = snap_buffer_new(SNAP_SECTOR_BYTES);
    if (!first)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    status = snap_io_read(io, 0, SNAP_SECTOR_BYTES, first, err);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && status == SNAP_OK && !*container; i++)
        if (memcmp(first + marks[i].offset_bytes, marks[i].bytes, marks[i].length_bytes) == 0)
            *container = &marks[i].container;
    snap_buffer_free(first);
    return status;
}

enum snap_status snap_container_of_origin(struct snap_io *io, bool block_device,
                                          const struct snap_container **container, struct snap_error *err)
{
    const enum snap_status status = snap_container_find(io, container, err);

    if (*container && (*container)->short_magic && block_device)
        *container = NULL;
    return status;
}
