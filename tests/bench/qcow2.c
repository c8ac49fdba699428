/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The qcow2 writer: header, tables in front, data behind them in list order (version 3, 16-bit counts). */
#include "tests/bench/qcow2.h"

#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 104u
#define COPIED ((uint64_t)1 << 63) /* the cluster has one user */

struct qcow2 {
    const char *path;
    int fd;
    uint64_t cluster_bytes;
    uint64_t data_cluster;    /* first data cluster of the file */
    uint8_t *buffer;          /* clusters [buffer_first, buffer_first + buffered) of the data */
    uint64_t buffer_first, buffered;
};

/* Where each part starts, in clusters; the parts follow each other. */
struct places {
    uint64_t l1, refcount_table, refcount_blocks, l2, data, end;
};

static uint64_t div_up(uint64_t value, uint64_t divisor)
{
    return (value + divisor - 1) / divisor;
}

static void put_be32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_be64(uint8_t *bytes, uint64_t value)
{
    put_be32(bytes, (uint32_t)(value >> 32));
    put_be32(bytes + 4, (uint32_t)value);
}

static void place(struct places *places, uint64_t cluster_bytes, uint64_t l2_tables, uint64_t count)
{
    uint64_t blocks = 1, table = 1;

    /* The reference counts count themselves. */
    for (;;) {
        places->l1 = 1;
        places->refcount_table = places->l1 + div_up(l2_tables * 8, cluster_bytes);
        places->refcount_blocks = places->refcount_table + table;
        places->l2 = places->refcount_blocks + blocks;
        places->data = places->l2 + l2_tables;
        places->end = places->data + count;
        if (blocks * (cluster_bytes / 2) < places->end)
            blocks++;
        else if (table * (cluster_bytes / 8) < blocks)
            table++;
        else
            return;
    }
}

static void fill_header(uint8_t *header, const struct places *places, uint64_t size_bytes, uint64_t cluster_bytes,
                        uint64_t l2_tables)
{
    unsigned bits = 0;

    while ((uint64_t)1 << bits < cluster_bytes)
        bits++;
    memcpy(header, "QFI\xfb", 4);
    put_be32(header + 4, 3);
    put_be32(header + 20, bits);
    put_be64(header + 24, size_bytes);
    put_be32(header + 36, (uint32_t)l2_tables);
    put_be64(header + 40, places->l1 * cluster_bytes);
    put_be64(header + 48, places->refcount_table * cluster_bytes);
    put_be32(header + 56, (uint32_t)(places->refcount_blocks - places->refcount_table));
    put_be32(header + 96, 4); /* 2^4 bits for each count */
    put_be32(header + 100, HEADER_BYTES);
}

static void fill_tables(uint8_t *tables, const struct places *places, uint64_t cluster_bytes, uint64_t l2_tables,
                        const uint64_t *olds, uint64_t count)
{
    uint8_t *l1 = tables + places->l1 * cluster_bytes, *l2 = tables + places->l2 * cluster_bytes;
    uint8_t *table = tables + places->refcount_table * cluster_bytes;
    uint8_t *blocks = tables + places->refcount_blocks * cluster_bytes;

    for (uint64_t i = 0; i < l2_tables; i++)
        put_be64(l1 + 8 * i, (places->l2 + i) * cluster_bytes | COPIED);
    for (uint64_t i = 0; i < places->l2 - places->refcount_blocks; i++)
        put_be64(table + 8 * i, (places->refcount_blocks + i) * cluster_bytes);
    for (uint64_t i = 0; i < places->end; i++)
        blocks[2 * i + 1] = 1;
    /* The L2 tables follow each other: together one table over all clusters. */
    for (uint64_t i = 0; i < count; i++)
        put_be64(l2 + 8 * olds[i], (places->data + i) * cluster_bytes | COPIED);
}

struct qcow2 *qcow2_create(const char *path, uint64_t size_bytes, uint64_t cluster_bytes, const uint64_t *olds,
                           uint64_t count)
{
    const uint64_t l2_tables = div_up(size_bytes, cluster_bytes * (cluster_bytes / 8));
    struct qcow2 *image = calloc(1, sizeof *image);
    struct places places = {0};
    uint8_t *tables;

    if (!image)
        die(ENOMEM, "%s", path);
    place(&places, cluster_bytes, l2_tables, count);
    image->path = path;
    image->fd = open_or_die(path, O_RDWR | O_CREAT);
    image->cluster_bytes = cluster_bytes;
    image->data_cluster = places.data;
    image->buffer = aligned_buffer(BUFFER_BYTES);
    set_size(image->fd, path, places.end * cluster_bytes);

    tables = aligned_buffer(places.data * cluster_bytes);
    fill_header(tables, &places, size_bytes, cluster_bytes, l2_tables);
    fill_tables(tables, &places, cluster_bytes, l2_tables, olds, count);
    write_all(image->fd, path, tables, places.data * cluster_bytes, 0);
    free(tables);
    return image;
}

static void write_buffered(struct qcow2 *image)
{
    write_all(image->fd, image->path, image->buffer, image->buffered * image->cluster_bytes,
              (image->data_cluster + image->buffer_first) * image->cluster_bytes);
    image->buffer_first += image->buffered;
    image->buffered = 0;
}

void qcow2_write_cluster(struct qcow2 *image, uint64_t index, const uint8_t *data)
{
    if (index != image->buffer_first + image->buffered)
        die(0, "%s: clusters are written in order", image->path);
    memcpy(image->buffer + image->buffered * image->cluster_bytes, data, image->cluster_bytes);
    if (++image->buffered * image->cluster_bytes == BUFFER_BYTES)
        write_buffered(image);
}

void qcow2_close(struct qcow2 *image)
{
    write_buffered(image);
    sync_and_drop(image->fd, image->path);
    (void)close(image->fd);
    free(image->buffer);
    free(image);
}
