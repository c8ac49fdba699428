/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices that a program was given: found, told apart, opened, described. */
#ifndef DMSNAP_TOOLS_SHARED_DEVICES
#define DMSNAP_TOOLS_SHARED_DEVICES

#include "lib/device/device.h"
#include "lib/device/probe.h"
#include "lib/io/file.h"
#include "lib/store/header.h"
#include "tools/cli/cli.h"

struct tool_device {
    char *path;               /* of the device or image; a tag is resolved */
    struct snap_device facts;
    struct snap_io *io;       /* NULL until it is open */
};

/* Resolves a tag and looks at the device without opening it. tool_device_close in any case. */
enum snap_status tool_device_find(struct tool_device *device, const char *argument, struct snap_error *err);

/* SNAP_E_REFUSED where the two share bytes. */
enum snap_status tool_devices_distinct(const struct tool_device *first, const struct tool_device *second,
                                       struct snap_error *err);

/* Opens it; who holds a busy device is said in the error. */
enum snap_status tool_device_open(struct tool_device *device, const struct snap_file_options *options,
                                  struct snap_error *err);

/* Closes and frees; the first failure is SNAP_E_IO. Fine for one that was never found. */
enum snap_status tool_device_close(struct tool_device *device, struct snap_error *err);

/*
 * Reads the header of `cow` into *store. Where it is no store, but the origin (NULL: none) is one, the two were most
 * likely swapped: SNAP_E_REFUSED with a text that says so. A defect of the header is no failure here.
 */
enum snap_status tool_read_store(struct snap_store *store, const struct tool_device *cow,
                                 const struct tool_device *origin, struct snap_error *err);

/*
 * All of the above for a program that only reads: the COW, the origin where `origin_argument` is not NULL, and the
 * header of the store.
 */
enum snap_status tool_open_for_reading(struct tool_device *cow, const char *cow_argument, struct tool_device *origin,
                                       const char *origin_argument, struct snap_store *store, struct snap_error *err);

/* A partly used last sector of an image takes no part; for a note. 0 for all others. */
uint64_t tool_device_tail_bytes(const struct tool_device *device);

/* Memory that could be used now, as the kernel estimates it; 0 where it does not say. */
uint64_t tool_available_memory_bytes(void);

/* Puts this process, and the threads it makes later, into the idle class of I/O priorities. False: errno says why. */
bool tool_idle_priority(void);

/* For the library's stop callbacks. */
bool tool_stop(void *context);

#endif
