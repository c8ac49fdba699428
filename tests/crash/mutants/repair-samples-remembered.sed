# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: samples of dropped entries do not say that a merge has written there.
# In: lib/repair/repair.c
# With: test_repair
# Found by: test_fingerprint_forgets
s/^    snap_fingerprint_forget_masked\(&fingerprint\);/    (void)fingerprint.samples;/
