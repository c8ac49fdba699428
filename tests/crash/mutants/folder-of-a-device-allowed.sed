# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: whoever takes the program over can write to what it writes to, and not to what lies beside it.
# In: tools/shared/sandbox.c
# With: sandbox.bats
# Found by: beside what a merge writes to, a planted write is stopped as well
s/if \(sandbox->arguments\[i\]\.replaced\)/if (true)/
