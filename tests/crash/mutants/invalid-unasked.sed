# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what an invalid store still shows is written only where somebody wants it.
# In: tools/output/prepare.c
# Into: snapinspect
# With: invalid_store.bats
# Found by: --extract and --output refuse it, and write what it still shows with --accept=invalid
s/accept_has\(output->arguments.accept, ACCEPT_INVALID\)/true/
