/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program may still write to while it works on bytes that others wrote. */
#ifndef DMSNAP_TOOLS_SHARED_SANDBOX
#define DMSNAP_TOOLS_SHARED_SANDBOX

#include "lib/base/confine.h"
#include "tools/cli/cli.h"

#define SANDBOX_ARGUMENTS_MAX 24u

/* Starts as all zeros. The arguments are borrowed until sandbox_enter. */
struct sandbox {
    struct {
        const char *argument;
        bool replaced;
    } arguments[SANDBOX_ARGUMENTS_MAX];
    size_t count;
    bool overflowed;
    bool tables; /* device-mapper may be told to make, change and remove devices */
    const struct snap_confine_place *more; /* open already */
    size_t more_count;
};

/*
 * A device or image that will be written to, as it is named on the command line: a path or a tag. Where there is
 * nothing of that name, its folder, since it will be made. NULL: nothing.
 */
void sandbox_allow(struct sandbox *sandbox, const char *argument);

/* A side file that is replaced as a whole: all of its folder. NULL: nothing. */
void sandbox_allow_replacing(struct sandbox *sandbox, const char *path);

/* Places that are open already; borrowed until sandbox_enter, and called once. */
void sandbox_allow_places(struct sandbox *sandbox, const struct snap_confine_place *places, size_t count);

/*
 * Confines the program to these places, unless --no-sandbox was given; what is in force is said under -v. Called once,
 * before any device is opened. A name that cannot be looked up is left out: the program finds that out itself, and says
 * so, when it opens the same thing. More arguments than the sandbox takes leave it off.
 */
void sandbox_enter(const struct sandbox *sandbox, struct cli *cli);

#endif
