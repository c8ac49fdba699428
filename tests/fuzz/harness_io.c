/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: requests of any shape on real files move the right bytes and no others; so do those by way of a buffer. */
#include "lib/base/buffer.h"
#include "lib/io/bounce_private.h"
#include "lib/io/file.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct fuzz_harness fuzz_harness = {.name = "io"};

#define REQUESTS_MAX 6u
#define PIECES_MAX 4u
#define SMALL_BYTES_MAX (96u << 10)
#define LARGE_BYTES_MAX (2560u << 10) /* more than two of the buffers of bounce.c */

struct device {
    char path[PATH_MAX];
    uint8_t *bytes;       /* what it should hold */
    uint64_t size_bytes;
};

/* One request with memory of its own, at any alignment. */
struct request {
    struct snap_io_request io;
    struct iovec iov[PIECES_MAX];
    uint8_t *memory;
    uint64_t length_bytes;
};

/* No two places look alike: what is moved to the wrong one is seen. */
static void fill(uint8_t *bytes, uint64_t count, uint8_t first)
{
    for (uint64_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(first + i * 7 + i / 251);
}

static void take_request(struct request *request, uint64_t at, uint64_t length, bool write, struct fuzz_input *input)
{
    const uint64_t shift = fuzz_below(input, 4) * 171 % 512; /* 0: as malloc gives it; else odd */
    const unsigned pieces = 1 + fuzz_byte(input) % PIECES_MAX;
    uint64_t left = length;

    *request = (struct request){.length_bytes = length};
    request->memory = fuzz_calloc(1, (size_t)(length + shift));
    for (unsigned i = 0; i < pieces; i++) {
        const uint64_t part = i + 1 == pieces ? left : fuzz_bytes_below(input, left + 1);

        request->iov[i] = (struct iovec){request->memory + shift + (length - left), (size_t)part};
        left -= part;
    }
    if (write)
        fill(request->memory + shift, length, fuzz_byte(input));
    request->io = (struct snap_io_request){.kind = write ? SNAP_IO_WRITE : SNAP_IO_READ, .offset_bytes = at,
                                           .iov = request->iov, .iov_count = pieces};
}

/* After it was carried out: what was read is right; what was written is what the device should hold now. */
static void settle(const struct request *request, struct device *device)
{
    uint64_t at = request->io.offset_bytes;

    for (unsigned i = 0; i < request->io.iov_count; at += request->iov[i++].iov_len) {
        if (request->iov[i].iov_len == 0)
            continue;
        if (request->io.kind == SNAP_IO_WRITE)
            memcpy(device->bytes + at, request->iov[i].iov_base, request->iov[i].iov_len);
        else
            FUZZ_PROMISE(memcmp(device->bytes + at, request->iov[i].iov_base, request->iov[i].iov_len) == 0,
                         "%zu bytes read at %" PRIu64 " are other ones", request->iov[i].iov_len, at);
    }
}

/* Ranges that do not overlap, in ascending order, handed over in any. */
static void transfer(struct snap_io *io, struct device *device, struct fuzz_input *input)
{
    const unsigned wanted = 1 + fuzz_byte(input) % REQUESTS_MAX;
    struct request requests[REQUESTS_MAX];
    struct snap_io_request vector[REQUESTS_MAX];
    struct snap_error err = {.text = ""};
    unsigned count = 0;
    uint64_t at = 0;
    enum snap_status status;

    while (count < wanted && at < device->size_bytes) {
        const uint64_t start = at + fuzz_bytes_below(input, device->size_bytes - at);
        const uint64_t length = fuzz_bytes_below(input, device->size_bytes - start + 1);

        take_request(&requests[count], start, length, fuzz_flag(input), input);
        count++;
        at = start + length;
    }
    for (unsigned i = 0; i < count; i++)
        vector[i] = requests[(i + 1) % count].io;
    status = snap_io_transfer(io, vector, count, &err);
    FUZZ_PROMISE(status == SNAP_OK, "a transfer ends with %d: %s", status, err.text);
    for (unsigned i = 0; i < count; i++) {
        settle(&requests[i], device);
        free(requests[i].memory);
    }
}

/* Beyond the end nothing is read or written. */
static void beyond_end(struct snap_io *io, const struct device *device, struct fuzz_input *input)
{
    uint8_t byte[2] = {0, 0};
    const uint64_t at = UINT64_MAX - fuzz_number(input) % (UINT64_MAX - device->size_bytes);
    const enum snap_status status = fuzz_flag(input) ? snap_io_read(io, at, 2, byte, NULL)
                                                     : snap_io_write(io, at, 2, byte, NULL);

    FUZZ_PROMISE(status == SNAP_E_INTERNAL, "a request at byte %" PRIu64 " of %" PRIu64 " ends with %d", at,
                 device->size_bytes, status);
}

/* The file has what it should have, and its size, whoever reads it. */
static void check_file(const struct device *device)
{
    uint8_t *found = fuzz_calloc(1, (size_t)device->size_bytes + 1);
    const int fd = open(device->path, O_RDONLY | O_CLOEXEC);

    FUZZ_PROMISE(fd >= 0 && pread(fd, found, (size_t)device->size_bytes + 1, 0) == (ssize_t)device->size_bytes,
                 "the file has another size than %" PRIu64, device->size_bytes);
    FUZZ_PROMISE(device->size_bytes == 0 || memcmp(found, device->bytes, (size_t)device->size_bytes) == 0,
                 "the file has other bytes");
    (void)close(fd);
    free(found);
}

/* All data are inside of what is said to hold data. */
static void check_holes(struct snap_io *io, const struct device *device)
{
    uint64_t at = 0;

    while (at < device->size_bytes) {
        uint64_t start = 0, length = 0;

        FUZZ_PROMISE(snap_file_next_data(io, at, &start, &length, NULL) == SNAP_OK, "holes are not found");
        FUZZ_PROMISE(start >= at && start + length <= device->size_bytes, "data beyond the end");
        for (; at < start; at++)
            FUZZ_PROMISE(device->bytes[at] == 0, "data at byte %" PRIu64 " are called a hole", at);
        if (length == 0)
            return;
        at = start + length;
    }
}

static void use_file(struct device *device, struct fuzz_input *input)
{
    const bool buffered = fuzz_flag(input), threads = fuzz_flag(input);
    const struct snap_file_options options = {
        .write = true,
        .buffered = buffered,
        .engine = threads ? SNAP_IO_ENGINE_THREADS : SNAP_IO_ENGINE_AUTO,
        .queue_depth = 1 + fuzz_byte(input) % 8u,
    };
    const struct snap_file_options reads = {.engine = options.engine, .queue_depth = 1};
    struct snap_io *io, *other;
    struct snap_error err = {.text = ""};
    const int fd = open(device->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum snap_status status;

    FUZZ_PROMISE(fd >= 0 && ftruncate(fd, (off_t)device->size_bytes) == 0 && close(fd) == 0, "no file");
    status = snap_file_open(&io, device->path, &options, &err);
    FUZZ_PROMISE(status == SNAP_OK, "%s: %d: %s", device->path, status, err.text);
    FUZZ_PROMISE(snap_file_open(&other, device->path, &options, NULL) == SNAP_E_BUSY, "two can write to an image");
    for (unsigned transfers = 1 + fuzz_byte(input) % 6; transfers > 0; transfers--)
        transfer(io, device, input);
    beyond_end(io, device, input);
    check_holes(io, device);
    FUZZ_PROMISE(snap_io_flush(io, NULL) == SNAP_OK, "a flush");
    FUZZ_PROMISE(snap_io_close(io, NULL) == SNAP_OK, "a close");
    check_file(device);
    status = snap_file_open(&io, device->path, &reads, &err);
    FUZZ_PROMISE(status == SNAP_OK && io->size_bytes == device->size_bytes && !io->writable, "opened again: %d",
                 status);
    (void)snap_io_close(io, NULL);
    (void)unlink(device->path);
}

/* As a block device is used that takes whole blocks only: reads of any bytes, writes of whole blocks. */
static void use_buffer(struct device *device, struct fuzz_input *input)
{
    const uint32_t align_bytes = fuzz_flag(input) ? 4096 : 512;
    struct snap_opened opened = {.fd = -1, .direct_align_bytes = align_bytes, .logical_block_bytes = align_bytes};
    char *buffer = NULL;

    device->size_bytes = device->size_bytes / 4096 * 4096;
    opened.size_bytes = device->size_bytes;
    opened.direct_fd = open(device->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_DIRECT, 0600);
    if (opened.direct_fd < 0) /* tmpfs of older kernels */
        opened.direct_fd = open(device->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_PROMISE(opened.direct_fd >= 0 && ftruncate(opened.direct_fd, (off_t)device->size_bytes) == 0, "no file");
    for (unsigned requests = 1 + fuzz_byte(input) % 6; requests > 0 && device->size_bytes > 0; requests--) {
        const bool write = fuzz_flag(input);
        const uint64_t unit = write ? align_bytes : 1, units = device->size_bytes / unit;
        const uint64_t factor = fuzz_flag(input) ? 4999 : 1; /* small ones and large ones */
        const uint64_t start = fuzz_number(input) * factor % units;
        const uint64_t length = fuzz_number(input) * factor % (units - start + 1);
        struct request request;
        int failed;

        take_request(&request, start * unit, length * unit, write, input);
        failed = snap_bounce_run(&opened, &buffer, &request.io);
        FUZZ_PROMISE(failed == 0, "%s of %" PRIu64 " bytes at %" PRIu64 ": errno %d", write ? "a write" : "a read",
                     length * unit, start * unit, failed);
        settle(&request, device);
        free(request.memory);
    }
    snap_buffer_free(buffer);
    (void)close(opened.direct_fd);
    check_file(device);
    (void)unlink(device->path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    const bool large = fuzz_byte(&input) % 8 == 3, bounces = fuzz_flag(&input);
    struct device device;

    device.size_bytes = fuzz_number(&input) * (large ? 16411 : 613) % (large ? LARGE_BYTES_MAX : SMALL_BYTES_MAX);
    device.size_bytes += fuzz_below(&input, 512);
    device.bytes = fuzz_calloc(1, (size_t)device.size_bytes);
    (void)snprintf(device.path, sizeof device.path, "%s/device", fuzz_folder());
    if (bounces)
        use_buffer(&device, &input);
    else
        use_file(&device, &input);
    free(device.bytes);
    return 0;
}
