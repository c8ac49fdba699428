# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a store becomes valid only when all of its list is known.
# In: lib/repair/repair.c
# With: test_repair
# Found by: test_invalid_without_an_end
s/revalidate && work->check\.list_complete &&/revalidate \&\&/
