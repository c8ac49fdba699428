/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checkpoint file: what is saved is loaded, anything else is not believed, and a failure leaves the old file. */
#include "lib/base/crc32c.h"
#include "lib/merge/checkpoint.h"

#include "lib/store/codec.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MARK_BYTES strlen("dmsnap-checkpoint 1\n") /* the first line */

static char directory[64], path[96];

static const struct snap_checkpoint sample = {
    .origin_sectors = 8192,
    .cow_sectors = UINT64_MAX,
    .origin_id = "serial:WD_1234:2048",
    .cow_id = "file:fe01:77",
    .entries = 1000,
    .list_crc32c = 0xabcdef01,
    .merged_from = 17,
};

static int make_directory(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "%s/dmsnap-unit.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(directory))
        return -1;
    (void)snprintf(path, sizeof path, "%s/state", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

/* As one run does it: look at the file, take what it says, close it. */
static enum snap_status load(struct snap_checkpoint *found, const char *name, struct snap_error *err)
{
    struct snap_replace *file;
    enum snap_status status = snap_checkpoint_open(&file, name, err);

    if (status == SNAP_OK)
        status = snap_checkpoint_load(found, file, err);
    snap_replace_close(file);
    return status;
}

static enum snap_status save(const struct snap_checkpoint *checkpoint, const char *name, struct snap_error *err)
{
    struct snap_replace *file;
    enum snap_status status = snap_checkpoint_open(&file, name, err);

    if (status == SNAP_OK)
        status = snap_checkpoint_save(checkpoint, file, err);
    snap_replace_close(file);
    return status;
}

static size_t read_all(char *text, size_t text_bytes)
{
    FILE *file = fopen(path, "r");
    size_t used;

    assert_non_null(file);
    used = fread(text, 1, text_bytes - 1, file);
    text[used] = '\0';
    assert_int_equal(fclose(file), 0);
    return used;
}

static void write_all(const char *text, size_t length)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static bool same(const struct snap_checkpoint *a, const struct snap_checkpoint *b)
{
    return a->origin_sectors == b->origin_sectors && a->cow_sectors == b->cow_sectors && a->entries == b->entries &&
           a->list_crc32c == b->list_crc32c && a->merged_from == b->merged_from &&
           strcmp(a->origin_id, b->origin_id) == 0 && strcmp(a->cow_id, b->cow_id) == 0;
}

static void test_saved_is_loaded(void **state)
{
    struct snap_checkpoint found;
    struct stat seen;
    struct snap_error err = {0};

    (void)state;
    assert_int_equal(load(&found, path, &err), SNAP_E_NOENT);
    assert_int_equal(save(&sample, path, &err), SNAP_OK);
    assert_int_equal(load(&found, path, &err), SNAP_OK);
    assert_true(same(&found, &sample));
    assert_int_equal(stat(path, &seen), 0);
    assert_int_equal(seen.st_mode & 0777, 0600);
}

static void test_text(void **state)
{
    static const char start[] = "dmsnap-checkpoint 1\n# ";
    static const char figures[] = "\norigin 8192 serial:WD_1234:2048\ncow 18446744073709551615 file:fe01:77\n"
                                  "list 1000 abcdef01\nmerged-from 17\nend ";
    char text[5000];

    (void)state;
    assert_int_equal(save(&sample, path, NULL), SNAP_OK);
    (void)read_all(text, sizeof text);
    assert_memory_equal(text, start, strlen(start));
    assert_non_null(strstr(text, figures));
    assert_non_null(strstr(text, "Only a hint"));
}

/*
 * Each byte changed, each bit of it; the file cut off anywhere; more behind its end. Without its first line it is some
 * other file, which must not be replaced.
 */
static void test_damage(void **state)
{
    struct snap_checkpoint found;
    char text[5000], damaged[5002];
    size_t length;

    (void)state;
    assert_int_equal(save(&sample, path, NULL), SNAP_OK);
    length = read_all(text, sizeof text);
    for (size_t at = 0; at < length; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct snap_error err = {0};
            enum snap_status status;

            memcpy(damaged, text, length);
            damaged[at] = (char)(damaged[at] ^ 1 << bit);
            write_all(damaged, length);
            status = load(&found, path, &err);
            /* A digit of the checksum in the other case is the same digit. */
            if (status == SNAP_OK ? !same(&found, &sample) || at < length - 9
                                  : status != (at < MARK_BYTES ? SNAP_E_REFUSED : SNAP_E_CORRUPT))
                fail_msg("byte %zu, bit %d: status %d", at, bit, (int)status);
            if (status != SNAP_OK)
                assert_non_null(strstr(err.text, path));
        }
        write_all(text, at);
        assert_int_equal(load(&found, path, NULL),
                         at > 0 && at < MARK_BYTES ? SNAP_E_REFUSED : SNAP_E_CORRUPT);
    }
    memcpy(damaged, text, length);
    damaged[length] = '\n';
    write_all(damaged, length + 1);
    assert_int_equal(load(&found, path, NULL), SNAP_E_CORRUPT);
    write_all(text, length);
    assert_int_equal(load(&found, path, NULL), SNAP_OK);
}

/* The text with its right checksum, but not as we write it. */
static void test_forged(void **state)
{
    static const char *const bodies[] = {
        "origin 1 a\ncow 2 b\nlist 3 00000004\nmerged-from 5\nmore 6\n",
        "origin 1 a\ncow 2 b\nlist 3 00000004\n",
        "origin 01 a\ncow 2 b\nlist 3 00000004\nmerged-from 5\n",
        "origin 1 a\ncow 2 b\nlist 3 00000004\nmerged-from -5\n",
        "origin 1 a\ncow 2 b\nlist 3 00000004\nmerged-from 18446744073709551616\n",
        "cow 2 b\norigin 1 a\nlist 3 00000004\nmerged-from 5\n",
        "",
    };
    struct snap_checkpoint found;

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char text[600];
        int used = snprintf(text, sizeof text, "dmsnap-checkpoint 1\n%s", bodies[i]);

        (void)snprintf(text + used, sizeof text - (size_t)used, "end %08x\n",
                       (unsigned)snap_crc32c((const uint8_t *)text, (size_t)used));
        write_all(text, strlen(text));
        assert_int_equal(load(&found, path, NULL), SNAP_E_CORRUPT);
    }
}

