# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what is on the COW device is looked at before a store is made there.
# In: tools/create/plan.c
# With: create.bats
# Found by: a COW with an ext4 file system: only -f overwrites it
s/if \(status == SNAP_OK && !session->arguments\.force\)/if (false)/
