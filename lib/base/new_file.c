/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a file, with a name that is free or without one, and gives it its name at the end. */
#include "lib/base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0600      /* it will hold what a device holds, and devices are not for everybody to read */
#define TRIES 16       /* to find a random name that is free */
#define NAME_PART 200  /* of the file's own name in a random one: names have 255 bytes at most */

static int random_name(const struct snap_folder *folder, char *name, size_t name_bytes)
{
    const size_t length = strlen(folder->name);
    uint64_t number;

    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return EIO;
    (void)snprintf(name, name_bytes, "%s.dmsnap-%016" PRIx64, length <= NAME_PART ? folder->name : "", number);
    return 0;
}

static int create(struct snap_new_file *file, const char *name)
{
    file->fd = openat(file->folder->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
    if (file->fd < 0)
        return errno;
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    return 0;
}

static int create_random(struct snap_new_file *file)
{
    char name[sizeof file->name];
    int failed = EEXIST;

    for (int i = 0; i < TRIES && failed == EEXIST; i++) {
        failed = random_name(file->folder, name, sizeof name);
        if (!failed)
            failed = create(file, name);
    }
    file->temporary = !failed;
    return failed;
}

/* A file without a name gets one through /proc alone. */
static void proc_name(const struct snap_new_file *file, char name[40])
{
    (void)snprintf(name, 40, "/proc/self/fd/%d", file->fd);
}

/* False: the file system, the kernel or a missing /proc does not allow it. */
static bool create_nameless(struct snap_new_file *file, int *failed)
{
    char through[40];
    struct stat there;

    *failed = 0;
    file->fd = openat(file->folder->fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, MODE);
    if (file->fd < 0) {
        *failed = errno;
        return errno != EISDIR && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOENT;
    }
    proc_name(file, through);
    if (stat(through, &there) == 0)
        return true;
    (void)close(file->fd); /* empty */
    file->fd = -1;
    return false;
}

static void free_file(struct snap_new_file *file)
{
    free(file->path);
    free(file);
}

static enum snap_status fail_make(struct snap_new_file *file, int failed, struct snap_error *err)
{
    enum snap_status status;

    if (file->fd >= 0) {
        (void)snap_new_file_remove(file, NULL);
        (void)close(file->fd); /* empty */
    }
    if (failed == EEXIST)
        status = snap_fail(err, SNAP_E_REFUSED, "%s: exists already", file->path);
    else if (failed == ENAMETOOLONG)
        status = snap_fail(err, SNAP_E_USAGE, "%s: the name is too long", file->path);
    else
        status = snap_fail_errno(err, failed, "%s: cannot be made", file->path);
    free_file(file);
    return status;
}

static enum snap_status begin(struct snap_new_file **file, const struct snap_folder *folder, const char *suffix,
                              struct snap_error *err)
{
    struct snap_new_file *begun = calloc(1, sizeof *begun);

    *file = begun;
    if (!begun || asprintf(&begun->path, "%s%s", folder->path, suffix) < 0) {
        free(begun);
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to make it", folder->path);
    }
    begun->folder = folder;
    begun->fd = -1;
    return SNAP_OK;
}

/* Which file was made; from now on it is known by this. */
static int note_identity(struct snap_new_file *file)
{
    struct stat made;

    if (fstat(file->fd, &made) != 0)
        return errno;
    file->device = made.st_dev;
    file->inode = made.st_ino;
    return 0;
}

enum snap_status snap_new_file_make(struct snap_new_file **file, const struct snap_folder *folder, const char *suffix,
                                    struct snap_error *err)
{
    char name[sizeof (*file)->name];
    struct snap_new_file *made;
    enum snap_status status = begin(&made, folder, suffix, err);
    int failed = ENAMETOOLONG;

    *file = NULL;
    if (status != SNAP_OK)
        return status;
    if ((size_t)snprintf(name, sizeof name, "%s%s", folder->name, suffix) < sizeof name)
        failed = create(made, name);
    if (!failed)
        failed = note_identity(made);
    if (failed)
        return fail_make(made, failed, err);
    *file = made;
    return SNAP_OK;
}

enum snap_status snap_new_file_make_nameless(struct snap_new_file **file, const struct snap_folder *folder,
                                             struct snap_error *err)
{
    struct snap_new_file *made;
    enum snap_status status = begin(&made, folder, "", err);
    int failed;

    *file = NULL;
    if (status != SNAP_OK)
        return status;
    if (!create_nameless(made, &failed))
        failed = create_random(made);
    if (!failed)
        failed = note_identity(made);
    if (failed)
        return fail_make(made, failed, err);
    *file = made;
    return SNAP_OK;
}

static bool is_ours(const struct snap_new_file *file, const struct snap_folder_entry *entry)
{
    return entry->exists && entry->device == file->device && entry->inode == file->inode;
}

/* The file must have the name that it was given. */
static enum snap_status check_ours(const struct snap_new_file *file, const char *name, struct snap_error *err)
{
    struct snap_folder_entry entry;
    enum snap_status status = snap_folder_look(file->folder, name, &entry, err);

    if (status != SNAP_OK || is_ours(file, &entry))
        return status;
    return snap_fail(err, SNAP_E_REFUSED,
                     "%s: somebody has removed or replaced the new file: what has the name %s is not "
                     "what was written", file->folder->path, name);
}

bool snap_new_file_is_there(const struct snap_new_file *file)
{
    return file->name[0] != '\0' && check_ours(file, file->name, NULL) == SNAP_OK;
}

static int link_to(const struct snap_new_file *file, const char *name)
{
    char through[40];

    proc_name(file, through);
    return linkat(AT_FDCWD, through, file->folder->fd, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

static int link_to_random(struct snap_new_file *file)
{
    char name[sizeof file->name];
    int failed = EEXIST;

    for (int i = 0; i < TRIES && failed == EEXIST; i++) {
        failed = random_name(file->folder, name, sizeof name);
        if (!failed)
            failed = link_to(file, name);
    }
    if (!failed) {
        memcpy(file->name, name, sizeof file->name);
        file->temporary = true;
    }
    return failed;
}

/* Some file systems cannot rename without replacing (EINVAL): there a second name does it, which never replaces. */
static int rename_alone(const struct snap_new_file *file)
{
    const struct snap_folder *folder = file->folder;

    if (renameat2(folder->fd, file->name, folder->fd, folder->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (linkat(folder->fd, file->name, folder->fd, folder->name, 0) != 0)
        return errno;
    return unlinkat(folder->fd, file->name, 0) == 0 ? 0 : errno;
}

/* Gives it the folder's name, which is free, or that of the file that was seen there before. */
static enum snap_status give_name(struct snap_new_file *file, bool replace, struct snap_error *err)
{
    const struct snap_folder *folder = file->folder;
    enum snap_status status = SNAP_OK;
    int failed = 0;

    if (file->name[0] == '\0')
        failed = replace ? link_to_random(file) : link_to(file, folder->name);
    if (!failed && file->name[0] != '\0') {
        status = check_ours(file, file->name, err);
        if (status != SNAP_OK)
            return status;
        if (!replace)
            failed = rename_alone(file);
        else if (renameat(folder->fd, file->name, folder->fd, folder->name) != 0)
            failed = errno;
    }
    if (failed == EEXIST)
        return snap_fail(err, SNAP_E_REFUSED, "%s: exists already", folder->path);
    return failed ? snap_fail_errno(err, failed, "%s: the new file cannot get this name", folder->path) : SNAP_OK;
}

/*
 * `replace`: the file that was seen before still has the name. Where nothing has it now, there is nothing to replace.
 */
static enum snap_status check_replaced(const struct snap_new_file *file, const struct snap_folder_entry *replaces,
                                       bool *replace, struct snap_error *err)
{
    const struct snap_folder *folder = file->folder;
    struct snap_folder_entry now;
    enum snap_status status = snap_folder_look(folder, folder->name, &now, err);

    *replace = now.exists;
    if (status != SNAP_OK || !now.exists || (now.device == replaces->device && now.inode == replaces->inode))
        return status;
    return snap_fail(err, SNAP_E_REFUSED, "%s: is not the file that was there before: it is not replaced",
                     folder->path);
}

enum snap_status snap_new_file_place(struct snap_new_file *file, const struct snap_folder_entry *replaces,
                                     struct snap_error *err)
{
    const struct snap_folder *folder = file->folder;
    const bool named = strcmp(file->name, folder->name) == 0;
    bool replace = false;
    enum snap_status status = SNAP_OK;

    if (fsync(file->fd) != 0)
        return snap_fail_errno(err, errno, "%s: cannot be made durable", file->path);
    if (replaces && replaces->exists)
        status = check_replaced(file, replaces, &replace, err);
    if (status == SNAP_OK && !named)
        status = give_name(file, replace, err);
    if (status == SNAP_OK)
        status = check_ours(file, folder->name, err);
    if (status != SNAP_OK)
        return status;
    (void)snprintf(file->name, sizeof file->name, "%s", folder->name);
    file->temporary = false;
    file->placed = true;
    return snap_folder_flush(folder, file->fd, err);
}

enum snap_status snap_new_file_remove(struct snap_new_file *file, struct snap_error *err)
{
    enum snap_status status;

    if (file->name[0] == '\0')
        return SNAP_OK;
    status = check_ours(file, file->name, err);
    if (status != SNAP_OK)
        return status;
    if (unlinkat(file->folder->fd, file->name, 0) != 0)
        return snap_fail_errno(err, errno, "%s: cannot be removed again", file->path);
    file->name[0] = '\0';
    file->placed = false;
    return SNAP_OK;
}

struct snap_lookup snap_new_file_lookup(const struct snap_new_file *file)
{
    struct snap_lookup lookup = {.fd = -1};

    (void)snap_lookup_describe(&lookup, file->fd); /* a failure shows when it is opened */
    lookup.folder_fd = file->folder->fd;
    lookup.name = file->name;
    return lookup;
}

enum snap_status snap_new_file_close(struct snap_new_file *file, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    if (!file)
        return SNAP_OK;
    if (file->temporary)
        (void)snap_new_file_remove(file, NULL); /* the caller has the failure that matters */
    if (close(file->fd) != 0 && errno != EINTR)
        status = snap_fail_errno(err, errno, "%s: close failed", file->path);
    free_file(file);
    return status;
}
