# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a bad entry's new place is durable before its old one is overwritten.
# In: lib/merge/bad_entries.c
# With: explore-wide
# Found by: bad-area-and-more
/^static enum snap_status write_units\(/,/^}/{
s/status = write_unit\(&to, at,/status = write_unit(\&to, snap_round_down(first, unit_entries) + snap_round_down(first + selection->count - 1, unit_entries) - at,/
}