static void test_no_regular_file(void **state)
{
    struct snap_checkpoint found;
    struct snap_error err = {0};
    char target[112];

    (void)state;
    (void)unlink(path);
    (void)snprintf(target, sizeof target, "%s.target", path);
    assert_int_equal(save(&sample, target, NULL), SNAP_OK);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(load(&found, path, &err), SNAP_E_REFUSED);
    assert_non_null(strstr(err.text, "symbolic link"));
    assert_int_equal(unlink(target), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: it must not wait */
    assert_int_equal(load(&found, path, &err), SNAP_E_REFUSED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_not_equal(load(&found, path, &err), SNAP_OK);
    assert_int_not_equal(save(&sample, path, &err), SNAP_OK);
    assert_int_equal(rmdir(path), 0);
}

/* No room for the new file: an error with its name, the old one still there, the new one gone. */
static void test_no_room(void **state)
{
    struct snap_checkpoint found, newer = sample;
    struct snap_error err = {0};
    struct rlimit before, none;

    (void)state;
    newer.merged_from = 3;
    assert_int_equal(save(&sample, path, NULL), SNAP_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){100, before.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_not_equal(save(&newer, path, &err), SNAP_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(load(&found, path, NULL), SNAP_OK);
    assert_int_equal(found.merged_from, 17);
}

static void test_names(void **state)
{
    char name[5000], old[96];
    struct snap_error err = {0};

    (void)state;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(save(&sample, name, &err), SNAP_E_USAGE);
    assert_int_equal(save(&sample, "/no/such/folder/state", &err), SNAP_E_NOENT);
    assert_non_null(getcwd(old, sizeof old)); /* without a slash: the folder is "." */
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(save(&sample, "state", &err), SNAP_OK);
    assert_int_equal(chdir(old), 0);
    assert_int_equal(access(path, F_OK), 0);
}

/* One field after the other differs. */
static void test_fits(void **state)
{
    struct snap_checkpoint found = sample;
    char reason[128];

    (void)state;
    found.merged_from = 1000;
    assert_true(snap_checkpoint_fits(&found, &sample, reason, sizeof reason));
    found.merged_from = 1001;
    assert_false(snap_checkpoint_fits(&found, &sample, reason, sizeof reason));
    assert_non_null(strstr(reason, "entries that do not exist"));
    for (int field = 0; field < 6; field++) {
        found = sample;
        *(field == 0 ? &found.origin_sectors : field == 1 ? &found.cow_sectors : &found.entries) -= field < 3;
        if (field == 3)
            found.list_crc32c ^= 1;
        if (field > 3)
            (field == 4 ? found.origin_id : found.cow_id)[0] = 'X';
        assert_false(snap_checkpoint_fits(&found, &sample, reason, sizeof reason));
        assert_non_null(strstr(reason, field == 0 || field == 4   ? "another origin"
                                       : field == 1 || field == 5 ? "another COW"
                                                                  : "another list"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_saved_is_loaded, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_text, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_damage, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_forged, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_no_regular_file, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_no_room, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_names, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_fits, make_directory, remove_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
