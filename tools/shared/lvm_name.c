/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the names of LVM volumes apart as LVM puts them together. */
#include "tools/shared/lvm_name.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_CHARACTERS_MAX 127u
#define UUID_CHARACTERS 68 /* "LVM-", and 32 characters each for the group and for the volume */
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-"

/* Folders of /dev that are no group of LVM. */
static const char *const other_folders[] = {"block", "char", "disk", "fd", "loop", "mapper", "md", "pts", "shm"};

static bool is_name(const char *text, size_t length)
{
    return length > 0 && length <= NAME_CHARACTERS_MAX && text[0] != '-' && strspn(text, NAME_CHARACTERS) >= length &&
           !(text[0] == '.' && (length == 1 || (length == 2 && text[1] == '.')));
}

static bool make(const char *vg, size_t vg_length, const char *lv, struct lvm_name *name)
{
    const size_t lv_length = strlen(lv);

    if (!is_name(vg, vg_length) || !is_name(lv, lv_length))
        return false;
    (void)snprintf(name->text, sizeof name->text, "%s%.*s/%s", LVM_NAME_PREFIX, (int)vg_length, vg, lv);
    return true;
}

/* Up to the next dash that stands alone; two are one of the name. Returns that dash or the end; NULL: no room. */
static const char *take_part(const char *from, char part[NAME_CHARACTERS_MAX + 1])
{
    size_t used = 0;

    for (; from[0] != '\0' && (from[0] != '-' || from[1] == '-'); from++) {
        if (used == NAME_CHARACTERS_MAX)
            return NULL;
        part[used++] = from[0];
        from += from[0] == '-';
    }
    part[used] = '\0';
    return from;
}

bool lvm_name_of_mapped(const char *dm_name, struct lvm_name *name)
{
    char vg[NAME_CHARACTERS_MAX + 1], lv[NAME_CHARACTERS_MAX + 1];
    const char *rest = take_part(dm_name, vg);

    rest = rest && rest[0] == '-' ? take_part(rest + 1, lv) : NULL;
    return rest && (rest[0] == '\0' || strcmp(rest, "-cow") == 0 || strcmp(rest, "-real") == 0) &&
           make(vg, strlen(vg), lv, name);
}

bool lvm_name_of_typed(const char *typed, struct lvm_name *name)
{
    const bool in_dev = strncmp(typed, "/dev/", 5) == 0;
    const char *rest = in_dev ? typed + 5 : typed;
    const char *slash = strchr(rest, '/');
    const size_t vg_length = slash ? (size_t)(slash - rest) : 0;

    if (strncmp(typed, "/dev/mapper/", 12) == 0)
        return lvm_name_of_mapped(typed + 12, name);
    if (!slash)
        return false;
    for (size_t i = 0; in_dev && i < sizeof other_folders / sizeof other_folders[0]; i++)
        if (strlen(other_folders[i]) == vg_length && memcmp(other_folders[i], rest, vg_length) == 0)
            return false;
    return make(rest, vg_length, slash + 1, name);
}

bool lvm_name_of_missing(const char *typed, struct lvm_name *name)
{
    char folder[NAME_CHARACTERS_MAX + 1];
    const char *slash = strchr(typed, '/');

    if (!lvm_name_of_typed(typed, name) || access(typed, F_OK) == 0)
        return false;
    if (slash == typed)
        return true;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - typed), typed);
    return access(folder, F_OK) != 0;
}

void lvm_name_add(const char *typed, struct snap_error *err)
{
    const size_t used = strlen(err->text);
    struct lvm_name name;

    if (lvm_name_of_missing(typed, &name))
        (void)snprintf(err->text + used, sizeof err->text - used, "; an LVM volume that is not active is named %s",
                       name.text);
}

bool lvm_name_store_node(const struct snap_device *facts, char *path, size_t path_bytes)
{
    /* A volume that LVM keeps inside of another one has more behind the two: "-cow", "-real". */
    return facts->dm_name[0] != '\0' && strncmp(facts->serial, "LVM-", 4) == 0 &&
           strlen(facts->serial) == UUID_CHARACTERS &&
           (size_t)snprintf(path, path_bytes, "/dev/mapper/%s-cow", facts->dm_name) < path_bytes;
}

bool lvm_name_of_view(const struct snap_device *facts, struct lvm_name_view *view)
{
    char path[sizeof "/dev/mapper/-cow" + sizeof facts->dm_name];
    struct lvm_name name;

    if (!lvm_name_store_node(facts, path, sizeof path) || access(path, F_OK) != 0)
        return false;
    if (lvm_name_of_mapped(facts->dm_name, &name))
        (void)snprintf(view->text, sizeof view->text, "%s, or, while it is not active, %s", path, name.text);
    else
        (void)snprintf(view->text, sizeof view->text, "%s", path);
    return true;
}
