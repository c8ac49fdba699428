/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files with any content: checkpoints, lists that are replaced, and what /proc and /sys tell. */
#include "tests/fuzz/text_files.h"

#include "lib/base/replace.h"
#include "lib/base/sysfs.h"
#include "lib/device/device_private.h"
#include "lib/merge/checkpoint.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CHECKSUM_BYTES 9u /* at the end of a checkpoint; its digits may be of either case */

static char *path_of(const char *name)
{
    static char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    return path;
}

static void write_file(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(path_of(name), "we");

    FUZZ_PROMISE(file && fwrite(bytes, 1, length, file) == length && fclose(file) == 0, "%s cannot be written", name);
}

/* Reads a whole file of the folder; its length, or -1 where there is none. */
static long read_file(const char *name, char *bytes, size_t room)
{
    FILE *file = fopen(path_of(name), "re");
    size_t count;

    if (!file)
        return -1;
    count = fread(bytes, 1, room, file);
    (void)fclose(file); /* was only read */
    return (long)count;
}

static enum snap_status load(const char *name, struct snap_checkpoint *checkpoint)
{
    struct snap_replace *file = NULL;
    enum snap_status status = snap_checkpoint_open(&file, path_of(name), NULL);

    if (status == SNAP_OK)
        status = snap_checkpoint_load(checkpoint, file, NULL);
    snap_replace_close(file);
    return status;
}

static void save(const char *name, const struct snap_checkpoint *checkpoint)
{
    struct snap_replace *file = NULL;

    (void)unlink(path_of(name));
    FUZZ_PROMISE(snap_checkpoint_open(&file, path_of(name), NULL) == SNAP_OK &&
                     snap_checkpoint_save(checkpoint, file, NULL) == SNAP_OK, "it cannot be saved");
    snap_replace_close(file);
}

/* The last line of a checkpoint, right for any text in front of it. */
static void add_checksum(struct text *text)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < text->length; i++) {
        crc ^= (uint8_t)text->bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    text->length += (size_t)snprintf(text->bytes + text->length, sizeof text->bytes - text->length,
                                     "end %08" PRIx32 "\n", ~crc);
}

/* A file is a checkpoint only if writing what was read gives the same file. */
void text_read_checkpoint(struct text *text)
{
    static char again[TEXT_BYTES_MAX];
    struct snap_checkpoint checkpoint;
    enum snap_status status;

    if (text->length > 0 && text->length < TEXT_BYTES_MAX / 2 && text->bytes[text->length - 1] == '\n')
        add_checksum(text);
    write_file("checkpoint", text->bytes, text->length);
    status = load("checkpoint", &checkpoint);
    FUZZ_PROMISE(status == SNAP_OK || status == SNAP_E_CORRUPT || status == SNAP_E_REFUSED, "loading ends with %d",
                 status);
    if (status != SNAP_OK)
        return;
    save("again", &checkpoint);
    FUZZ_PROMISE(read_file("again", again, sizeof again) == (long)text->length &&
                     memcmp(again, text->bytes, text->length - CHECKSUM_BYTES) == 0,
                 "a checkpoint that was not written by us is taken");
}

static bool same(const struct snap_checkpoint *a, const struct snap_checkpoint *b)
{
    return a->entries == b->entries && a->merged_from == b->merged_from && a->list_crc32c == b->list_crc32c &&
           a->origin_sectors == b->origin_sectors && a->cow_sectors == b->cow_sectors &&
           strcmp(a->origin_id, b->origin_id) == 0 && strcmp(a->cow_id, b->cow_id) == 0;
}

/* What is saved is loaded; with one byte changed it is not, or it is the same. */
void text_write_checkpoint(struct fuzz_input *input)
{
    static char bytes[TEXT_BYTES_MAX];
    struct snap_checkpoint saved = {.origin_id = "o", .cow_id = "c"};
    struct snap_checkpoint loaded;
    char reason[256];
    uint64_t place;
    long length;

    saved.origin_sectors = fuzz_number(input);
    saved.cow_sectors = fuzz_number(input);
    saved.entries = fuzz_number(input);
    saved.list_crc32c = (uint32_t)fuzz_number(input);
    saved.merged_from = fuzz_number(input);
    for (uint64_t i = 0, count = fuzz_below(input, SNAP_CHECKPOINT_ID_BYTES - 1); i < count; i++)
        saved.origin_id[i] = (char)('!' + fuzz_byte(input) % 94);
    save("checkpoint", &saved);
    FUZZ_PROMISE(load("checkpoint", &loaded) == SNAP_OK, "what was saved is not loaded");
    FUZZ_PROMISE(same(&loaded, &saved), "what was loaded is not what was saved");
    FUZZ_PROMISE(snap_checkpoint_fits(&loaded, &saved, reason, sizeof reason) == (saved.merged_from <= saved.entries),
                 "it fits itself");
    length = read_file("checkpoint", bytes, sizeof bytes);
    place = fuzz_below(input, (uint64_t)length);
    bytes[place] ^= (char)(1 + fuzz_byte(input) % 127);
    write_file("checkpoint", bytes, (size_t)length);
    /* A digit of the checksum in the other case is the same digit. */
    FUZZ_PROMISE(load("checkpoint", &loaded) != SNAP_OK || same(&loaded, &saved), "a changed file says something else");
}

