# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a user can stop it when the old bytes are put back.
# In: lib/repair/saved.c
# With: test_saved
# Found by: test_stops
s/return saved->stop && saved->stop/return false \&\& saved->stop \&\& saved->stop/
