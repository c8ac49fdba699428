/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects the places that a program may write to, and shuts all others. */
#include "tools/shared/sandbox.h"

#include "lib/base/array.h"
#include "lib/base/folder.h"
#include "lib/device/device.h"
#include "lib/device/tag.h"
#include "tools/cli/stop.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two for each argument at most (a loop device and its file), the terminal, and device-mapper with its nodes. */
#define PLACES_MAX (2u * SANDBOX_ARGUMENTS_MAX + 3u)

struct places {
    struct snap_confine_place *at;
    size_t count;
};

static void add(struct places *places, int fd, bool folder)
{
    if (fd >= 0)
        places->at[places->count++] = (struct snap_confine_place){.fd = fd, .folder = folder};
}

static void add_folder(struct places *places, const char *path)
{
    struct snap_folder *folder;

    if (snap_folder_open(&folder, path, NULL) != SNAP_OK)
        return;
    add(places, fcntl(folder->fd, F_DUPFD_CLOEXEC, 0), true);
    snap_folder_close(folder);
}

/* A loop device, and the file behind it, which is locked as well. */
static void add_device(struct places *places, const char *path)
{
    struct snap_device device;

    add(places, open(path, O_PATH | O_CLOEXEC), false);
    if (snap_device_describe(path, &device, NULL) == SNAP_OK && device.is_loop && device.backing_path[0] == '/')
        add(places, open(device.backing_path, O_PATH | O_CLOEXEC | O_NOFOLLOW), false);
}

static void add_argument(struct places *places, const char *argument)
{
    struct snap_lookup *found;
    struct stat st;
    char *path;

    if (snap_tag_resolve(argument, &path, &found, NULL) != SNAP_OK)
        return;
    snap_lookup_free(found); /* what is opened later is looked up then; another device stays shut */
    if (stat(path, &st) != 0)
        add_folder(places, path);
    else if (S_ISBLK(st.st_mode) || S_ISREG(st.st_mode))
        add_device(places, path);
    free(path);
}

static void remember(struct sandbox *sandbox, const char *argument, bool replaced)
{
    if (!argument)
        return;
    sandbox->overflowed |= sandbox->count == SANDBOX_ARGUMENTS_MAX;
    if (sandbox->overflowed)
        return;
    sandbox->arguments[sandbox->count].argument = argument;
    sandbox->arguments[sandbox->count++].replaced = replaced;
}

void sandbox_allow(struct sandbox *sandbox, const char *argument)
{
    remember(sandbox, argument, false);
}

void sandbox_allow_replacing(struct sandbox *sandbox, const char *path)
{
    remember(sandbox, path, true);
}

void sandbox_allow_places(struct sandbox *sandbox, const struct snap_confine_place *places, size_t count)
{
    sandbox->more = places;
    sandbox->more_count = count;
}

void sandbox_enter(const struct sandbox *sandbox, struct cli *cli)
{
    struct places places = {.at = snap_array_new(PLACES_MAX + sandbox->more_count, sizeof *places.at)};
    unsigned confined;
    int fd;
    bool stopped;

    if (cli->no_sandbox || sandbox->overflowed || !places.at) {
        cli_verbose(cli, "sandbox: off");
        free(places.at);
        return;
    }
    stopped = cli_stop_hold(); /* a device may not answer; what comes next is the devices_find that says it */
    for (size_t i = 0; i < sandbox->count && !stopped; i++) {
        if (sandbox->arguments[i].replaced)
            add_folder(&places, sandbox->arguments[i].argument);
        else
            add_argument(&places, sandbox->arguments[i].argument);
    }
    cli_stop_release();
    add(&places, open("/dev/tty", O_PATH | O_CLOEXEC), false); /* for questions */
    add(&places, open("/dev/mapper/control", O_PATH | O_CLOEXEC), false); /* to ask which tables use a device */
    if (sandbox->tables && (fd = open("/dev/mapper", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0) {
        add(&places, fd, true);
        places.at[places.count - 1].nodes = true;
    }
    for (size_t i = 0; i < sandbox->more_count; i++)
        places.at[places.count + i] = sandbox->more[i];
    confined = snap_confine_program(places.at, places.count + sandbox->more_count, sandbox->tables);
    for (size_t i = 0; i < places.count; i++)
        (void)close(places.at[i].fd); /* the kernel has its own */
    free(places.at);
    cli_verbose(cli, "sandbox: writing elsewhere is %s; system calls are %s",
                confined & SNAP_CONFINED_FILES ? "stopped" : "not stopped (this kernel has no Landlock)",
                confined & SNAP_CONFINED_SYSCALLS ? "limited"
                                                  : "not limited (no seccomp in this kernel, or no "
                                                  "libseccomp in this build)");
}
