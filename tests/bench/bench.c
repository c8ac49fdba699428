/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers of the bench programs: failing, file access, bytes, patterns, places in a store. */
#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN 0x9e3779b97f4a7c15u

void die(int sys_errno, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (sys_errno)
        fprintf(stderr, ": %s", strerror(sys_errno));
    fputc('\n', stderr);
    exit(1);
}

uint64_t parse_size(const char *name, const char *text)
{
    static const char units[] = "KMGT";
    char *end = NULL;
    const char *unit;
    uint64_t value;

    errno = 0;
    value = strtoull(text, &end, 10);
    unit = *end ? strchr(units, *end) : NULL;
    if (*text < '0' || *text > '9' || errno || (*end && (!unit || end[1])))
        die(0, "%s: \"%s\" is no size", name, text);
    if (unit) {
        unsigned shift = 10 * (unsigned)(unit - units + 1);

        if (value > UINT64_MAX >> shift)
            die(0, "%s: \"%s\" is too large", name, text);
        value <<= shift;
    }
    return value;
}

int open_or_die(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd < 0)
        die(errno, "%s: cannot open", path);
    return fd;
}

uint64_t size_of(int fd, const char *path)
{
    struct stat info;
    uint64_t size_bytes = 0;

    if (fstat(fd, &info) != 0)
        die(errno, "%s: cannot tell its size", path);
    if (S_ISREG(info.st_mode))
        return (uint64_t)info.st_size;
    if (ioctl(fd, BLKGETSIZE64, &size_bytes) != 0)
        die(errno, "%s: cannot tell its size", path);
    return size_bytes;
}

void set_size(int fd, const char *path, uint64_t size_bytes)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        die(errno, "%s: cannot tell what it is", path);
    if (S_ISREG(info.st_mode) && ftruncate(fd, (off_t)size_bytes) != 0)
        die(errno, "%s: cannot set its size", path);
    if (size_of(fd, path) < size_bytes)
        die(0, "%s: too small: %llu bytes are needed", path, (unsigned long long)size_bytes);
}

void read_all(int fd, const char *path, void *buffer, size_t length_bytes, uint64_t offset_bytes)
{
    for (size_t done = 0; done < length_bytes;) {
        ssize_t bytes = pread(fd, (uint8_t *)buffer + done, length_bytes - done, (off_t)(offset_bytes + done));

        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes <= 0)
            die(bytes < 0 ? errno : 0, "%s: cannot read at byte %llu", path,
                (unsigned long long)(offset_bytes + done));
        done += (size_t)bytes;
    }
}

void write_all(int fd, const char *path, const void *buffer, size_t length_bytes, uint64_t offset_bytes)
{
    for (size_t done = 0; done < length_bytes;) {
        ssize_t bytes = pwrite(fd, (const uint8_t *)buffer + done, length_bytes - done,
                               (off_t)(offset_bytes + done));

        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes <= 0)
            die(bytes < 0 ? errno : 0, "%s: cannot write at byte %llu", path,
                (unsigned long long)(offset_bytes + done));
        done += (size_t)bytes;
    }
}

void sync_and_drop(int fd, const char *path)
{
    if (fsync(fd) != 0)
        die(errno, "%s: flush failed", path);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

void *aligned_buffer(size_t length_bytes)
{
    void *buffer = NULL;

    if (posix_memalign(&buffer, 4096, length_bytes) != 0)
        die(ENOMEM, "no buffer of %zu bytes", length_bytes);
    memset(buffer, 0, length_bytes);
    return buffer;
}

void put_le32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

void put_le64(uint8_t *bytes, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

uint32_t get_le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint64_t get_le64(const uint8_t *bytes)
{
    return (uint64_t)get_le32(bytes) | (uint64_t)get_le32(bytes + 4) << 32;
}

uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

void fill_pattern(uint8_t *buffer, size_t length_bytes, uint64_t seed, uint64_t offset_bytes)
{
    const uint64_t start = mix(seed + GOLDEN) + offset_bytes / 8;

    for (size_t i = 0; i < length_bytes / 8; i++) {
        uint64_t word = mix((start + i) * GOLDEN);

        memcpy(buffer + 8 * i, &word, sizeof word);
    }
}

uint64_t entries_per_area(uint64_t chunk_bytes)
{
    return chunk_bytes / ENTRY_BYTES;
}

uint64_t area_offset_bytes(uint64_t chunk_bytes, uint64_t area)
{
    return (1 + (entries_per_area(chunk_bytes) + 1) * area) * chunk_bytes;
}

uint64_t canonical_chunk(uint64_t chunk_bytes, uint64_t index)
{
    return 2 + index + index / entries_per_area(chunk_bytes);
}

uint64_t store_bytes(uint64_t chunk_bytes, uint64_t entries)
{
    const uint64_t areas = entries / entries_per_area(chunk_bytes) + 1;

    return (1 + areas + entries) * chunk_bytes;
}
