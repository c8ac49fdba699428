/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads signatures and partition tables through libblkid, from descriptors and from memory files. */
#include "lib/device/probe.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/child.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What a memory file holds of the device. The head takes in the last copy of a LUKS2 header (4 MiB) and with it
 * btrfs, reiserfs, iso9660, UDF, VMFS; the tail takes in RAID superblocks (up to 1.6 MiB before the end), the last
 * two ZFS labels and the backup GPT.
 */
#define HEAD_BYTES ((4u << 20) + (64u << 10))
#define TAIL_BYTES (2u << 20)
#define PIECE_BYTES (1u << 20)
#define PAGE_BYTES 4096u

/*
 * libblkid takes no partition table that does not fit the size of its disk. So the memory file is as large as a disk
 * can be, or as a file of a 32-bit system can be.
 */
#define DISK_BYTES (LONG_MAX > INT32_MAX ? INT64_C(1) << 60 : INT64_C(1) << 43)

/* Since libblkid 2.39 */
#ifdef BLKID_SUBLKS_FSINFO
#define FS_SIZE_FLAG BLKID_SUBLKS_FSINFO
#else
#define FS_SIZE_FLAG 0
#endif

static void copy_value(blkid_probe prober, const char *name, char *out, size_t out_bytes)
{
    const char *value;

    if (blkid_probe_lookup_value(prober, name, &value, NULL) == 0)
        (void)snprintf(out, out_bytes, "%s", value);
}

static void copy_values(blkid_probe prober, struct snap_probe *probe)
{
    char offset[24] = "";

    copy_value(prober, "TYPE", probe->type, sizeof probe->type);
    copy_value(prober, "USAGE", probe->usage, sizeof probe->usage);
    copy_value(prober, "UUID", probe->uuid, sizeof probe->uuid);
    copy_value(prober, "UUID_SUB", probe->uuid_sub, sizeof probe->uuid_sub);
    copy_value(prober, "LABEL", probe->label, sizeof probe->label);
    copy_value(prober, "PTUUID", probe->ptuuid, sizeof probe->ptuuid);
    copy_value(prober, "PTTYPE", probe->pttype, sizeof probe->pttype);
    copy_value(prober, probe->type[0] ? "SBMAGIC_OFFSET" : "PTMAGIC_OFFSET", offset, sizeof offset);
    probe->signature_offset_bytes = strtoull(offset, NULL, 10); /* an empty text is 0 */
}

/*
 * The safe probe says that there are several signatures with -2, since libblkid 2.41 with -1, which it also gives where
 * reading failed; errno tells the two apart. Then the full probe gives the first one that libblkid knows. It is also
 * asked where nothing was seen: the safe probe of libblkid 2.42 leaves out the second header of LUKS2.
 */
static int probe_safely(blkid_probe prober, bool *ambivalent)
{
    int rc;

    errno = 0;
    rc = blkid_do_safeprobe(prober);
    *ambivalent = rc == -2 || (rc < 0 && errno != EIO && errno != ENOMEM);
    return *ambivalent || rc == 1 ? blkid_do_fullprobe(prober) : rc;
}

/* In a process of its own: what libblkid reads was written by others. */
static enum snap_status look_for_signatures(int fd, void *answer, struct snap_error *err)
{
    struct snap_probe *probe = answer;
    enum snap_status status = SNAP_OK;
    blkid_probe prober = blkid_new_probe();
    int rc;

    if (!prober)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to look for signatures");
    errno = 0;
    if (blkid_probe_set_device(prober, fd, 0, 0) != 0 || blkid_probe_enable_superblocks(prober, 1) != 0 ||
        blkid_probe_set_superblocks_flags(prober, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE |
                                          BLKID_SUBLKS_USAGE | BLKID_SUBLKS_MAGIC) != 0 ||
        blkid_probe_enable_partitions(prober, 1) != 0 ||
        blkid_probe_set_partitions_flags(prober, BLKID_PARTS_MAGIC) != 0) {
        status = snap_fail_errno(err, errno ? errno : EIO, "cannot look for signatures");
        goto out;
    }
    rc = probe_safely(prober, &probe->ambivalent);
    if (rc < 0)
        status = snap_fail_errno(err, errno ? errno : EIO, "reading failed while looking for signatures");
    else if (rc == 0)
        copy_values(prober, probe);
out:
    blkid_free_probe(prober);
    return status;
}

