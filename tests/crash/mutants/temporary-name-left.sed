# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a name that was only for the way is taken away again.
# In: lib/base/new_file.c
# With: new_files.bats
# Found by: a file that cannot take the place of the one before: that one stays, and no temporary file
/^static int link_to_random\(/,/^}/s/file->temporary = true;/;/
