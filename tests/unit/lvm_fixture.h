/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical volumes in memory, written byte by byte by other code than the code that reads them. */
#ifndef DMSNAP_TESTS_LVM_FIXTURE_H
#define DMSNAP_TESTS_LVM_FIXTURE_H

#include "tests/support/io_mem.h"
#include "tests/unit/unit.h"

#include <string.h>

#define LVM_PV_BYTES (UINT64_C(4) << 20)
#define LVM_AREA_AT 4096u
#define LVM_AREA_BYTES (64u << 10)
#define LVM_DATA_AT (1u << 20)
#define LVM_ID_A "AAAAAABBBBCCCCDDDDEEEEFFFFGGGG01"
#define LVM_ID_A_TEXT "AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG01"
#define LVM_ID_B "AAAAAABBBBCCCCDDDDEEEEFFFFGGGG02"
#define LVM_ID_B_TEXT "AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG02"

/* Bit by bit, unlike the table of lib/lvm/checksum.c. */
static inline uint32_t lvm_crc(const uint8_t *bytes, uint64_t length_bytes)
{
    uint32_t crc = 0xf597a6cf;

    for (uint64_t i = 0; i < length_bytes; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return crc;
}

static inline void lvm_put(uint8_t *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

/* After a change of the label in this sector. */
static inline void lvm_seal_label(struct snap_io *io, unsigned sector)
{
    uint8_t *label = io_mem_bytes(io) + sector * 512u;

    lvm_put(label + 16, 4, lvm_crc(label + 20, 492));
}

/* A label with a data area and these metadata areas; returns the byte of the sector behind its lists. */
static inline unsigned lvm_put_label(struct snap_io *io, unsigned sector, const char *id, unsigned areas,
                                     const uint64_t *area_at)
{
    uint8_t *label = io_mem_bytes(io) + sector * 512u;
    unsigned at = 72;

    memset(label, 0, 512);
    memcpy(label, "LABELONE", 8);
    lvm_put(label + 8, 8, sector);
    lvm_put(label + 20, 4, 32);
    memcpy(label + 24, "LVM2 001", 8);
    memcpy(label + 32, id, 32);
    lvm_put(label + 64, 8, io->size_bytes);
    lvm_put(label + at, 8, LVM_DATA_AT);
    at += 32;
    for (unsigned i = 0; i < areas; i++, at += 16) {
        lvm_put(label + at, 8, area_at[i]);
        lvm_put(label + at + 8, 8, LVM_AREA_BYTES);
    }
    at += 16;
    lvm_put(label + at, 4, 2);
    lvm_put(label + at + 4, 4, 1);
    lvm_seal_label(io, sector);
    return at + 8;
}

/* After a change of the header of the area that begins at this byte. */
static inline void lvm_seal_area(struct snap_io *io, uint64_t area_at)
{
    uint8_t *header = io_mem_bytes(io) + area_at;

    lvm_put(header, 4, lvm_crc(header + 4, 508));
}

/* A metadata area with a text, its NUL included, from this byte of the area on, wrapped where it does not fit. */
static inline void lvm_put_area(struct snap_io *io, uint64_t area_at, uint64_t text_at, const char *text)
{
    uint8_t *header = io_mem_bytes(io) + area_at;
    const uint64_t length_bytes = strlen(text) + 1;

    memset(header, 0, 512);
    memcpy(header + 4, " LVM2 x[5A%r0N*>", 16);
    lvm_put(header + 20, 4, 1);
    lvm_put(header + 24, 8, area_at);
    lvm_put(header + 32, 8, LVM_AREA_BYTES);
    lvm_put(header + 40, 8, text_at);
    lvm_put(header + 48, 8, length_bytes);
    lvm_put(header + 56, 4, lvm_crc((const uint8_t *)text, length_bytes));
    lvm_seal_area(io, area_at);
    for (uint64_t i = 0; i < length_bytes; i++) {
        const uint64_t at = text_at + i;

        header[at < LVM_AREA_BYTES ? at : at - LVM_AREA_BYTES + 512] = (uint8_t)text[i];
    }
}

/* A physical volume with one area that holds `text`; NULL: an area that was never used. */
static inline struct snap_io *lvm_pv_new(const char *name, const char *id, const char *text)
{
    struct snap_io *io = io_mem_new(name, LVM_PV_BYTES, 512, true);
    const uint64_t area_at = LVM_AREA_AT;

    (void)lvm_put_label(io, 1, id, 1, &area_at);
    lvm_put_area(io, area_at, 512, text ? text : "");
    if (!text) {
        memset(io_mem_bytes(io) + area_at + 40, 0, 24);
        lvm_seal_area(io, area_at);
    }
    return io;
}

/* Parts of a metadata text. A PV has 48 extents of 64 KiB from its first MiB on. */
#define LVM_HEAD(seqno)                                                                                          \
    "vg {\nid = \"VVVVVV-GGGG-GGGG-GGGG-GGGG-GGGG-GGGG00\"\nseqno = " seqno "\nformat = \"lvm2\"\n"                \
    "status = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nflags = []\nextent_size = 128\nmax_lv = 0\nmax_pv = 0\n"
#define LVM_PV(name, id) \
    name " {\nid = \"" id "\"\ndevice = \"/dev/" name "\"\n\nstatus = [\"ALLOCATABLE\"]\nflags = []\n" \
    "dev_size = 8192\npe_start = 2048\npe_count = 48\n}\n"
#define LVM_PVS "\nphysical_volumes {\n" LVM_PV("pv0", LVM_ID_A_TEXT) LVM_PV("pv1", LVM_ID_B_TEXT) "}\n"
#define LVM_LV(name, segments, rest)                                                        \
    name " {\nid = \"LLLLLL-vvvv-vvvv-vvvv-vvvv-vvvv-vvvv00\"\nstatus = [\"READ\", \"WRITE\", \"VISIBLE\"]\n" \
    "flags = []\nsegment_count = " segments "\n" rest "}\n"
#define LVM_SEGMENT(number, start, count, rest) \
    "segment" number " {\nstart_extent = " start "\nextent_count = " count "\n\n" rest "}\n"
#define LVM_LINEAR(number, start, count, pv, extent)                                                              \
    LVM_SEGMENT(number, start, count, "type = \"striped\"\nstripe_count = 1\t# linear\n\nstripes = [\n\"" pv "\", " \
                                      extent "\n]\n")
#define LVM_SNAPSHOT(count, chunk, origin, store, cow)                                                       \
    LVM_SEGMENT("1", "0", count, "type = \"snapshot\"\nchunk_size = " chunk "\norigin = \"" origin "\"\n" store \
                                 " = \"" cow "\"\n")
#define LVM_LVS(lvs) "\nlogical_volumes {\n\n" lvs "}\n"
#define LVM_TAIL                                                                                                \
    "}\n# Generated by LVM2 version 2.03.16(2) (2022-05-18): Sun Nov 29 23:02:46 2026\n\n"                       \
    "contents = \"Text Format Volume Group\"\nversion = 1\n\ndescription = \"Write from lvcreate -n \\\"a{b\\\"\"\n" \
    "creation_host = \"(none)\"\t# Linux (none)\ncreation_time = 1795993366\n\n"

#endif
