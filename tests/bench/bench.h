/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the bench programs share; nothing of lib/, so that the peers stand on their own. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTOR_BYTES 512u
#define ENTRY_BYTES 16u
#define BUFFER_BYTES (4u << 20)

/* Prints a line to standard error and exits 1. With `sys_errno` != 0 its message is appended. */
void die(int sys_errno, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* A number with an optional K, M, G or T (1024-based). */
uint64_t parse_size(const char *name, const char *text);

/* Opens, or ends the program. */
int open_or_die(const char *path, int flags);

/* Makes sure that `fd` holds `size_bytes`: a file is set to that length, a device must be large enough. */
void set_size(int fd, const char *path, uint64_t size_bytes);
uint64_t size_of(int fd, const char *path);

void read_all(int fd, const char *path, void *buffer, size_t length_bytes, uint64_t offset_bytes);
void write_all(int fd, const char *path, const void *buffer, size_t length_bytes, uint64_t offset_bytes);

/* Everything durable, and out of the page cache. */
void sync_and_drop(int fd, const char *path);

void *aligned_buffer(size_t length_bytes);

void put_le32(uint8_t *bytes, uint32_t value);
void put_le64(uint8_t *bytes, uint64_t value);
uint32_t get_le32(const uint8_t *bytes);
uint64_t get_le64(const uint8_t *bytes);

/* A random-looking number that depends on `value` alone. */
uint64_t mix(uint64_t value);

/* Data that no compression shrinks, from seed and place alone. Both numbers are multiples of 8. */
void fill_pattern(uint8_t *buffer, size_t length_bytes, uint64_t seed, uint64_t offset_bytes);

/* Where things stand in a store. */
uint64_t entries_per_area(uint64_t chunk_bytes);
uint64_t area_offset_bytes(uint64_t chunk_bytes, uint64_t area);
uint64_t canonical_chunk(uint64_t chunk_bytes, uint64_t index);
/* Size of the store that holds `entries`, with room for the area that ends the list. */
uint64_t store_bytes(uint64_t chunk_bytes, uint64_t entries);

#endif
