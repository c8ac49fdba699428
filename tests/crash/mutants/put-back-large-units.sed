# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: no number of a file of old bytes is believed.
# In: lib/repair/saved_file.c
# With: test_saved
# Found by: test_units_that_no_device_has
s/unit_bytes > SNAP_SAVED_UNIT_BYTES_MAX \|\|/unit_bytes > SNAP_EDITS_BYTES_MAX \/ 2 ||/
