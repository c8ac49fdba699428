# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a list that cannot be read has no view.
# In: lib/view/view_map.c
# With: test_view
# Found by: errors_of_both_devices_are_told
/^static enum snap_status load_map\(/,/^}/{
s/if \(status == SNAP_OK\)$/if (true)/
s/return status;/return SNAP_OK;/
}