/* A file is replaced only if it is ours or empty, and not larger than was agreed. */
void text_replace(const struct text *text, struct fuzz_input *input)
{
    static const char mark[] = "# mine 1\n";
    const uint64_t most = fuzz_flag(input) ? fuzz_number(input) : TEXT_BYTES_MAX;
    const bool ours = text->length == 0 || (text->length <= most && text->length >= strlen(mark) &&
                                            memcmp(text->bytes, mark, strlen(mark)) == 0);
    struct snap_replace *file = NULL;
    enum snap_status status;

    write_file("list", text->bytes, text->length);
    status = snap_replace_open(&file, path_of("list"), mark, most, NULL);
    FUZZ_PROMISE(status == (ours ? SNAP_OK : SNAP_E_REFUSED), "opening a file to be replaced ends with %d", status);
    if (status == SNAP_OK)
        FUZZ_PROMISE(file->text_bytes == text->length && memcmp(file->text, text->bytes, text->length) == 0,
                     "another text");
    snap_replace_close(file);
}

static void put_text(const char *name, const struct text *text, struct fuzz_input *input)
{
    const size_t from = (size_t)fuzz_below(input, text->length + 1);

    write_file(name, text->bytes + from, (size_t)fuzz_below(input, text->length - from + 1));
}

/* A system as /proc and /sys tell of it, with anything in these files. */
void text_read_system(const struct text *text, struct fuzz_input *input)
{
    static const char *const folders[] = {"root", "root/proc", "root/proc/self", "root/sys", "root/sys/dev",
                                          "root/sys/dev/block", "root/sys/dev/block/8:16",
                                          "root/sys/dev/block/8:16/holders", "root/sys/dev/block/8:16/holders/dm-3",
                                          "root/sys/dev/block/8:16/holders/dm-3/dm", "root/sys/dev/block/8:16/slaves",
                                          "root/sys/dev/block/8:16/slaves/sda", "root/sys/dev/block/8:16/queue",
                                          "root/sys/dev/block/8:16/sdb1", "root/sys/dev/block/8:16/loop",
                                          "root/sys/dev/block/8:16/dm", "root/sys/block", "root/sys/block/loop0"};
    static const char *const files[] = {"root/proc/swaps", "root/sys/dev/block/8:16/size",
                                        "root/sys/dev/block/8:16/partition", "root/sys/dev/block/8:16/start",
                                        "root/sys/dev/block/8:16/holders/dm-3/dm/name",
                                        "root/sys/dev/block/8:16/slaves/sda/dev",
                                        "root/sys/dev/block/8:16/queue/rotational", "root/sys/dev/block/8:16/sdb1/dev",
                                        "root/sys/dev/block/8:16/sdb1/partition", "root/sys/block/loop0/dev",
                                        "root/sys/dev/block/8:16/loop/backing_file",
                                        "root/sys/dev/block/8:16/loop/offset", "root/sys/dev/block/8:16/dm/name"};
    struct snap_device device = {.block_device = true, .device_number = makedev(8, 16), .disk_number = makedev(8, 16)};
    struct snap_device other = {.block_device = true, .device_number = makedev(8, 0), .disk_number = makedev(8, 0)};
    static char mounts[TEXT_BYTES_MAX + 64], root[PATH_MAX];
    const bool mounted = fuzz_flag(input);
    char holders[4096];
    uint64_t number;

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        (void)mkdir(path_of(folders[i]), 0755); /* from the second input on it is there */
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        put_text(files[i], text, input);
    (void)snprintf(mounts, sizeof mounts, "%s%s", mounted ? "36 35 8:16 / /mnt\\040x rw - ext4 /dev/sdb rw\n" : "",
                   text->bytes);
    write_file("root/proc/self/mountinfo", mounts, strlen(mounts));
    (void)snprintf(root, sizeof root, "%s", path_of("root"));
    (void)snap_sysfs_device_number(text->bytes, &number);
    snap_device_read_sysfs(root, &device);
    device.disk_number = fuzz_flag(input) ? device.device_number : device.disk_number;
    snap_device_holders_at(root, &device, holders, sizeof holders);
    FUZZ_PROMISE(memchr(holders, '\0', sizeof holders), "the text of the holders does not end");
    FUZZ_PROMISE(!mounted || strstr(holders, "mounted on /mnt x"), "a mount is overlooked: %s", holders);
    (void)snap_device_stands_on_at(root, &device, &other);
    snap_device_id(&device, holders, sizeof holders);
    FUZZ_PROMISE(holders[0] && !strpbrk(holders, " \t\n"), "no word for a device: '%s'", holders);
}
