/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares names with what was opened by them, and says what is true of both. */
#include "tools/shared/moved.h"

#include "lib/base/present.h"
#include "tools/cli/json.h"
#include "tools/cli/result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *sentence_of(enum snap_present_name name)
{
    return name == SNAP_PRESENT_OTHER     ? "this name now means something else"
           : name == SNAP_PRESENT_NOTHING ? "nothing has this name any more"
                                          : "it cannot be told what this name means now";
}

static const char *word_of(enum snap_present_name name)
{
    return name == SNAP_PRESENT_OTHER ? "other" : name == SNAP_PRESENT_NOTHING ? "nothing" : "unknown";
}

static void keep_json(struct cli *cli, const char *name, const struct snap_present *present)
{
    struct cli_json *object = cli_json_object();

    cli_json_set_string(object, "name", name);
    cli_json_set_string(object, "means", word_of(present->name));
    cli_json_set_bool(object, "removed", present->removed);
    cli_json_set_string(object, "path", present->path);
    cli_result_moved(cli, object);
}

static int tell(struct cli *cli, const char *name, const struct snap_present *present, bool written)
{
    const bool failed = written && (present->name == SNAP_PRESENT_OTHER || present->removed);
    void (*const say)(struct cli *, const char *, ...) = failed ? cli_error : cli_warn;

    if (present->path)
        say(cli, "%s: %s; what was used is what was opened by it, and that is now at %s", name,
            sentence_of(present->name), present->path);
    else if (present->removed)
        say(cli, "%s: %s; what was used is the file that was opened by it, which was removed: what it holds is lost "
            "when this program ends", name, sentence_of(present->name));
    else
        say(cli, "%s: %s; what was used is what was opened by it, and where that is now is not known", name,
            sentence_of(present->name));
    keep_json(cli, name, present);
    return failed ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

int moved_say_file(struct cli *cli, char **path, int fd, const struct snap_folder *folder, bool written,
                   int exit_status)
{
    struct snap_present present;

    snap_present_look(&present, *path, fd, folder);
    if (present.name == SNAP_PRESENT_SAME) {
        snap_present_free(&present);
        return exit_status;
    }
    exit_status = cli_exit_worse(exit_status, tell(cli, *path, &present, written));
    free(*path);
    *path = present.path;
    return exit_status;
}

/* What was looked up; of a file that was made in this run, the file itself. */
static int descriptor_of(const struct device *device)
{
    if (device->found)
        return device->found->fd;
    return device->folder && device->io ? snap_file_fd(device->io) : -1;
}

/* Its size at the end: what is gone may be what was written, though nothing has read it since. */
static int say_cut(struct cli *cli, struct device *device)
{
    struct snap_error err = {0};

    device->shrunk = device->io && snap_file_keeps_size(device->io, &err) == SNAP_E_CHANGED;
    /* What the run failed with is that already. */
    return err.status == SNAP_OK || cli->failure.status == SNAP_E_CHANGED ? CLI_EXIT_OK : cli_fail(cli, &err);
}

int moved_say(struct cli *cli, struct device *device, bool written, int exit_status)
{
    const int fd = descriptor_of(device);
    char *given;

    if (fd < 0 || device->name_looked_at)
        return exit_status;
    device->name_looked_at = true;
    exit_status = cli_exit_worse(exit_status, say_cut(cli, device));
    given = strdup(device->path);
    if (!given)
        return exit_status;
    exit_status = moved_say_file(cli, &given, fd, device->folder, written, exit_status);
    device->nameless = !given;
    if (!given)
        return exit_status;
    device->moved = strcmp(given, device->path) != 0;
    free(device->path);
    device->path = given;
    return exit_status;
}

int moved_say_all(struct cli *cli, struct device *const *devices, size_t count, int exit_status)
{
    for (size_t i = 0; i < count; i++)
        exit_status = moved_say(cli, devices[i], devices[i]->io && devices[i]->io->writable, exit_status);
    return exit_status;
}

char *moved_place(const struct snap_folder *folder)
{
    struct snap_present present;

    snap_present_look_folder(&present, folder);
    return present.path;
}

void moved_no_line(struct cli *cli, const char *line, const char *name)
{
    cli_line(cli, "%s: there is no line for that, since it is not known where %s is now.", line, name);
}
