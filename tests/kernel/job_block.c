/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs on the content of devices and images: write patterns, copy, checksum and compare. */
#include "tests/kernel/job.h"
#include "tests/kernel/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (1u << 20)

static unsigned char buffer[BUFFER_BYTES] __attribute__((aligned(4096)));
static unsigned char other_buffer[BUFFER_BYTES] __attribute__((aligned(4096)));

struct target {
    int fd;
    const char *path;
    uint64_t size_bytes;
    bool block_device;
};

/* Block devices are opened for direct I/O: no page cache may hide or delay what the kernel's target does. */
static bool target_open(const char *path, int flags, struct target *target, struct job_result *result)
{
    struct stat status;

    target->path = path;
    if (stat(path, &status) < 0) {
        result_error(result, errno, "%s", path);
        return false;
    }
    target->block_device = S_ISBLK(status.st_mode);
    target->size_bytes = (uint64_t)status.st_size;
    target->fd = open(path, flags | O_CLOEXEC | (target->block_device ? O_DIRECT : 0));
    if (target->fd < 0) {
        result_error(result, errno, "%s: open", path);
        return false;
    }
    if (target->block_device && ioctl(target->fd, BLKGETSIZE64, &target->size_bytes) < 0) {
        result_error(result, errno, "%s: size", path);
        (void)close(target->fd);
        return false;
    }
    return true;
}

static bool job_target(const struct job *job, const char *key, int flags, struct target *target,
                       struct job_result *result)
{
    const char *path;

    return job_need(job, key, &path, result) && target_open(path, flags, target, result);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* One read or write of exactly this range; 0 or an errno. */
static int transfer_all(bool writing, int fd, uint64_t offset_bytes, size_t length_bytes, unsigned char *data)
{
    size_t done = 0;

    while (done < length_bytes) {
        off_t position = (off_t)(offset_bytes + done);
        ssize_t count = writing ? pwrite(fd, data + done, length_bytes - done, position)
                                : pread(fd, data + done, length_bytes - done, position);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? errno : EIO;
        done += (size_t)count;
    }
    return 0;
}

/* What write, write-random and fill have in common. */
struct series {
    struct target target;
    uint64_t seed;
    uint64_t offset_bytes;
    uint64_t length_bytes;
    uint64_t block_bytes;
};

static bool series_open(const struct job *job, struct series *series, struct job_result *result)
{
    struct target *target = &series->target;

    if (!job_number(job, "seed", 1, &series->seed, result) ||
        !job_number(job, "offset", 0, &series->offset_bytes, result) ||
        !job_number(job, "block", 4096, &series->block_bytes, result) ||
        !job_target(job, "dev", O_RDWR, target, result))
        return false;
    if (job_number(job, "length", 0, &series->length_bytes, result)) {
        if (!job_text(job, "length") && series->offset_bytes < target->size_bytes)
            series->length_bytes = target->size_bytes - series->offset_bytes;
        if (series->block_bytes > 0 && series->block_bytes <= BUFFER_BYTES && series->length_bytes > 0)
            return true;
        result_error(result, EINVAL, "%s: nothing to write, or blocks of %" PRIu64 " bytes", job->verb,
                     series->block_bytes);
    }
    (void)close(target->fd);
    return false;
}

/* The block number `index` of the range, clipped at the range's end. */
static int series_write(const struct series *series, uint64_t index)
{
    uint64_t start_bytes = index * series->block_bytes;
    size_t length_bytes = (size_t)smaller(series->block_bytes, series->length_bytes - start_bytes);

    pattern_fill(series->seed, series->offset_bytes + start_bytes, length_bytes, buffer);
    return transfer_all(true, series->target.fd, series->offset_bytes + start_bytes, length_bytes, buffer);
}

static uint64_t series_blocks(const struct series *series)
{
    return series->length_bytes / series->block_bytes + (series->length_bytes % series->block_bytes != 0);
}

static void series_close(const struct series *series, struct job_result *result)
{
    if (close(series->target.fd) < 0 && !result->failed)
        result_error(result, errno, "%s: close", series->target.path);
}

void job_write(const struct job *job, struct job_result *result)
{
    struct series series;
    int number = 0;
    uint64_t index;

    if (!series_open(job, &series, result))
        return;
    for (index = 0; index < series_blocks(&series) && number == 0; index++)
        number = series_write(&series, index);
    if (number == 0)
        result_ok(result, "%" PRIu64 " writes", index);
    else
        result_error(result, number, "%s: write at %" PRIu64 " after %" PRIu64 " writes", series.target.path,
                     series.offset_bytes + (index - 1) * series.block_bytes, index - 1);
    series_close(&series, result);
}

void job_write_random(const struct job *job, struct job_result *result)
{
    struct series series;
    uint64_t count;
    uint64_t turn;
    int number = 0;

    if (!job_number(job, "count", 1, &count, result) || !series_open(job, &series, result))
        return;
    for (turn = 0; turn < count && number == 0; turn++)
        number = series_write(&series, pattern_place(series.seed, turn, series_blocks(&series)));
    if (number == 0)
        result_ok(result, "%" PRIu64 " writes", turn);
    else
        result_error(result, number, "%s: write failed after %" PRIu64 " writes", series.target.path, turn - 1);
    series_close(&series, result);
}

/* Success is to know how far it went: the error that a full store gives is the answer, not a failure. */
void job_fill(const struct job *job, struct job_result *result)
{
    struct series series;
    int number = 0;
    uint64_t index = 0;

    if (!series_open(job, &series, result))
        return;
    while (index < series_blocks(&series) && (number = series_write(&series, index)) == 0)
        index++;
    if (number == 0)
        result_ok(result, "%" PRIu64 " writes, end", index);
    else
        result_ok(result, "%" PRIu64 " writes, error %d", index, number);
    series_close(&series, result);
}

/* A file is made, or cut to the new length; a device keeps what lies behind. */
static int copy_open(const char *path, bool *block_device)
{
    struct stat status;
    int fd;

    *block_device = stat(path, &status) == 0 && S_ISBLK(status.st_mode);
    fd = *block_device ? open(path, O_WRONLY | O_CLOEXEC | O_DIRECT)
                       : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd;
}

/* 0 or an errno. */
static int copy_content(const struct target *source, int fd, bool to_device)
{
    int number = 0;

    for (uint64_t done = 0; number == 0 && done < source->size_bytes; done += BUFFER_BYTES) {
        size_t length_bytes = (size_t)smaller(BUFFER_BYTES, source->size_bytes - done);
        /* The odd end of a file is padded with zeros: a device takes whole sectors. */
        size_t write_bytes = to_device ? (length_bytes + 511) / 512 * 512 : length_bytes;

        memset(buffer + length_bytes, 0, write_bytes - length_bytes);
        number = transfer_all(false, source->fd, done, length_bytes, buffer);
        if (number == 0)
            number = transfer_all(true, fd, done, write_bytes, buffer);
    }
    /* Hand it to the host now, so that a crash later on cannot take it away. */
    if (number == 0 && !to_device &&
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) < 0)
        number = errno;
    return number;
}

