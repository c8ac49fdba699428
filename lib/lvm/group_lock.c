/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks a group with flock on the file V_GROUP, behind the gate V_GROUP:aux where writers wait. */
#include "lib/lvm/group_lock.h"

#include "lib/device/lockers.h"
#include "lib/lvm/lvm_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 160u           /* "V_", a name of 127 letters at most, ":aux" */
#define CONFIGURATION_BYTES_MAX (4u << 20)
#define PAUSE_NS UINT64_C(100000000)

struct snap_group_lock {
    int folder_fd;
    int fd;
    char name[NAME_BYTES];
};

enum outcome { TAKEN, BUSY, FAILED };

/* Who gives a lock back removes its file: a lock on a file that has lost its name is none. */
static bool still_named(int folder_fd, const char *name, int fd)
{
    struct stat named, opened;

    return fstatat(folder_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &opened) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* One try, without waiting. BUSY fills in which file somebody else has locked. */
static enum outcome try_one(int folder_fd, const char *name, int *fd, struct stat *locked)
{
    const int opened = openat(folder_fd, name, O_CREAT | O_APPEND | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (opened < 0)
        return FAILED;
    if (flock(opened, LOCK_EX | LOCK_NB) == 0) {
        if (still_named(folder_fd, name, opened)) {
            *fd = opened;
            return TAKEN;
        }
    } else if (errno != EWOULDBLOCK) {
        const int failed = errno;

        (void)close(opened); /* nothing was written to it */
        errno = failed;
        return FAILED;
    }
    (void)fstat(opened, locked); /* only for a message */
    (void)close(opened); /* nothing was written to it */
    return BUSY;
}

/* As LVM does it: the file goes while the lock is held, so that nobody else can have it. */
static void give_back(int folder_fd, const char *name, int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && still_named(folder_fd, name, fd))
        (void)unlinkat(folder_fd, name, 0); /* one that stays behind is locked anew by the next command */
    (void)close(fd); /* nothing was written to it */
}

/* The gate first: it keeps others from overtaking a writer that waits. */
static enum outcome try_both(struct snap_group_lock *lock, struct stat *locked)
{
    char gate[NAME_BYTES + sizeof ":aux"];
    int gate_fd;
    enum outcome outcome;

    (void)snprintf(gate, sizeof gate, "%s:aux", lock->name);
    outcome = try_one(lock->folder_fd, gate, &gate_fd, locked);
    if (outcome != TAKEN)
        return outcome;
    outcome = try_one(lock->folder_fd, lock->name, &lock->fd, locked);
    if (outcome == FAILED) {
        const int failed = errno;

        give_back(lock->folder_fd, gate, gate_fd);
        errno = failed;
        return outcome;
    }
    give_back(lock->folder_fd, gate, gate_fd);
    return outcome;
}

/* What LVM allows as a name; above all no way out of the directory. */
static bool is_group_name(const char *group)
{
    const size_t length = strlen(group);

    return length > 0 && length < 128 && group[0] != '-' && strcmp(group, ".") != 0 && strcmp(group, "..") != 0 &&
           strspn(group, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-") == length;
}

static enum snap_status fail_busy(const struct snap_group_lock *lock, const char *folder, const char *group,
                                  const struct stat *locked, struct snap_error *err)
{
    char holder[SNAP_LOCKERS_BYTES];

    snap_lockers_by_flock(locked->st_dev, locked->st_ino, holder, sizeof holder);
    return snap_fail(err, SNAP_E_BUSY, "%s: another command has LVM's lock of this group, %s/%s%s%s%s: wait until it "
                     "has ended, and repeat the command", group, folder, lock->name, holder[0] ? " (" : "", holder,
                     holder[0] ? ")" : "");
}

static enum snap_status take(struct snap_group_lock *lock, const char *folder, const char *group,
                             const struct snap_group_lock_wait *wait, struct snap_error *err)
{
    const uint64_t begin_ns = wait->clock->now_ns(wait->clock->context);
    struct stat locked = {0};

    for (;;) {
        const enum outcome outcome = try_both(lock, &locked);

        if (outcome == TAKEN)
            return SNAP_OK;
        if (outcome == FAILED)
            return snap_fail_errno(err, errno, "%s: cannot take LVM's lock of this group, %s/%s", group, folder,
                                   lock->name);
        if (wait->stop && wait->stop(wait->stop_context))
            return snap_fail(err, SNAP_E_STOPPED, "stopped");
        if (wait->clock->now_ns(wait->clock->context) - begin_ns >= wait->most_ns)
            return fail_busy(lock, folder, group, &locked, err);
        wait->clock->sleep_ns(wait->clock->context, PAUSE_NS);
    }
}

enum snap_status snap_group_lock_take(struct snap_group_lock **lock, int folder_fd, const char *folder,
                                      const char *group, const struct snap_group_lock_wait *wait,
                                      struct snap_error *err)
{
    struct snap_group_lock *made;
    enum snap_status status;

    *lock = NULL;
    if (!is_group_name(group))
        return snap_fail(err, SNAP_E_USAGE, "%s: no LVM group can have this name", group);
    made = calloc(1, sizeof *made);
    if (!made)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for LVM's lock of this group", group);
    made->folder_fd = folder_fd;
    (void)snprintf(made->name, sizeof made->name, "V_%s", group);
    status = take(made, folder, group, wait, err);
    if (status == SNAP_OK)
        *lock = made;
    else
        free(made);
    return status;
}

void snap_group_lock_release(struct snap_group_lock *lock)
{
    if (!lock)
        return;
    give_back(lock->folder_fd, lock->name, lock->fd);
    free(lock);
}

/* The text of a file, with a NUL behind it; NULL where there is none. */
static enum snap_status read_text(const char *path, char **text, size_t *length_bytes, struct snap_error *err)
{
    FILE *file = fopen(path, "re");

    *text = NULL;
    if (!file && errno == ENOENT)
        return SNAP_OK;
    if (!file)
        return snap_fail(err, SNAP_E_REFUSED, "%s: cannot be read (%s), so it is not known where LVM keeps its locks",
                         path, strerror(errno));
    *text = malloc(CONFIGURATION_BYTES_MAX + 1);
    *length_bytes = *text ? fread(*text, 1, CONFIGURATION_BYTES_MAX, file) : 0;
    if (*text)
        (*text)[*length_bytes] = '\0';
    (void)fclose(file); /* was only read */
    return *text ? SNAP_OK : snap_fail(err, SNAP_E_NOMEM, "%s: no memory to read it", path);
}

/* What global/locking_dir says in this file replaces *folder. */
static enum snap_status ask_file(const char *path, char **folder, struct snap_error *err)
{
    struct snap_lvm_text *tree = NULL;
    struct snap_error reason;
    size_t length_bytes;
    char *text;
    enum snap_status status = read_text(path, &text, &length_bytes, err);

    if (status != SNAP_OK || !text)
        return status;
    status = snap_lvm_text_parse(path, text, length_bytes, &tree, &reason);
    free(text);
    if (status != SNAP_OK)
        return snap_fail(err, status == SNAP_E_CORRUPT ? SNAP_E_REFUSED : status,
                         "%s: it cannot be understood, so it is not known where LVM keeps its locks (%s)", path,
                         reason.text);
    for (const struct snap_lvm_text_node *node = snap_lvm_text_root(tree); node; node = snap_lvm_text_next(node)) {
        const struct snap_lvm_text_node *named = NULL;
        const struct snap_lvm_text_value *value;

        if (snap_lvm_text_is_section(node) && strcmp(snap_lvm_text_name(node), "global") == 0)
            named = snap_lvm_text_find(node, "locking_dir");
        value = named ? snap_lvm_text_first(named) : NULL;
        if (value && snap_lvm_text_string(value)) {
            free(*folder);
            *folder = strdup(snap_lvm_text_string(value));
        }
    }
    snap_lvm_text_free(tree);
    return *folder ? SNAP_OK : snap_fail(err, SNAP_E_NOMEM, "%s: no memory to read it", path);
}

enum snap_status snap_group_lock_folder(const char *system_folder, char **folder, struct snap_error *err)
{
    static const char *const names[] = {"lvm.conf", "lvmlocal.conf"};
    enum snap_status status = SNAP_OK;

    *folder = strdup(SNAP_GROUP_LOCK_FOLDER);
    if (!*folder)
        status = snap_fail(err, SNAP_E_NOMEM, "no memory to look for LVM's locks");
    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == SNAP_OK; i++) {
        char path[4096];

        (void)snprintf(path, sizeof path, "%s/%s", system_folder, names[i]);
        status = ask_file(path, folder, err);
    }
    if (status == SNAP_OK)
        return SNAP_OK;
    free(*folder);
    *folder = NULL;
    return status;
}
