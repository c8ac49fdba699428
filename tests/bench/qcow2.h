/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a qcow2 overlay whose clusters lie in the order of a list, as if a guest had written them so. */
#ifndef BENCH_QCOW2_H
#define BENCH_QCOW2_H

#include <stdint.h>

struct qcow2;

/*
 * Creates the image with all its tables: cluster olds[i] is the i-th data cluster. It names no backing file yet:
 * qemu-img rebase -u. `olds` is only used during the call. Ends the program where something fails.
 */
struct qcow2 *qcow2_create(const char *path, uint64_t size_bytes, uint64_t cluster_bytes, const uint64_t *olds,
                           uint64_t count);

void qcow2_write_cluster(struct qcow2 *image, uint64_t index, const uint8_t *data);

/* Writes what is buffered, makes it durable, frees the object. */
void qcow2_close(struct qcow2 *image);

#endif
