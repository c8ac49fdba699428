# SPDX-License-Identifier: GPL-2.0-or-later
# Many cases in one boot: each job that a test is about is noted with its promise, and a test judges one promise over all.
#
# $S is the file's folder; `case` is the name of the current case, whose first word, before a dash, `use` understands.
# shellcheck shell=bash

# promise NAME: the last job is for the test of that promise to judge. In a test's own boot (T is set) the test does it.
promise() {
    [ -n "${T-}" ] || echo "$1 $case ${#uml_jobs[@]}" >>"$S/promises"
}

# judge PROMISE FUNCTION: hands each result of this promise to the function, in `case` and `result`; how many: `judged`.
judge() {
    local results promise job case result name chunk_sectors origin_sectors cow_sectors window jobs
    mapfile -t results <"$S/results"
    judged=0
    while read -r promise case job; do
        [ "$promise" = "$1" ] || continue
        result=${results[job - 1]}
        use "${case%%-*}"
        "$2" || {
            echo "$case, job $job: $(sed -n "${job}p" "$S/jobs"): $result"
            [ ! -f "$S/$case.$promise" ] || cat "$S/$case.$promise"
            return 1
        }
        judged=$((judged + 1))
    done <"$S/promises"
}

is_equal() {
    [[ $result == 'ok '* ]]
}
