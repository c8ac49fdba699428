/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checksum with which LVM protects its labels, the headers of its metadata areas, and its text. */
#ifndef DMSNAP_LVM_CHECKSUM_PRIVATE
#define DMSNAP_LVM_CHECKSUM_PRIVATE

#include <stdint.h>

/*
 * The polynomial of CRC-32 as in zip files, with LVM's own initial value and without the final exclusive-or.
 */
uint32_t snap_checksum(const uint8_t *bytes, uint64_t length_bytes);

#endif
