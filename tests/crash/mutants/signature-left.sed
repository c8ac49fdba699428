# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what was on the COW device is not found there any more.
# In: tools/create/write.c
# With: create.bats
# Found by: -f leaves nothing by which the COW could be taken for what it was
s/status = wipe_signatures\(session, create, err\);/status = SNAP_OK;/
