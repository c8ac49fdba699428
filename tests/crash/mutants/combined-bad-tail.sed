# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: bad entries are moved first, and then the list is cut.
# In: lib/merge/bad_entries.c
# With: explore-wide
# Found by: bad-cs2-area-and-more
s/const uint64_t unit_bytes = snap_header_unit_bytes\(store\);/const uint64_t unit_bytes = store->layout.chunk_bytes;/
/^static enum snap_status write_unit\(/,/^}/{
/snap_codec_encode_entry\(&selection->found/a\
        else if (index >= to->first)\
            memset(to->unit + slot * SNAP_ENTRY_BYTES, 0, SNAP_ENTRY_BYTES);
}
