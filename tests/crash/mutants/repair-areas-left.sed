# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: areas that a mended list no longer reaches are zero.
# In: lib/repair/drop.c
# With: test_repair
# Found by: test_random_damage
s/ && end > first; end -=/ \&\& end > first \&\& false; end -=/
