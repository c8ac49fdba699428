# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a name that means another file than the one that was written is a failure.
# In: tools/shared/moved.c
# With: moved.bats
# Found by: an origin that is replaced: the name means something else, which is a failure and stays as it is
s/const bool failed = written && .*;/const bool failed = false \&\& written;/
