/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From snapmerge's command line and devices to the options of the library's merge. */
#include "tools/merge/tune.h"

#include "lib/base/clock.h"
#include "lib/io/seek_cost.h"
#include "tools/cli/size.h"
#include "tools/shared/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* This process, and the threads that it makes later, use the disks only while nobody else does. */
static void be_idle(struct cli *cli)
{
    if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)) != 0)
        cli_warn(cli, "the I/O priority cannot be set to idle: %s", strerror(errno));
}

void merge_tune_start(struct merge_session *session)
{
    session->options = (struct snap_merge_options){
        .memory_bytes = memory_to_use_bytes(session->arguments.memory_bytes),
        .rate_bytes = session->arguments.rate_limit_bytes,
        .rate_requests = session->arguments.iops_limit,
        .verify = session->arguments.verify,
        .skip_identical = session->arguments.skip_identical,
        .continue_on_error = session->arguments.continue_on_error,
        .drop_bad = session->arguments.drop_bad,
        .read_ahead = true,
        .stop = cli_stop_asked,
    };
    session->memory_bytes = session->options.memory_bytes;
    if (session->arguments.idle)
        be_idle(session->cli);
}

/* Behind a file system, a loop device or device-mapper the disk is not known. */
static bool disk_known(const struct snap_device *device)
{
    return device->block_device && !device->is_loop && device->dm_name[0] == '\0';
}

enum snap_merge_seeks merge_tune_seeks(const struct snap_device *origin, bool origin_spins,
                                       const struct snap_device *cow, bool cow_spins)
{
    if (!origin_spins && !cow_spins)
        return SNAP_MERGE_SEEKS_FREE;
    if (origin_spins != cow_spins)
        return SNAP_MERGE_SEEKS_TWO_DISKS;
    return disk_known(origin) && disk_known(cow) && origin->disk_number != cow->disk_number
               ? SNAP_MERGE_SEEKS_TWO_DISKS
               : SNAP_MERGE_SEEKS_ONE_DISK;
}

/* Virtual disks say by default that they spin, so the cost of a seek is measured. */
static bool spins(const struct device *device)
{
    struct snap_file_info info;
    struct snap_error ignored; /* a read error is met again in the merge, and reported there */
    uint64_t seek_ns;

    if (!device->facts.rotational)
        return false;
    devices_info(device, &info);
    return !info.direct || snap_seek_cost_measure(device->io, &snap_clock_system, &seek_ns, &ignored) != SNAP_OK ||
           seek_ns >= SNAP_SEEK_SPINNING_NS;
}

static enum snap_merge_seeks find_out_seeks(const struct merge_session *session)
{
    switch (session->arguments.seeks) {
    case MERGE_SEEKS_FREE:
        return SNAP_MERGE_SEEKS_FREE;
    case MERGE_SEEKS_TWO_DISKS:
        return SNAP_MERGE_SEEKS_TWO_DISKS;
    case MERGE_SEEKS_ONE_DISK:
        return SNAP_MERGE_SEEKS_ONE_DISK;
    default:
        return merge_tune_seeks(&session->origin.facts, spins(&session->origin), &session->cow.facts,
                                spins(&session->cow));
    }
}

static void explain_device(const struct merge_session *session, const char *what, const struct device *device)
{
    const uint64_t depth = session->arguments.queue_depth ? session->arguments.queue_depth : SNAP_QUEUE_DEPTH_DEFAULT;
    struct snap_file_info info;

    devices_info(device, &info);
    cli_verbose(session->cli, "%s: as the %s: requests by %s, up to %" PRIu64 " at once, %s, blocks of %s",
                device->path, what, info.engine == SNAP_IO_ENGINE_URING ? "io_uring" : "threads", depth,
                info.direct ? "past the page cache" : "through the page cache",
                cli_count_text(device->io->logical_block_bytes, "byte", "bytes").text);
}

/* With --verbose: what was chosen, and why. */
static void explain(const struct merge_session *session)
{
    static const char *const seeks[] = {
        [SNAP_MERGE_SEEKS_FREE] = "cost nothing",
        [SNAP_MERGE_SEEKS_TWO_DISKS] = "cost time on two disks",
        [SNAP_MERGE_SEEKS_ONE_DISK] = "cost time on the one disk of both",
    };

    explain_device(session, "origin", &session->origin);
    explain_device(session, "COW", &session->cow);
    cli_verbose(session->cli, "seeks %s (%s); progress is made durable about every %" PRIu64 " s",
                seeks[session->options.seeks],
                session->arguments.seeks == MERGE_SEEKS_AUTO ? "found out" : "as --seeks says",
                session->options.interval_seconds);
    cli_verbose(session->cli, "memory for buffers and tables: at most %s (%s)",
                cli_size_text(session->memory_bytes).text,
                session->arguments.memory_bytes ? "as --memory says" : "a share of what is available");
}

enum snap_status merge_tune_devices(struct merge_session *session, struct snap_error *err)
{
    struct snap_file_info info;

    session->options.seeks = find_out_seeks(session);
    session->options.interval_seconds =
        session->arguments.checkpoint_seconds                     ? session->arguments.checkpoint_seconds
        : session->options.seeks == SNAP_MERGE_SEEKS_FREE ? SNAP_MERGE_INTERVAL_DEFAULT_SECONDS
                                                          : SNAP_MERGE_INTERVAL_SEEKS_SECONDS;
    explain(session);
    devices_info(&session->origin, &info);
    if (info.direct || (!session->arguments.verify && !session->arguments.skip_identical))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_UNSUPPORTED, "%s: it cannot be read past the page cache here, and a comparison with "
                     "the cache proves nothing; leave %s out", session->origin.path,
                     session->arguments.verify ? "--verify" : "--skip-identical");
}
