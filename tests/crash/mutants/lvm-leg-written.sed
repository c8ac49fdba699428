# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a volume that another one stands on, such as a leg of a raid array, is never written to.
# In: lib/lvm/group_refuse.c
# With: test_group
# Found by: volumes_that_others_stand_on_are_not_written_to
s/^    if \(user\)$/    if (user \&\& known->locked)/
