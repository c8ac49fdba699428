/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What devices are recognised by: file systems of other programs, and a partition table by hand. */
#ifndef PROBE_FIXTURE_H
#define PROBE_FIXTURE_H

#include "lib/base/bytes.h"
#include "lib/device/probe.h"
#include "tests/unit/loop_fixture.h"

#include <sys/wait.h>

#define UUID_A "0a1b2c3d-1111-4222-8333-123456789abc"
#define UUID_B "0a1b2c3d-1111-4222-8333-123456789abd"
#define MIB (UINT64_C(1) << 20)

/* Runs a program of another package; the test is skipped where it is not installed. */
static inline void run(const char *const argv[])
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int null_fd = open("/dev/null", O_RDWR);
        char *copy[16] = {NULL};

        for (unsigned i = 0; argv[i]; i++)
            copy[i] = strdup(argv[i]);
        (void)dup2(null_fd, STDOUT_FILENO);
        (void)setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
        (void)execvp(copy[0], copy);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 127) {
        print_message("skipped: %s is not installed\n", argv[0]);
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void make_ext4(const char *path, const char *label, const char *uuid)
{
    run((const char *const[]){"mke2fs", "-q", "-F", "-t", "ext4", "-L", label, "-U", uuid, path, NULL});
}

static inline uint32_t crc32_of(const uint8_t *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

/* A GPT whose one partition is sectors 2048..4095, with a name and both GUIDs counting up from `seed`. */
static inline void put_gpt(int fd, uint64_t sectors, uint8_t seed, const char *name)
{
    static const uint8_t protective[16] = {0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    static uint8_t entries[128 * 128];
    uint8_t header[92] = "EFI PART";

    memset(entries, 0, sizeof entries);
    memset(entries, 0x11, 16);
    for (uint8_t i = 0; i < 16; i++) {
        entries[16 + i] = (uint8_t)(seed + 0x10 + i);
        header[56 + i] = (uint8_t)(seed + i);
    }
    snap_put_le64(entries + 32, 2048);
    snap_put_le64(entries + 40, 4095);
    for (size_t i = 0; name[i]; i++)
        entries[56 + 2 * i] = (uint8_t)name[i];
    snap_put_le32(header + 8, 0x10000);
    snap_put_le32(header + 12, sizeof header);
    snap_put_le64(header + 24, 1);
    snap_put_le64(header + 32, sectors - 1);
    snap_put_le64(header + 40, 34);
    snap_put_le64(header + 48, sectors - 34);
    snap_put_le64(header + 72, 2);
    snap_put_le32(header + 80, 128);
    snap_put_le32(header + 84, 128);
    snap_put_le32(header + 88, crc32_of(entries, sizeof entries));
    snap_put_le32(header + 16, crc32_of(header, sizeof header));
    fixture_put(fd, 446, protective, sizeof protective);
    fixture_put(fd, 510, "\x55\xaa", 2);
    fixture_put(fd, 512, header, sizeof header);
    fixture_put(fd, 1024, entries, sizeof entries);
}

#endif
