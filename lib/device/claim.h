/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps everybody else from the bytes of a device under all their names, for as long as they are written to. */
#ifndef DMSNAP_DEVICE_CLAIM
#define DMSNAP_DEVICE_CLAIM

#include "lib/base/error.h"
#include "lib/device/device.h"

#include <stdbool.h>

struct snap_claim;

/*
 * For a device or image that is open and held under its own name (snap_file_open). Other names of its bytes are held,
 * too:
 *
 * - every other loop device that shows any of them is opened exclusively, so that it can neither be in use nor get into
 *   use; an image that any loop device shows is busy: that device is to be used, or detached;
 * - loop devices that show any bytes of what a device-mapper or md device is made of, and device-mapper devices whose
 *   tables map the same bytes, must not be in use now; they are not held, since they may have bytes of several devices;
 * - of the file behind a loop device, what the device shows is locked, as snap_file_open locks an image, so that two
 *   runs through two loop devices, or through a loop device and the file, meet;
 * - a file that the kernel uses by itself, as swap space or as a file system that is mounted without a loop device, is
 *   busy, under each of its names;
 * - a file on an overlay file system, also one behind a loop device, is locked under its other name, in a layer or in
 *   the merged view, and the loop devices over that count as well, however that name is found.
 *
 * `fd`: an open descriptor of the image; not used for block devices. The claim lasts until snap_claim_release.
 *
 * SNAP_E_BUSY: somebody has it; the text says who. SNAP_E_UNSUPPORTED: the system does not tell what a loop device
 * shows, or whether there is one, so that nobody can know whether the image is in use; the text says what is missing.
 * SNAP_E_NOMEM. *claim is NULL after a failure.
 */
enum snap_status snap_claim_take(struct snap_claim **claim, const char *path, const struct snap_device *device, int fd,
                                 struct snap_error *err);

/* Whether the image may have names that cannot be seen here: it lies on an overlay whose layers are elsewhere. */
bool snap_claim_names_hidden(const struct snap_claim *claim);

/* NULL is fine. */
void snap_claim_release(struct snap_claim *claim);

#endif
