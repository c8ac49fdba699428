# SPDX-License-Identifier: GPL-2.0-or-later
# Helpers for bats tests that ask the real kernel: collect jobs, run them in one boot, look at the results.
#
#   uml_begin                      forget the jobs so far
#   uml_job VERB KEY=VALUE...      add a job that must succeed
#   uml_job_any VERB KEY=VALUE...  add a job whose failure is for the test to judge
#   uml_go NAME=IMAGE...           boot, run them all; fails, showing the job, if one that must succeed does not
#   uml_result N                   print the result of job N, counted from 1; -1 is the last one
#   uml_status N                   the same for a `status` or `wait-merge` job: only the figures or the word
#   uml_host VERB KEY=VALUE...     run one job on the host (write, copy, ... on plain images) and print its result
# Paths in jobs must be absolute.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load ../support/assert

: "${SRCDIR:=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}"
: "${BUILDDIR:=$SRCDIR}"
export BUILDDIR
UML_RUN=$SRCDIR/tests/kernel/uml-run
UML_HOST=$BUILDDIR/tests/kernel/uml-init

uml_begin() {
    uml_jobs=()
    uml_may_fail=()
    uml_results=()
}

# In $line: the words of a job; those with blanks in them are quoted.
uml_line() {
    local word
    line=
    for word; do
        case $word in
        *[[:space:]]*) word="\"$word\"" ;;
        esac
        line+="${line:+ }$word"
    done
}

uml_job() {
    local line
    uml_line "$@"
    uml_jobs+=("$line")
    uml_may_fail+=(no)
}

uml_job_any() {
    local line
    uml_line "$@"
    uml_jobs+=("$line")
    uml_may_fail+=(yes)
}

# The only allowed skip, but for a missing LVM: there is no such kernel on this machine. A setup_file cannot skip; it asks uml_missing.
uml_need() {
    local reason status=0
    reason=$("$UML_RUN" --check) || status=$?
    [ $status -ne 77 ] || skip "$reason"
}

uml_missing() {
    local status=0
    "$UML_RUN" --check >/dev/null || status=$?
    [ $status -eq 77 ]
}

# Each test begins in a folder of its own, $T, without jobs. A file that needs more has a setup of its own around it.
uml_setup() {
    uml_need
    T=$BATS_TEST_TMPDIR
    cd "$T" || return
    uml_begin
}

setup() {
    uml_setup
}

# uml_setup_file || return 0: for a setup_file; $S is the file's folder. False where there is no kernel.
uml_setup_file() {
    export S=$BATS_FILE_TMPDIR
    ! uml_missing || return 1
    uml_begin
}

# Runs the jobs whatever their results are; the exit status is that of uml-run.
uml_boot() {
    uml_need
    local status=0
    local dir=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}
    printf '%s\n' "${uml_jobs[@]}" >"$dir/jobs"
    "$UML_RUN" "$dir/jobs" "$dir/results" "$@" >"$dir/uml-run.out" 2>&1 || status=$?
    mapfile -t uml_results <"$dir/results"
    return $status
}

uml_go() {
    local dir=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR} status=0 i
    uml_boot "$@" || status=$?
    for ((i = 0; i < ${#uml_jobs[@]}; i++)); do
        case ${uml_may_fail[i]}:${uml_results[i]-none} in
        *:ok*) ;;
        yes:error*) ;;
        *)
            echo "job $((i + 1)): ${uml_jobs[i]}"
            echo "result: ${uml_results[i]-none}"
            cat "$dir/uml-run.out" "$dir/results.console"
            return 1
            ;;
        esac
    done
    [ $status -eq 0 ] || cat "$dir/uml-run.out"
    return $status
}

