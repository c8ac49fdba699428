# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a file system without locks is not a program that holds one.
# In: lib/io/open.c
# With: failures.bats
# Found by: a file system without locks: an image there is read, but not written, for nobody knows who else has it
s/errno == EAGAIN \|\| errno == EACCES/errno == EAGAIN || errno != EACCES/
