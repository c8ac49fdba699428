# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a dry run foresees that another store is in use.
# In: tools/merge/preserve.c
# With: preserve.bats
# Found by: a store that is in use: refused, and a dry run foresees it
s/&session->arguments, true, true\);/&session->arguments, true, false);/
