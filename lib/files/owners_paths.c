/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds names: once through all folders for files, then level by level for the folders above. */
#include "lib/files/owners_paths_private.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS_MAX 256u /* of folders; deeper ones stay without a path */
#define FOLDERS_MAX (4u * SNAP_OWNERS_NAMED_MAX)

static int by_inode(const void *left, const void *right)
{
    const uint32_t a = ((const struct snap_owners_node *)left)->inode;
    const uint32_t b = ((const struct snap_owners_node *)right)->inode;

    return (a > b) - (a < b);
}

static struct snap_owners_node *find(const struct snap_owners_paths *paths, size_t count, uint32_t inode)
{
    const struct snap_owners_node key = {.inode = inode};

    return count == 0 ? NULL : bsearch(&key, paths->nodes, count, sizeof key, by_inode);
}

static bool append(struct snap_owners_paths *paths, uint32_t inode)
{
    if (paths->count == paths->room) {
        const size_t room = paths->room ? 2 * paths->room : 256;
        struct snap_owners_node *nodes = realloc(paths->nodes, room * sizeof *nodes);

        if (!nodes)
            return false;
        paths->nodes = nodes;
        paths->room = room;
    }
    paths->nodes[paths->count++] = (struct snap_owners_node){.inode = inode};
    return true;
}

bool snap_owners_paths_add(struct snap_owners_paths *paths, uint32_t inode)
{
    return paths->count < SNAP_OWNERS_NAMED_MAX && append(paths, inode);
}

/*
 * ---- names -----------------------------------------------------------------------------------------------------
 */

struct search {
    struct snap_owners_paths *paths;
    size_t missing;          /* nodes without a name that may still get one */
    uint32_t folder;         /* that is looked through */
    uint32_t above;          /* what it has as ".." */
    bool out_of_memory;
};

static bool take_name(void *context, const char *name, size_t length, uint32_t inode)
{
    struct search *search = context;
    struct snap_owners_node *node;

    if (length == 0 || (length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.'))
        return true;
    node = find(search->paths, search->paths->count, inode);
    if (!node || node->name || inode == SNAP_EXT2_ROOT)
        return true;
    node->name = calloc(1, length + 1);
    if (!node->name) {
        search->out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < length; i++) /* no sound name has these, and they would make another path of it */
        node->name[i] = name[i] == '\0' || name[i] == '/' ? '?' : name[i];
    node->folder = search->folder;
    search->missing--;
    return search->missing > 0;
}

static bool take_above(void *context, const char *name, size_t length, uint32_t inode)
{
    struct search *search = context;

    if (length != 2 || memcmp(name, "..", 2) != 0)
        return true;
    search->above = inode;
    return false;
}

static enum snap_status search_all(struct search *search, struct snap_ext2 *fs, struct snap_error *err)
{
    struct snap_ext2_inode inode;
    enum snap_status status = snap_ext2_first_inode(fs, err);

    while (status == SNAP_OK && search->missing > 0 && !search->out_of_memory && snap_ext2_next_inode(fs, &inode)) {
        if (inode.type != SNAP_OWNERS_FOLDER || inode.deleted)
            continue;
        search->folder = inode.number;
        snap_ext2_names(fs, inode.number, take_name, search);
    }
    return status;
}

/* Adds the folders of the nodes that are not among them yet; `first` is the first of the new ones. */
static bool add_folders(struct snap_owners_paths *paths, size_t *first)
{
    const size_t count = paths->count;
    size_t kept = count;

    for (size_t i = 0; i < count && paths->count < FOLDERS_MAX; i++) {
        const uint32_t folder = paths->nodes[i].folder;

        if (folder != 0 && folder != SNAP_EXT2_ROOT && !find(paths, count, folder) && !append(paths, folder))
            return false;
    }
    if (paths->count > count)
        qsort(paths->nodes + count, paths->count - count, sizeof *paths->nodes, by_inode);
    for (size_t i = count; i < paths->count; i++)
        if (kept == count || paths->nodes[kept - 1].inode != paths->nodes[i].inode)
            paths->nodes[kept++] = paths->nodes[i];
    paths->count = kept;
    *first = count;
    return true;
}

static int by_number(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

/* Each folder knows the one above it, which knows its name. Each of those is looked through once. */
static enum snap_status search_above(struct search *search, struct snap_ext2 *fs, size_t first, struct snap_error *err)
{
    struct snap_owners_paths *paths = search->paths;
    const size_t count = paths->count - first;
    uint32_t *above = calloc(count, sizeof *above);

    if (!above)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the names of folders");
    for (size_t i = 0; i < count; i++) {
        search->above = 0;
        snap_ext2_names(fs, paths->nodes[first + i].inode, take_above, search);
        above[i] = search->above;
    }
    qsort(above, count, sizeof *above, by_number);
    qsort(paths->nodes, paths->count, sizeof *paths->nodes, by_inode);
    search->missing = 0;
    for (size_t i = 0; i < paths->count; i++)
        search->missing += !paths->nodes[i].name;
    for (size_t i = 0; i < count && search->missing > 0 && !search->out_of_memory; i++) {
        search->folder = above[i];
        if (above[i] != 0 && (i == 0 || above[i] != above[i - 1]))
            snap_ext2_names(fs, above[i], take_name, search);
    }
    free(above);
    return SNAP_OK;
}

enum snap_status snap_owners_paths_find(struct snap_owners_paths *paths, struct snap_ext2 *fs, struct snap_error *err)
{
    struct search search = {.paths = paths, .missing = paths->count};
    enum snap_status status = search_all(&search, fs, err);
    size_t first = 0;

    for (unsigned level = 0; level < LEVELS_MAX && status == SNAP_OK && !search.out_of_memory; level++) {
        if (!add_folders(paths, &first))
            search.out_of_memory = true;
        else if (first == paths->count)
            break;
        else
            status = search_above(&search, fs, first, err);
    }
    return search.out_of_memory ? snap_fail(err, SNAP_E_NOMEM, "no memory for the names of files") : status;
}

size_t snap_owners_paths_get(const struct snap_owners_paths *paths, uint32_t inode,
                             char path[SNAP_OWNERS_PATH_BYTES_MAX])
{
    size_t start = SNAP_OWNERS_PATH_BYTES_MAX, length;

    if (inode == SNAP_EXT2_ROOT) {
        path[0] = '/';
        return 1;
    }
    for (unsigned level = 0; level < LEVELS_MAX && inode != SNAP_EXT2_ROOT; level++) { /* from its end */
        const struct snap_owners_node *node = find(paths, paths->count, inode);

        if (!node || !node->name)
            return 0;
        length = strlen(node->name);
        if (length + 1 > start)
            return 0;
        start -= length + 1;
        path[start] = '/';
        memcpy(path + start + 1, node->name, length);
        inode = node->folder;
    }
    if (inode != SNAP_EXT2_ROOT) /* folders in a circle */
        return 0;
    length = SNAP_OWNERS_PATH_BYTES_MAX - start;
    memmove(path, path + start, length);
    return length;
}

void snap_owners_paths_free(struct snap_owners_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->nodes[i].name);
    free(paths->nodes);
    *paths = (struct snap_owners_paths){.count = 0};
}
