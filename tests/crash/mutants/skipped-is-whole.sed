# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an output with skipped chunks does not count as whole.
# In: tools/output/run.c
# Into: snapinspect
# With: skip_damaged.bats
# Found by: each kind of damaged entry: all others are written, the damaged chunks as the origin or zeros
s/output->damaged.count > 0/false/
