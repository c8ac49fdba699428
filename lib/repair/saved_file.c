/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of old bytes as bytes: a header sector, then each edit. */
#include "lib/repair/saved.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* dmsnap-store(5), FILE OF OLD BYTES. */
#define MAGIC "dmsnapOB"
#define VERSION 1u
#define HEADER_BYTES 512u
#define AT_VERSION 8u
#define AT_HEADER_CRC 12u
#define AT_BODY_CRC 16u
#define AT_REST_CRC 20u
#define AT_UNIT_BYTES 24u
#define AT_CHUNK_SECTORS 28u
#define AT_EDITS 32u
#define AT_COW_BYTES 40u
#define AT_AREAS 48u
#define EDIT_HEAD_BYTES 16u /* offset, flags; the unit before and after follow */
#define EDIT_FLUSH 1u

static enum snap_status write_all(int fd, const char *name, const uint8_t *bytes, size_t length_bytes,
                                  struct snap_error *err)
{
    while (length_bytes > 0) {
        const ssize_t written = write(fd, bytes, length_bytes);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return snap_fail_errno(err, written < 0 ? errno : EIO, "%s: cannot write", name);
        bytes += written;
        length_bytes -= (size_t)written;
    }
    return SNAP_OK;
}

static void encode_head(const struct snap_edit *edit, uint8_t head[EDIT_HEAD_BYTES])
{
    snap_put_le64(head, edit->offset_bytes);
    snap_put_le64(head + 8, edit->flush ? EDIT_FLUSH : 0);
}

static uint32_t body_crc(const struct snap_edits *edits)
{
    uint8_t head[EDIT_HEAD_BYTES];
    uint32_t crc32c = 0;

    for (size_t i = 0; i < edits->count; i++) {
        encode_head(&edits->items[i], head);
        crc32c = snap_crc32c_add(crc32c, head, sizeof head);
        crc32c = snap_crc32c_add(crc32c, edits->items[i].before, edits->unit_bytes);
        crc32c = snap_crc32c_add(crc32c, edits->items[i].after, edits->unit_bytes);
    }
    return crc32c;
}

enum snap_status snap_saved_write(const struct snap_saved *saved, int fd, const char *name, struct snap_error *err)
{
    const struct snap_edits *edits = &saved->edits;
    uint8_t header[HEADER_BYTES] = {0}, head[EDIT_HEAD_BYTES];
    enum snap_status status;

    memcpy(header, MAGIC, strlen(MAGIC));
    snap_put_le32(header + AT_VERSION, VERSION);
    snap_put_le32(header + AT_BODY_CRC, body_crc(edits));
    snap_put_le32(header + AT_REST_CRC, saved->rest_crc32c);
    snap_put_le32(header + AT_UNIT_BYTES, (uint32_t)edits->unit_bytes);
    snap_put_le32(header + AT_CHUNK_SECTORS, saved->chunk_sectors);
    snap_put_le64(header + AT_EDITS, edits->count);
    snap_put_le64(header + AT_COW_BYTES, saved->cow_bytes);
    snap_put_le64(header + AT_AREAS, saved->areas);
    snap_put_le32(header + AT_HEADER_CRC, snap_crc32c(header, sizeof header));
    status = write_all(fd, name, header, sizeof header, err);
    for (size_t i = 0; status == SNAP_OK && i < edits->count; i++) {
        encode_head(&edits->items[i], head);
        status = write_all(fd, name, head, sizeof head, err);
        if (status == SNAP_OK)
            status = write_all(fd, name, edits->items[i].before, (size_t)edits->unit_bytes, err);
        if (status == SNAP_OK)
            status = write_all(fd, name, edits->items[i].after, (size_t)edits->unit_bytes, err);
    }
    return status;
}

/*
 * ---- reading ---------------------------------------------------------------------------------------------------
 */

static enum snap_status fail_damaged(const char *name, struct snap_error *err)
{
    return snap_fail(err, SNAP_E_REFUSED, "%s: it is damaged, or was cut off: nothing of it is put back", name);
}

static enum snap_status read_all(int fd, const char *name, uint64_t offset_bytes, uint8_t *bytes, size_t length_bytes,
                                 struct snap_error *err)
{
    while (length_bytes > 0) {
        const ssize_t got = pread(fd, bytes, length_bytes, (off_t)offset_bytes);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return snap_fail_errno(err, errno, "%s: cannot read", name);
        if (got == 0)
            return fail_damaged(name, err);
        bytes += got;
        offset_bytes += (uint64_t)got;
        length_bytes -= (size_t)got;
    }
    return SNAP_OK;
}