/* The texts come from a process that nobody can vouch for. */
static void end_texts(struct snap_probe *probe)
{
    probe->type[sizeof probe->type - 1] = '\0';
    probe->usage[sizeof probe->usage - 1] = '\0';
    probe->uuid[sizeof probe->uuid - 1] = '\0';
    probe->uuid_sub[sizeof probe->uuid_sub - 1] = '\0';
    probe->label[sizeof probe->label - 1] = '\0';
    probe->ptuuid[sizeof probe->ptuuid - 1] = '\0';
    probe->pttype[sizeof probe->pttype - 1] = '\0';
}

enum snap_status snap_probe_outside(int fd, struct snap_probe *probe, struct snap_error *err)
{
    struct snap_child_work work = {
        .work = look_for_signatures, .fd = fd, .answer = probe, .answer_bytes = sizeof *probe};
    struct snap_error reason;
    enum snap_status status;
    struct stat st;

    memset(probe, 0, sizeof *probe);
    if (fstat(fd, &st) != 0)
        return snap_fail_errno(err, errno, "cannot look for signatures");
    work.may_open = S_ISBLK(st.st_mode); /* sysfs tells what LVM keeps inside of a volume */
    status = snap_child_run(&work, &reason);
    end_texts(probe);
    if (status == SNAP_E_UNSUPPORTED) {
        probe->unknown = true;
        return SNAP_OK;
    }
    if (status != SNAP_OK && err)
        *err = reason;
    return status;
}

/* Copies [offset, offset + length), as far as it lies on the device, into the memory file. */
static enum snap_status copy_range(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes, int memory_fd,
                                   uint64_t offset_bytes, uint64_t length_bytes, uint8_t *buffer,
                                   struct snap_error *err)
{
    uint64_t end_bytes;

    if (!snap_add(offset_bytes, length_bytes, &end_bytes) || end_bytes > size_bytes)
        end_bytes = size_bytes;
    while (offset_bytes < end_bytes) {
        uint64_t piece_bytes = snap_min(end_bytes - offset_bytes, PIECE_BYTES);
        enum snap_status status = read_fn(context, offset_bytes, piece_bytes, buffer, err);
        uint64_t done_bytes = 0;

        if (status != SNAP_OK)
            return status;
        while (done_bytes < piece_bytes) {
            ssize_t put = pwrite(memory_fd, buffer + done_bytes, (size_t)(piece_bytes - done_bytes),
                                 (off_t)(offset_bytes + done_bytes));

            if (put < 0 && errno == EINTR)
                continue;
            if (put <= 0)
                return snap_fail_errno(err, put ? errno : ENOSPC, "writing a memory file failed");
            done_bytes += (uint64_t)put;
        }
        offset_bytes += piece_bytes;
    }
    return SNAP_OK;
}

/*
 * libblkid takes a boot sector for NTFS only if it finds the master file table where that sector says. False where
 * this is no NTFS boot sector; else where the table begins.
 */
static bool ntfs_table_offset(const uint8_t boot[512], uint64_t *offset_bytes)
{
    uint64_t sectors_per_cluster = boot[13];

    if (memcmp(boot + 3, "NTFS    ", 8) != 0)
        return false;
    if (sectors_per_cluster > 128) /* a negative power of two */
        sectors_per_cluster = UINT64_C(1) << ((256 - sectors_per_cluster) & 31);
    return snap_mul(sectors_per_cluster, snap_get_le16(boot + 11), offset_bytes) &&
           snap_mul(*offset_bytes, snap_get_le64(boot + 48), offset_bytes);
}

