# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of what the programs do: contents, stores walked by other code, loop devices, a terminal.
# shellcheck shell=bash disable=SC2034,SC2154

# contents FILE BYTES SEED: bytes in which no two sectors are alike, and none is as in another seed's.
contents() {
    seq -f "$3 %.0f" 1 "$(($2 / 6 + 1))" | head -c "$2" >"$1"
}

# Files of the test, in its folder, by short names: $dir/NAME.
in_folder() {
    dir=$BATS_TEST_TMPDIR/data
    mkdir "$dir" && cd "$dir" || return
    loops=()
}

# hex FILE OFFSET LENGTH: the bytes as one word of digits.
hex() {
    od -An -v -tx1 -j "$2" -N "$3" "$1" | tr -d ' \n'
}

# number FILE OFFSET BYTES: a little-endian number.
number() {
    od -An -v -t "u$3" -j "$2" -N "$3" --endian=little "$1" | tr -d ' \n'
}

# text FILE OFFSET LENGTH: up to the first NUL.
text() {
    dd if="$1" bs=1 skip="$2" count="$3" status=none | tr '\0' '\n' | head -n 1
}

# zero FILE OFFSET LENGTH: holds nothing but zeros there.
zero() {
    cmp -n "$3" -i "$2:0" "$1" /dev/zero
}

# same FILE OTHER OFFSET LENGTH: the two have the same bytes there.
same() {
    cmp -n "$4" -i "$3" "$1" "$2"
}

# json FILTER: from what the program printed.
json() {
    jq -r "$1" <<<"$output"
}

# assert_json FILTER VALUE
assert_json() {
    assert_equal "$(json "$1")" "$2"
}

# Blocks of 512 bytes that the file takes on its file system: a hole takes none.
blocks() {
    stat -c %b "$1"
}

# walk STORE figures|ranges: a walk through an image, straight from the description of the format.
#   figures: ENTRIES RUNS ALLOCATED TOTAL METADATA   (the last three as in the kernel's status line)
#   ranges:  INDEX OLD NEW CHUNKS, one per line
walk() {
    perl -e '
        my ($file, $what) = @ARGV;
        open(my $in, "<:raw", $file) or die;
        read($in, my $header, 16) == 16 or die;
        my ($magic, $valid, $version, $cs) = unpack("V4", $header);
        my ($chunk, $epa, $stride) = ($cs * 512, $cs * 32, $cs * 32 + 1);
        my ($n, $next_free, @ranges) = (0, 2);
        AREA: for (my $area = 0;; $area++) {
            seek($in, (1 + $stride * $area) * $chunk, 0);
            read($in, my $bytes, $chunk) == $chunk or die "no area $area";
            for my $slot (0 .. $epa - 1) {
                my ($old, $new) = unpack("Q<2", substr($bytes, $slot * 16, 16));
                last AREA if $new == 0;
                $next_free = $new + 1 if $new + 1 > $next_free;
                my $last = $ranges[-1];
                if ($last && $old == $last->[1] + $last->[3] && $new == $last->[2] + $last->[3]) {
                    $last->[3]++;
                } else {
                    push(@ranges, [$n, $old, $new, 1]);
                }
                $n++;
            }
        }
        $next_free++ if $next_free % $stride == 1;
        if ($what eq "ranges") {
            print("@$_\n") for @ranges;
        } else {
            printf("%d %d %d %d %d\n", $n, scalar(@ranges), $next_free * $cs, int((-s $file) / 512),
                   (int($n / $epa) + 2) * $cs);
        }' "$1" "$2"
}

need_loops() {
    [ "$(id -u)" -eq 0 ] || skip "needs root for loop devices"
    losetup --find >/dev/null 2>&1 || skip "needs loop devices"
}

# loop_over FILE [OPTION...]: $loop; detached by loops_detach in teardown.
loop_over() {
    local file=$1
    shift
    loop=$(losetup --find --show "$@" "$file")
    loops+=("$loop")
}

loops_detach() {
    local device
    for device in "${loops[@]}"; do
        losetup --detach "$device"
    done
    loops=()
}

# typed NAME ARGUMENT...: the call as a shell takes it, whatever the names of its folders hold.
typed() {
    local name=$1
    shift
    # shellcheck disable=SC2086
    printf '%q ' $WRAPPER "$BUILDDIR/tools/$name" "$@"
}

# on_terminal KEYS PROGRAM ARGUMENT...: with a terminal of its own, at which KEYS are typed; $status, and $output with
# all that the terminal showed (its line ends made plain). $redirection, if set, stands behind the command.
on_terminal() {
    local keys=$1
    shift
    run timeout 300 bash -c 'printf "%s\n" "$1" | TERM=dumb script --quiet --return --command "$2" /dev/null' bash \
        "$keys" "$(typed "$@") ${redirection-}"
    output=${output//$'\r'/}
}

assert_shown() {
    if [[ $output != *"$1"* ]]; then
        printf '%s\n' "not shown: $1" "shown: $output" "stderr: ${stderr-}" >&2
        return 1
    fi
}