uml_result() {
    local index=$(($1 - 1))
    [ "$1" -gt 0 ] || index=$((${#uml_jobs[@]} + $1))
    printf '%s\n' "${uml_results[index]-none}"
}

# ok [stopped|merged] START LENGTH TARGET FIGURES
uml_status() {
    uml_result "$1" | sed -E 's/^ok (stopped |merged )?[0-9]+ [0-9]+ [a-z-]+ ?//'
}

uml_host() {
    local dir=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR} line
    uml_line "$@"
    printf '%s\n' "$line" >"$dir/host-job"
    "$UML_HOST" "$dir/host-job" "$dir/host-result" || return 1
    head -n 1 "$dir/host-result"
    ! grep -q '^error' "$dir/host-result"
}

# new_image PATH SIZE [SEED]: zeros, or the pattern of SEED.
new_image() {
    rm -f "$1"
    truncate -s "$2" "$1"
    [ $# -lt 3 ] || uml_host write "dev=$1" "seed=$3" block=1M >/dev/null
}

# tool NAME ARGUMENT...: one of our programs on the host, as the build says (WRAPPER=valgrind, false, ...).
tool() {
    local name=$1
    shift
    # shellcheck disable=SC2086 # a command with arguments
    ${WRAPPER-} "$BUILDDIR/tools/$name" "$@" </dev/null
}

# Any number of cases pass through one boot on one disk: each gets /dev/mapper/origin and /dev/mapper/cow as slices
# of /dev/disk, filled from images and saved to them. A slice has exactly the size of its image, in whole sectors.
UML_DISK_BYTES=$((128 << 20))
UML_COW_AT_SECTORS=$((64 << 11))

# slices_open ORIGIN_IMAGE COW_IMAGE
slices_open() {
    uml_job create name=origin "table=0 $(($(stat -c %s "$1") / 512)) linear /dev/disk 0"
    uml_job create name=cow "table=0 $(($(stat -c %s "$2") / 512)) linear /dev/disk $UML_COW_AT_SECTORS"
    uml_job copy "from=$1" to=/dev/mapper/origin
    uml_job copy "from=$2" to=/dev/mapper/cow
}

# slices_close ORIGIN_IMAGE COW_IMAGE: what the devices hold now goes to these files.
slices_close() {
    uml_job copy from=/dev/mapper/origin "to=$1"
    uml_job copy from=/dev/mapper/cow "to=$2"
    uml_job remove name=cow
    uml_job remove name=origin
}

# uml_go_slices: boots with the disk that the cases share.
uml_go_slices() {
    local disk=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/disk status=0
    truncate -s "$UML_DISK_BYTES" "$disk"
    uml_go "disk=$disk" || status=$?
    rm -f "$disk"
    return $status
}

# snapshot_table TARGET CHUNK_SECTORS: the table of a case's pair.
snapshot_table() {
    echo "table=0 * $1 /dev/mapper/origin /dev/mapper/cow P $2"
}

# figure KEY: a number out of the JSON on standard input.
figure() {
    grep -oE "\"$1\": *[0-9]+" | head -n 1 | grep -oE '[0-9]+$'
}

# usage_line FILE: our figures, out of this JSON, written as the kernel writes them.
usage_line() {
    echo "$(figure allocated_sectors <"$1")/$(figure total_sectors <"$1") $(figure metadata_sectors <"$1")"
}

# list_entries COW CHUNK_SECTORS: INDEX OLD NEW of each entry, by other code than ours: area by area until the first
# entry without a data chunk.
list_entries() {
    perl -e '
        my ($cow, $sectors) = @ARGV;
        my ($index, $place) = (0, 1);
        open(my $file, "<:raw", $cow) or die "$cow: $!\n";
        while (1) {
            seek($file, $place * $sectors * 512, 0);
            read($file, my $area, $sectors * 512) == $sectors * 512 or die "$cow: the list leaves the device\n";
            for (my @words = unpack("Q<*", $area); @words; $index++) {
                my ($old, $new) = splice(@words, 0, 2);
                exit if $new == 0;
                print "$index $old $new\n";
            }
            $place += $sectors * 32 + 1;
        }' "$1" "$2"
}

# count_entries COW CHUNK_SECTORS
count_entries() {
    list_entries "$1" "$2" | wc -l
}
