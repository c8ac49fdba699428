/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the names of all that a merge has opened. */
#include "tools/merge/places.h"

#include "tools/shared/moved.h"

#include <stdlib.h>
#include <string.h>

/* A file that was not written is only made later, where its folder is then. */
static int say_replaced(struct cli *cli, const struct snap_replace *file, char **place, int exit_status)
{
    if (!file)
        return exit_status;
    if (!file->written || file->old_fd < 0) {
        *place = moved_place(file->folder);
        return exit_status;
    }
    *place = strdup(file->folder->path);
    return *place ? moved_say_file(cli, place, file->old_fd, file->folder, true, exit_status) : exit_status;
}

int merge_places_say(struct merge_session *session, int exit_status)
{
    struct merge_places *places = &session->places;
    struct device *const devices[] = {&session->cow, &session->origin};

    if (places->said)
        return exit_status;
    places->said = true;
    exit_status = moved_say_all(session->cli, devices, 2, exit_status);
    for (unsigned i = 0; i < session->preserve.count; i++) {
        struct device *device = &session->preserve.siblings[i].device;

        exit_status = moved_say_all(session->cli, &device, 1, exit_status);
    }
    exit_status = say_replaced(session->cli, session->keep_cow.file, &places->checkpoint, exit_status);
    return say_replaced(session->cli, session->bad.file, &places->bad_list, exit_status);
}

const char *merge_places_missing(const struct merge_session *session)
{
    const struct device *const devices[] = {&session->origin, &session->cow};

    for (size_t i = 0; i < 2; i++)
        if (devices[i]->nameless)
            return devices[i]->path;
    for (unsigned i = 0; i < session->preserve.count; i++)
        if (session->preserve.siblings[i].device.nameless && !session->preserve.siblings[i].invalidate)
            return session->preserve.siblings[i].device.path;
    if (session->keep_cow.file && !session->places.checkpoint)
        return session->arguments.checkpoint;
    return session->bad.file && !session->places.bad_list ? session->arguments.bad_list : NULL;
}

void merge_places_free(struct merge_session *session)
{
    free(session->places.checkpoint);
    free(session->places.bad_list);
    session->places = (struct merge_places){.said = true};
}
