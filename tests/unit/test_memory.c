/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Available memory is what the machine and all control groups leave, in folders that look like /proc and /sys. */
#include "lib/base/memory.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static char root[] = "/tmp/test_memory_XXXXXX";

static void in_root(const char *command)
{
    char line[4096];

    (void)snprintf(line, sizeof line, "cd %s && %s", root, command);
    assert_int_equal(system(line), 0);
}

/* A system with 8000 MiB available, and nothing else. */
static void begin(const char *cgroup, const char *mountinfo)
{
    char line[2048];

    in_root("rm -rf proc groups && mkdir -p proc/self groups");
    in_root("printf 'MemTotal: 16384000 kB\\nMemAvailable:    8192000 kB\\n' >proc/meminfo");
    (void)snprintf(line, sizeof line, "printf '%s' >proc/self/cgroup && printf '%s' >proc/self/mountinfo", cgroup,
                   mountinfo);
    in_root(line);
}

/* A group of version 2. */
static void put_second(const char *folder, const char *limit, const char *usage, const char *inactive_file)
{
    char line[1024];

    (void)snprintf(line, sizeof line, "mkdir -p %s && echo %s >%s/memory.max && echo %s >%s/memory.current && "
                   "printf 'anon 1\\ninactive_file %s\\n' >%s/memory.stat", folder, limit, folder, usage, folder,
                   inactive_file, folder);
    in_root(line);
}

/* And of version 1. */
static void put_first(const char *folder, const char *limit, const char *usage, const char *inactive_file)
{
    char line[1024];

    (void)snprintf(line, sizeof line, "mkdir -p %s && echo %s >%s/memory.limit_in_bytes && "
                   "echo %s >%s/memory.usage_in_bytes && "
                   "printf 'inactive_file 0\\ntotal_inactive_file %s\\n' >%s/memory.stat", folder, limit, folder, usage,
                   folder, inactive_file, folder);
    in_root(line);
}

#define SECOND_AT(seen) "30 23 0:26 " seen " /groups rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\\n"
#define FIRST_AT(seen) "35 31 0:32 " seen " /groups rw,relatime - cgroup cgroup rw,hugetlb,memory\\n"

static void test_without_groups(void **state)
{
    (void)state;
    begin("", "");
    assert_int_equal(snap_memory_available_bytes(root), 8000 * MIB);
    in_root("rm proc/self/cgroup proc/self/mountinfo");
    assert_int_equal(snap_memory_available_bytes(root), 8000 * MIB);
    in_root("rm proc/meminfo");
    assert_int_equal(snap_memory_available_bytes(root), 0);
    assert_true(snap_memory_available_bytes("") > MIB); /* this machine */
}

/* The group of the process has no limit, those above it have; the least counts. */
static void test_second_version(void **state)
{
    (void)state;
    begin("1:name=systemd:/x\\n0::/a/b\\n", "22 1 8:1 / / rw - ext4 /dev/sda rw\\n" SECOND_AT("/"));
    put_second("groups/a/b", "max", "1048576", "0");
    assert_int_equal(snap_memory_available_bytes(root), 8000 * MIB);
    put_second("groups/a", "1073741824", "104857600", "0");
    assert_int_equal(snap_memory_available_bytes(root), 924 * MIB);
    put_second("groups/a", "1073741824", "104857600", "52428800"); /* of it 50 MiB can be dropped */
    assert_int_equal(snap_memory_available_bytes(root), 974 * MIB);
    put_second("groups/a/b", "524288000", "104857600", "209715200"); /* more than is used: none is */
    assert_int_equal(snap_memory_available_bytes(root), 500 * MIB);
    put_second("groups", "10485760", "0", "0");
    assert_int_equal(snap_memory_available_bytes(root), 10 * MIB);
    put_second("groups/a", "1048576", "2097152", "0"); /* beyond its limit */
    assert_int_equal(snap_memory_available_bytes(root), 0);
    put_second("groups/a/c", "1", "0", "0"); /* somebody else's */
    put_second("groups/a", "max", "2097152", "0");
    assert_int_equal(snap_memory_available_bytes(root), 10 * MIB);
}

static void test_first_version(void **state)
{
    (void)state;
    begin("5:cpu:/elsewhere\\n4:hugetlb,memory:/a\\n0::/\\n", FIRST_AT("/"));
    put_first("groups/a", "9223372036854771712", "1048576", "0"); /* no limit */
    put_first("groups/elsewhere", "1048576", "0", "0");
    assert_int_equal(snap_memory_available_bytes(root), 8000 * MIB);
    put_first("groups/a", "1073741824", "104857600", "20971520");
    assert_int_equal(snap_memory_available_bytes(root), 944 * MIB);
    put_first("groups", "104857600", "0", "0");
    assert_int_equal(snap_memory_available_bytes(root), 100 * MIB);
}

/* In a container the hierarchy is often seen from an inner group on, and the path begins further out, or nowhere. */
static void test_in_a_container(void **state)
{
    (void)state;
    begin("4:memory:/docker/1/x\\n", FIRST_AT("/docker/1"));
    put_first("groups/x", "1073741824", "0", "0");
    assert_int_equal(snap_memory_available_bytes(root), 1024 * MIB);
    begin("4:memory:/docker/12/x\\n", FIRST_AT("/docker/1")); /* not below it: the outermost that is seen */
    put_first("groups", "1048576", "0", "0");
    assert_int_equal(snap_memory_available_bytes(root), MIB);
    begin("0::/../other\\n", SECOND_AT("/"));
    put_second("groups", "2097152", "0", "0");
    assert_int_equal(snap_memory_available_bytes(root), 2 * MIB);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    in_root("rm -rf proc groups");
    return rmdir(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_groups),
        cmocka_unit_test(test_second_version),
        cmocka_unit_test(test_first_version),
        cmocka_unit_test(test_in_a_container),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