static enum snap_status fill_memory(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes, int memory_fd,
                                    uint8_t *buffer, struct snap_error *err)
{
    uint64_t head_bytes = snap_min(size_bytes, HEAD_BYTES);
    uint64_t tail_offset = size_bytes > TAIL_BYTES ? snap_round_down(size_bytes - TAIL_BYTES, PAGE_BYTES) : 0;
    uint64_t table_offset;
    enum snap_status status;

    status = copy_range(read_fn, context, size_bytes, memory_fd, 0, head_bytes, buffer, err);
    if (status != SNAP_OK)
        return status;
    tail_offset = snap_max(tail_offset, head_bytes);
    status = copy_range(read_fn, context, size_bytes, memory_fd, tail_offset, size_bytes - tail_offset, buffer,
                        err);
    if (status != SNAP_OK || size_bytes < 512)
        return status;
    if (pread(memory_fd, buffer, 512, 0) != 512)
        return snap_fail_errno(err, EIO, "reading a memory file failed");
    if (!ntfs_table_offset(buffer, &table_offset))
        return SNAP_OK;
    /* The record that names the volume is the fourth; 64 KiB hold it whatever its size. */
    return copy_range(read_fn, context, size_bytes, memory_fd, snap_round_down(table_offset, PAGE_BYTES),
                      64u << 10, buffer, err);
}

/* A file of `shown_bytes` in memory, with what libblkid looks at of a device of `size_bytes`; holes are zeros. */
static enum snap_status memory_file(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes,
                                    int64_t shown_bytes, int *memory_fd, struct snap_error *err)
{
    enum snap_status status;
    uint8_t *buffer;
    const int fd = memfd_create("signatures", MFD_CLOEXEC);

    if (fd < 0)
        return snap_fail_errno(err, errno, "cannot make a memory file");
    buffer = snap_buffer_new(PIECE_BYTES);
    if (!buffer)
        status = snap_fail(err, SNAP_E_NOMEM, "no memory to look for signatures");
    else if (ftruncate(fd, (off_t)shown_bytes) != 0)
        status = snap_fail_errno(err, errno, "cannot look for signatures in a memory file of %" PRId64 " bytes",
                                 shown_bytes);
    else
        status = fill_memory(read_fn, context, size_bytes, fd, buffer, err);
    snap_buffer_free(buffer);
    *memory_fd = fd;
    if (status != SNAP_OK)
        (void)close(fd);
    return status;
}

enum snap_status snap_probe_reader(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes,
                                   struct snap_probe *probe, struct snap_error *err)
{
    enum snap_status status;
    int memory_fd;

    memset(probe, 0, sizeof *probe);
    if (size_bytes > INT64_MAX)
        return snap_fail(err, SNAP_E_USAGE, "a device of %" PRIu64 " bytes is larger than a file can be",
                         size_bytes);
    status = memory_file(read_fn, context, size_bytes, (int64_t)size_bytes, &memory_fd, err);
    if (status != SNAP_OK)
        return status;
    status = snap_probe_outside(memory_fd, probe, err);
    (void)close(memory_fd); /* nothing of it is kept */
    return status;
}

enum snap_status snap_probe_read_io(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                    struct snap_error *err)
{
    return snap_io_read(context, offset_bytes, length_bytes, buffer, err);
}

enum snap_status snap_probe_io(struct snap_io *io, struct snap_probe *probe, struct snap_error *err)
{
    return snap_probe_reader(snap_probe_read_io, io, io->size_bytes, probe, err);
}

/* Of other file systems one may be on several devices, or libblkid tells less than all of it. */
static bool is_on_one_device(const char *type)
{
    return strcmp(type, "xfs") == 0 || strcmp(type, "ext2") == 0 || strcmp(type, "ext3") == 0 ||
           strcmp(type, "ext4") == 0;
}

static uint64_t file_system_bytes(blkid_probe prober)
{
    char blocks[24] = "", block_bytes[24] = "";
    uint64_t bytes;

    copy_value(prober, "FSLASTBLOCK", blocks, sizeof blocks); /* their number, in spite of its name */
    copy_value(prober, "FSBLOCKSIZE", block_bytes, sizeof block_bytes);
    return snap_mul(strtoull(blocks, NULL, 10), strtoull(block_bytes, NULL, 10), &bytes) ? bytes : 0;
}

