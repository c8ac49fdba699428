# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a new file is known by its name where there is no /proc.
# In: lib/base/new_file.c
# With: new_files.bats
# Into: snapinspect
# Found by: without /proc a new file is opened by its name
s/lookup\.name = file->name;/;/
