# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an output device never stands on a file of origin or COW.
# In: tools/output/place.c
# With: output.bats
# Found by: an output on the origin's own file system is refused; a mounted origin is a warning
s/status = check_apart\(output, output->target\.found->fd, err\);/;/
