# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what libblkid fails on is not overwritten unasked.
# In: tools/shared/holds.c
# With: create.bats
# Into: snapcreate
# Found by: a COW that libblkid fails on: only -f overwrites it
s/ \|\| probe->unknown;/;/