static uint64_t partitions_bytes(blkid_probe prober)
{
    blkid_partlist list = blkid_probe_get_partitions(prober);
    uint64_t end_bytes = 0, bytes;

    for (int i = 0; list && i < blkid_partlist_numof_partitions(list); i++) {
        blkid_partition partition = blkid_partlist_get_partition(list, i);
        const uint64_t start = (uint64_t)blkid_partition_get_start(partition);

        if (snap_add(start, (uint64_t)blkid_partition_get_size(partition), &bytes) &&
            snap_mul(bytes, SNAP_SECTOR_BYTES, &bytes))
            end_bytes = snap_max(end_bytes, bytes);
    }
    return end_bytes;
}

static enum snap_status look_for_ends(int fd, void *answer, struct snap_error *err)
{
    struct snap_probe_ends *ends = answer;
    blkid_probe prober = blkid_new_probe();
    char type[32] = "";

    if (!prober)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to look for the size of a file system");
    if (blkid_probe_set_device(prober, fd, 0, 0) == 0 && blkid_probe_enable_superblocks(prober, 1) == 0 &&
        blkid_probe_set_superblocks_flags(prober, BLKID_SUBLKS_TYPE | FS_SIZE_FLAG) == 0 &&
        blkid_do_safeprobe(prober) >= 0) {
        copy_value(prober, "TYPE", type, sizeof type);
        if (is_on_one_device(type))
            ends->file_system_bytes = file_system_bytes(prober);
        else if (type[0] == '\0')
            ends->partitions_bytes = partitions_bytes(prober);
    }
    blkid_free_probe(prober);
    return SNAP_OK;
}

enum snap_status snap_probe_find_ends(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes,
                                      struct snap_probe_ends *ends, struct snap_error *err)
{
    struct snap_child_work work = {.work = look_for_ends, .answer = ends, .answer_bytes = sizeof *ends};
    struct snap_error reason;
    enum snap_status status;

    memset(ends, 0, sizeof *ends);
    status = memory_file(read_fn, context, snap_min(size_bytes, HEAD_BYTES), DISK_BYTES, &work.fd, err);
    if (status != SNAP_OK)
        return status;
    status = snap_child_run(&work, &reason);
    (void)close(work.fd); /* nothing of it is kept */
    if (status != SNAP_OK && status != SNAP_E_UNSUPPORTED && err)
        *err = reason;
    return status == SNAP_E_UNSUPPORTED ? SNAP_OK : status;
}

static enum snap_status look_for_partition(int fd, void *answer, struct snap_error *err)
{
    struct snap_probe_partition *partition = answer;
    enum snap_status status = SNAP_OK;
    blkid_probe prober = blkid_new_probe();
    int rc;

    if (!prober)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to look for a partition table");
    errno = 0;
    if (blkid_probe_set_device(prober, fd, 0, 0) != 0 || blkid_probe_enable_superblocks(prober, 0) != 0 ||
        blkid_probe_enable_partitions(prober, 1) != 0 ||
        blkid_probe_set_partitions_flags(prober, BLKID_PARTS_ENTRY_DETAILS) != 0) {
        status = snap_fail_errno(err, errno ? errno : EIO, "cannot look for a partition table");
        goto out;
    }
    rc = blkid_do_fullprobe(prober);
    if (rc < 0) {
        status = snap_fail_errno(err, errno ? errno : EIO, "reading failed while looking for a partition table");
    } else if (rc == 0) {
        copy_value(prober, "PART_ENTRY_UUID", partition->uuid, sizeof partition->uuid);
        copy_value(prober, "PART_ENTRY_NAME", partition->label, sizeof partition->label);
    }
out:
    blkid_free_probe(prober);
    return status;
}

enum snap_status snap_probe_partition(int fd, struct snap_probe_partition *partition, struct snap_error *err)
{
    const struct snap_child_work work = {
        .work = look_for_partition,
        .fd = fd,
        .may_open = true, /* the whole disk */
        .answer = partition,
        .answer_bytes = sizeof *partition,
    };
    enum snap_status status = snap_child_run(&work, err);

    partition->uuid[sizeof partition->uuid - 1] = '\0';
    partition->label[sizeof partition->label - 1] = '\0';
    return status;
}

char *snap_probe_node(dev_t number)
{
    return blkid_devno_to_devname(number);
}

dev_t snap_probe_disk(dev_t number)
{
    dev_t disk_number;

    return blkid_devno_to_wholedisk(number, NULL, 0, &disk_number) == 0 ? disk_number : number;
}
