/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bounds on a metadata text before a parser sees it: how deep its sections are, and how many words it has. */
#ifndef DMSNAP_LVM_LVM_TEXT_SCAN_PRIVATE
#define DMSNAP_LVM_LVM_TEXT_SCAN_PRIVATE

#include "lib/base/error.h"

#include <stdint.h>

/*
 * The parser calls itself for each section, and keeps an object for each name and value. This reads the text with the
 * same borders of words, and takes only the words that LVM writes, so that the two cannot differ. SNAP_E_CORRUPT: the
 * message begins with `name` and says in which line.
 */
enum snap_status snap_lvm_text_scan(const char *name, const char *text, uint64_t length_bytes, struct snap_error *err);

#endif