void job_copy(const struct job *job, struct job_result *result)
{
    struct target source;
    bool to_device;
    const char *path;
    int number;
    int fd;

    if (!job_need(job, "to", &path, result) || !job_target(job, "from", O_RDONLY, &source, result))
        return;
    fd = copy_open(path, &to_device);
    number = fd < 0 ? errno : copy_content(&source, fd, to_device);
    if (fd >= 0 && close(fd) < 0 && number == 0)
        number = errno;
    (void)close(source.fd);
    if (number == 0)
        result_ok(result, "%" PRIu64 " bytes", source.size_bytes);
    else
        result_error(result, number, "copy %s to %s", source.path, path);
}

void job_crc(const struct job *job, struct job_result *result)
{
    struct target source;
    uint64_t offset_bytes;
    uint64_t length_bytes;
    uint32_t crc = 0;
    int number = 0;

    if (!job_number(job, "offset", 0, &offset_bytes, result) || !job_target(job, "dev", O_RDONLY, &source, result))
        return;
    if (!job_number(job, "length", source.size_bytes - offset_bytes, &length_bytes, result)) {
        (void)close(source.fd);
        return;
    }
    for (uint64_t done = 0; number == 0 && done < length_bytes; done += BUFFER_BYTES) {
        size_t part_bytes = (size_t)smaller(BUFFER_BYTES, length_bytes - done);

        number = transfer_all(false, source.fd, offset_bytes + done, part_bytes, buffer);
        crc = pattern_crc(crc, buffer, part_bytes);
    }
    (void)close(source.fd);
    if (number == 0)
        result_ok(result, "%08" PRIx32, crc);
    else
        result_error(result, number, "%s: read", source.path);
}

/* The first byte in which both buffers differ; they do. */
static size_t first_difference(void)
{
    size_t at = 0;

    while (buffer[at] == other_buffer[at])
        at++;
    return at;
}

