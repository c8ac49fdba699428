/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices for tests that record every operation in one global order and know what a power loss may leave of them. */
#ifndef DMSNAP_TEST_IO_RECORD_H
#define DMSNAP_TEST_IO_RECORD_H

#include "lib/io/io.h"

/*
 * How to explore all crash states of a run:
 *
 *     recorder_new, io_record_new for each device, recorder_on_operation(explore), run; in explore():
 *         state = recorder_state(recorder);          every disk as it is right before the operation
 *         choice = record_choice_new(disk);          per disk; starts with "nothing unflushed arrived"
 *         do { record_image(disk, choice, image); check } while (record_choice_next(disk, choice));
 *     (for several disks: one such loop inside the other), and once more after the run.
 *
 * The model: a flush of a disk makes all its earlier writes durable. Of what is not flushed, each sector of 512
 * bytes is on the disk in its durable version or in any version written since, whatever the other sectors are. The
 * requests of one transfer are operations in vector order; as any subset of them may be missing, all orders are
 * covered. Where record_choices says that there are too many to try, sample `choice` yourself: any values in range
 * are a legal state.
 */
struct recorder;
struct record_block; /* the bytes of one sector, shared by all states that hold it */

enum record_kind { RECORD_READ, RECORD_WRITE, RECORD_FLUSH };

struct record_operation {
    unsigned disk;         /* devices count from 0 in the order of io_record_new */
    enum record_kind kind;
    uint64_t offset_bytes; /* 0 for a flush */
    uint64_t length_bytes;
    const uint8_t *data;   /* of a write: what it wrote; else NULL */
};

/* A sector with unflushed versions. */
struct record_pending {
    uint64_t sector;
    size_t versions;
    struct record_block **version; /* oldest first */
};

struct record_disk {
    const char *name;
    uint64_t sectors;
    struct record_block **durable;  /* one per sector; NULL: zeros */
    size_t pending_count;
    struct record_pending *pending; /* in the order of their first unflushed write */
};

struct record_state {
    unsigned disk_count;
    struct record_disk *disks;
    size_t operations; /* how many had happened */
};

struct recorder *recorder_new(void);

/* Frees the log and all content; close the devices first. States cloned from it stay valid. */
void recorder_free(struct recorder *recorder);

/*
 * A new device of the recorder. `content` (size_bytes of it, a multiple of 512; NULL: zeros) is copied and counts
 * as durable. Strict as io_mem_new is. snap_io_close closes the device and leaves its content in the recorder, for
 * checks after the run. `name` is borrowed until recorder_free.
 */
struct snap_io *io_record_new(struct recorder *recorder, const char *name, const uint8_t *content,
                              uint64_t size_bytes, uint32_t logical_block_bytes, bool writable);

/*
 * Called before every operation (also reads) takes effect. It may look at the state and clone it; it must not use
 * the devices. NULL ends it.
 */
typedef void (*record_callback)(void *context, const struct recorder *recorder,
                                const struct record_operation *operation);
void recorder_on_operation(struct recorder *recorder, record_callback callback, void *context);

/* All operations so far, in order over all devices; valid until the next operation. */
const struct record_operation *recorder_log(const struct recorder *recorder, size_t *count);

/*
 * The log as text, to compare with what a test expects: one line per operation, "NAME write OFFSET LENGTH",
 * "NAME read OFFSET LENGTH" or "NAME flush". Reads only where `reads` is set. Free it.
 */
char *recorder_log_text(const struct recorder *recorder, bool reads);

/* Forgets the log, not the content: to look at one phase alone. */
void recorder_log_clear(struct recorder *recorder);

/* The state now, borrowed, valid until the next operation. */
const struct record_state *recorder_state(const struct recorder *recorder);

/* A copy to keep: pointers only, the sectors are shared. One thread only. */
struct record_state *record_state_clone(const struct record_state *state);
void record_state_free(struct record_state *state);

/* The disk of this name; NULL where there is none. */
const struct record_disk *record_disk_of(const struct record_state *state, const char *name);

/*
 * A choice has one number per pending sector: 0 its durable version, v its v-th unflushed one (1 = oldest).
 * record_choice_new gives all zeros; free() it.
 */
size_t *record_choice_new(const struct record_disk *disk);

/* The next choice in counting order; false, and all zeros again, after the last. */
bool record_choice_next(const struct record_disk *disk, size_t *choice);

/* What reads show while the power stays on: the newest version of each. */
void record_choice_newest(const struct record_disk *disk, size_t *choice);

/* How many choices there are; UINT64_MAX where that does not fit. */
uint64_t record_choices(const struct record_disk *disk);

/* The disk's bytes (sectors * 512) with this choice; NULL is the durable content. */
void record_image(const struct record_disk *disk, const size_t *choice, uint8_t *image);

/* Takes back what is not flushed: for a failed flush (io_fault_new's `drop`) and for a power loss in the run. */
void io_record_drop_unflushed(struct snap_io *io);

#endif