/* The numbers in front of the edits; nothing is allocated by one that was not checked. */
static enum snap_status take_header(struct snap_saved *saved, uint8_t header[HEADER_BYTES], const char *name,
                                    struct snap_io *cow, uint64_t *count, struct snap_error *err)
{
    const uint32_t crc32c = snap_get_le32(header + AT_HEADER_CRC), unit_bytes = snap_get_le32(header + AT_UNIT_BYTES);
    struct snap_layout layout;
    enum snap_status status;

    if (memcmp(header, MAGIC, strlen(MAGIC)) != 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is no file of old bytes", name);
    if (snap_get_le32(header + AT_VERSION) != VERSION)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it was written by a newer version", name);
    snap_put_le32(header + AT_HEADER_CRC, 0);
    if (snap_crc32c(header, HEADER_BYTES) != crc32c)
        return fail_damaged(name, err);
    saved->cow_bytes = snap_get_le64(header + AT_COW_BYTES);
    saved->areas = snap_get_le64(header + AT_AREAS);
    saved->chunk_sectors = snap_get_le32(header + AT_CHUNK_SECTORS);
    saved->rest_crc32c = snap_get_le32(header + AT_REST_CRC);
    *count = snap_get_le64(header + AT_EDITS);
    if (saved->cow_bytes != cow->size_bytes)
        return snap_fail(err, SNAP_E_REFUSED, "%s: its old bytes are of another store, or of this one when it had "
                         "another size (%s)", cow->name, name);
    status = snap_layout_init(&layout, saved->chunk_sectors, saved->cow_bytes / SNAP_SECTOR_BYTES, err);
    if (status != SNAP_OK || saved->areas > snap_layout_areas_on_device(&layout) ||
        !snap_is_pow2(unit_bytes) || unit_bytes < SNAP_SECTOR_BYTES || unit_bytes > layout.chunk_bytes ||
        unit_bytes > SNAP_SAVED_UNIT_BYTES_MAX || *count == 0 || *count > SNAP_EDITS_BYTES_MAX / 2 / unit_bytes)
        return fail_damaged(name, err);
    snap_edits_init(&saved->edits, cow, unit_bytes);
    return SNAP_OK;
}

static enum snap_status take_edit(struct snap_edits *edits, int fd, const char *name, uint64_t *at_bytes,
                                  struct snap_error *err)
{
    uint8_t head[EDIT_HEAD_BYTES];
    struct snap_edit *edit = &edits->items[edits->count];
    enum snap_status status = read_all(fd, name, *at_bytes, head, sizeof head, err);

    if (status != SNAP_OK)
        return status;
    edit->offset_bytes = snap_get_le64(head);
    edit->flush = snap_get_le64(head + 8) == EDIT_FLUSH;
    edit->before = snap_buffer_new(edits->unit_bytes);
    edit->after = snap_buffer_new(edits->unit_bytes);
    edits->count++;
    if (!edit->before || !edit->after)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory to read it", name);
    if (snap_get_le64(head + 8) > EDIT_FLUSH || edit->offset_bytes % edits->unit_bytes != 0 ||
        !snap_range_fits(edit->offset_bytes, edits->unit_bytes, edits->io->size_bytes))
        return fail_damaged(name, err);
    status = read_all(fd, name, *at_bytes + sizeof head, edit->before, (size_t)edits->unit_bytes, err);
    *at_bytes += sizeof head + 2 * edits->unit_bytes;
    if (status == SNAP_OK)
        status = read_all(fd, name, *at_bytes - edits->unit_bytes, edit->after, (size_t)edits->unit_bytes, err);
    return status;
}

enum snap_status snap_saved_read(struct snap_saved *saved, int fd, const char *name, struct snap_io *cow,
                                 struct snap_error *err)
{
    uint8_t header[HEADER_BYTES];
    uint64_t count = 0, at_bytes = sizeof header;
    enum snap_status status = read_all(fd, name, 0, header, sizeof header, err);
    const uint32_t crc32c = status == SNAP_OK ? snap_get_le32(header + AT_BODY_CRC) : 0;

    *saved = (struct snap_saved){.edits = {.io = cow}};
    if (status == SNAP_OK)
        status = take_header(saved, header, name, cow, &count, err);
    if (status != SNAP_OK)
        return status;
    saved->edits.items = calloc((size_t)count, sizeof *saved->edits.items);
    saved->edits.room = (size_t)count;
    if (!saved->edits.items)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory to read it", name);
    while (status == SNAP_OK && saved->edits.count < count)
        status = take_edit(&saved->edits, fd, name, &at_bytes, err);
    if (status == SNAP_OK && body_crc(&saved->edits) != crc32c)
        status = fail_damaged(name, err);
    return status;
}