/* Blocks that cannot be read, as text: " 3-5 9". */
struct block_list {
    char text[4096];
    size_t used;
    uint64_t first, end; /* the range that is still growing; equal: none */
};

/* 0, or E2BIG. */
static int block_list_close(struct block_list *list)
{
    int length = 0;

    if (list->first < list->end)
        length = snprintf(list->text + list->used, sizeof(list->text) - list->used,
                          list->end - list->first == 1 ? " %" PRIu64 : " %" PRIu64 "-%" PRIu64, list->first,
                          list->end - 1);
    list->first = list->end = 0;
    list->used += (size_t)length;
    return list->used < sizeof(list->text) ? 0 : E2BIG;
}

static int block_list_add(struct block_list *list, uint64_t block)
{
    int number = 0;

    if (list->first == list->end || list->end != block) {
        number = block_list_close(list);
        list->first = block;
    }
    list->end = block + 1;
    return number;
}

/*
 * 0 or an errno; what differs is said in `result`. With `unread`, blocks that give EIO on the first one go there: they
 * are looked for in steps that become smaller at an error, and larger behind it.
 */
static int compare(const struct target *one, const struct target *other, uint64_t block_bytes,
                   struct block_list *unread, struct job_result *result)
{
    uint64_t step_bytes = BUFFER_BYTES;
    uint64_t done = 0;
    int number = 0;

    while (number == 0 && done < one->size_bytes) {
        size_t length_bytes = (size_t)smaller(step_bytes, one->size_bytes - done);

        number = transfer_all(false, one->fd, done, length_bytes, buffer);
        if (unread && number == EIO && step_bytes > block_bytes) {
            step_bytes /= 2;
            number = 0;
            continue;
        }
        if (unread && number == EIO)
            number = block_list_add(unread, done / block_bytes);
        else if (number == 0) {
            number = transfer_all(false, other->fd, done, length_bytes, other_buffer);
            if (number == 0 && memcmp(buffer, other_buffer, length_bytes) != 0) {
                result_error(result, 0, "%s and %s differ at byte %" PRIu64, one->path, other->path,
                             done + first_difference());
                return 0;
            }
            step_bytes = smaller(2 * step_bytes, BUFFER_BYTES);
        }
        done += length_bytes;
    }
    return number != 0 || !unread ? number : block_list_close(unread);
}

void job_cmp(const struct job *job, struct job_result *result)
{
    static struct block_list unread;
    const bool around = job_text(job, "around") != NULL;
    uint64_t block_bytes;
    struct target one;
    struct target other;
    int number = 0;

    memset(&unread, 0, sizeof(unread));
    if (!job_number(job, "around", BUFFER_BYTES, &block_bytes, result) ||
        !job_target(job, "dev", O_RDONLY, &one, result))
        return;
    if (!job_target(job, "with", O_RDONLY, &other, result)) {
        (void)close(one.fd);
        return;
    }
    result_ok(result, "%" PRIu64 " bytes equal", one.size_bytes);
    if (one.size_bytes != other.size_bytes)
        result_error(result, 0, "%s has %" PRIu64 " bytes, %s has %" PRIu64, one.path, one.size_bytes, other.path,
                     other.size_bytes);
    else if (block_bytes == 0 || block_bytes > BUFFER_BYTES || (block_bytes & (block_bytes - 1)) != 0)
        result_error(result, EINVAL, "%s: blocks of %" PRIu64 " bytes", job->verb, block_bytes);
    else
        number = compare(&one, &other, block_bytes, around ? &unread : NULL, result);
    (void)close(one.fd);
    (void)close(other.fd);
    if (number != 0)
        result_error(result, number, "%s or %s: read", one.path, other.path);
    else if (around && !result->failed)
        result_ok(result, "equal, unreadable:%s", unread.text);
}

void job_size(const struct job *job, struct job_result *result)
{
    struct target target;

    if (!job_target(job, "dev", O_RDONLY, &target, result))
        return;
    (void)close(target.fd);
    result_ok(result, "%" PRIu64 " bytes", target.size_bytes);
}

/* Writes back what others left in the page cache, and forgets it: the next buffered read asks the device. */
void job_flush(const struct job *job, struct job_result *result)
{
    struct target target;

    if (!job_target(job, "dev", O_RDWR, &target, result))
        return;
    if (fsync(target.fd) < 0)
        result_error(result, errno, "%s: flush", target.path);
    else if (target.block_device && ioctl(target.fd, BLKFLSBUF, 0) < 0)
        result_error(result, errno, "%s: drop the cache", target.path);
    else
        result_ok(result, "flushed");
    (void)close(target.fd);
}
