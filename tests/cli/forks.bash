# SPDX-License-Identifier: GPL-2.0-or-later
# Several snapshots of one origin, what each of them has to show, and merges that are ended at random moments.
# shellcheck shell=bash disable=SC2034,SC2154

# origin_of BYTES: the image `origin`, and origin.before.
origin_of() {
    contents origin "$1" origin
    cp origin origin.before
}

# fork NAME CHUNK_BYTES PERCENT [OPTION...]: the store NAME of a snapshot that differs from the origin in about so many
# of its chunks, with room for all others; NAME.before is a copy, NAME.view what it shows. The same words give the same
# bytes; each name has its own.
fork() {
    local name=$1 chunk_bytes=$2
    perl -e '
        my ($name, $chunk_bytes, $percent) = @ARGV;
        srand(unpack("%32C*", $name));
        my $mask = chr(0x80 + ord($name)) x $chunk_bytes;
        open(my $in, "<:raw", "origin.before") or die;
        open(my $out, ">:raw", "$name.view") or die;
        while (read($in, my $chunk, $chunk_bytes)) {
            $chunk ^= substr($mask, 0, length($chunk)) if rand(100) < $percent;
            print $out $chunk;
        }' "$name" "$chunk_bytes" "$3"
    shift 3
    rm -f "$name"
    "$BUILDDIR/tools/snapcreate" --quiet --origin origin.before --cow "$name" --size max --chunk-size "$chunk_bytes" \
        --from-diff "$name.view" "$@"
    cp "$name" "$name.before"
}

# snap_and_other_once: for setup_file, two snapshots of an origin that ends inside of its last chunk; snap_and_other
# gives each test its own copies.
snap_and_other_once() {
    mkdir "$BATS_FILE_TMPDIR/pair" && cd "$BATS_FILE_TMPDIR/pair" || return
    origin_of $((512 * 1024 - 3 * 512))
    fork snap 4096 40
    fork other 16384 30
}

snap_and_other() {
    cp "$BATS_FILE_TMPDIR"/pair/* .
}

# begin_anew NAME...: the origin and these stores as they were made.
begin_anew() {
    local name
    for name in origin "$@"; do
        cp "$name.before" "$name"
    done
}

# shows STORE FILE: the view of the store over the origin is this, byte for byte.
shows() {
    rm -f extracted
    "$BUILDDIR/tools/snapinspect" --quiet --origin origin --extract extracted "$1" && cmp extracted "$2"
}

# reads_as STORE FILE: the same, straight from the description of the format, for those who ask often.
reads_as() {
    perl -e '
        my ($store, $file) = @ARGV;
        sub content { local $/; open(my $in, "<:raw", $_[0]) or die; <$in> }
        my ($bytes, $view) = (content($store), content("origin"));
        my $chunk = 512 * unpack("V", substr($bytes, 12, 4));
        my ($per_area, $size) = ($chunk / 16, length($view));
        for (my $i = 0;; $i++) {
            my $at = (1 + ($per_area + 1) * int($i / $per_area)) * $chunk + $i % $per_area * 16;
            my ($old, $new) = unpack("Q<2", substr($bytes, $at, 16));
            last if !$new;
            substr($view, $old * $chunk, $chunk) = substr($bytes, $new * $chunk, $chunk);
        }
        exit(substr($view, 0, $size) eq content($file) ? 0 : 1);' "$1" "$2" ||
        { echo "$1 does not show $2" >&2 && return 1; }
}

# sound STORE...: snapcheck has nothing above a note to say.
sound() {
    local store
    for store in "$@"; do
        "$BUILDDIR/tools/snapcheck" --quiet --origin origin "$store"
    done
}

entries_of() {
    walk "$1" figures | cut -d' ' -f1
}

# What a merge of `snap` writes: its chunks, the last one as far as the origin has it.
snap_bytes() {
    perl -e '
        my ($sum, $end) = (0, $ARGV[1]);
        for (split(/\n/, $ARGV[0])) {
            my (undef, $old, undef, $count) = split;
            my $stop = ($old + $count) * 4096;
            $sum += ($stop > $end ? $end : $stop) - $old * 4096;
        }
        print "$sum\n";' "$(walk snap.before ranges)" "$(stat -c %s origin.before)"
}

# chunks_needed MERGED OTHER: how many chunks, of its own size, the other store lacks of what a merge overwrites.
chunks_needed() {
    perl -e '
        sub ranges { map { [(split)[1, 3]] } split(/\n/, $_[0]) }
        my ($merged, $merged_bytes, $other, $other_bytes, $origin_bytes) = @ARGV;
        my (%has, %needs);
        for (ranges($other)) { $has{$_} = 1 for $_->[0] .. $_->[0] + $_->[1] - 1 }
        for (ranges($merged)) {
            my $end = ($_->[0] + $_->[1]) * $merged_bytes;
            $end = $origin_bytes if $end > $origin_bytes;
            for (my $at = $_->[0] * $merged_bytes; $at < $end; $at += 512) {
                my $chunk = int($at / $other_bytes);
                $needs{$chunk} = 1 unless $has{$chunk};
            }
        }
        print scalar(keys(%needs)), "\n";' \
        "$(walk "$1" ranges)" $(($(number "$1" 12 4) * 512)) "$(walk "$2" ranges)" $(($(number "$2" 12 4) * 512)) \
        "$(stat -c %s origin)"
}

# chunks_for ENTRIES CHUNK_BYTES: the least number of chunks on a device that holds so many entries.
chunks_for() {
    local per_area=$(($2 / 16))
    echo $((1 + $1 + ($1 + per_area) / per_area))
}

# at_random SIGNAL ARGUMENT...: snapmerge with these, and the signal at a moment of the time that it may take; $status,
# and $stderr. How long that is on a machine with other work to do is learnt on the way. Who knows when the writes begin
# says so with $moment_min_ms; one run in four does not mind. $moment is what it was.
at_random() {
    local signal=$1 moment_from=0
    shift
    : "${moment_max_ms:=300}" "${moment_min_ms:=0}"
    [ $((RANDOM % 4)) -eq 0 ] || [ "$moment_min_ms" -ge "$moment_max_ms" ] || moment_from=$moment_min_ms
    moment=$((moment_from + RANDOM * (moment_max_ms - moment_from) / 32768))
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapmerge" "$@" </dev/null >out 2>said 3>&- &
    pid=$!
    if [ -n "${FAST_PID-}" ]; then
        fast wait "$moment" # no program is started for it
    else
        sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
    fi
    kill "-$signal" "$pid" 2>/dev/null || true
    status=0
    wait "$pid" 2>/dev/null || status=$?
    pid=
    stderr=$(<said)
    if [ "$status" -eq 0 ]; then
        moment_max_ms=$((moment_max_ms * 3 / 4 + 1))
    else
        moment_max_ms=$((moment_max_ms * 9 / 8 + 1))
    fi
}

# ended_early: by at_random; anything but its two ends is a failure.
ended_early() {
    case $status in
    0) return 1 ;;
    32 | 137 | 143) return 0 ;; # 143: before it caught signals
    *) echo "exit status $status: $stderr" >&2 && exit 1 ;;
    esac
}

# half_merged: the origin was written to, and shows no whole state.
half_merged() {
    local whole
    for whole in origin.before "$@"; do
        ! cmp -s origin "$whole" || return 1
    done
}

# halfway SIGNAL ARGUMENT...: at_random, each time on what the function `anew` has made, until the function `met` says
# that it was ended where it should be.
halfway() {
    local tries
    moment_max_ms=1000
    for ((tries = 0; tries < 60; tries++)); do
        anew
        at_random "$@"
        ! ended_early || ! met || return 0
    done
    echo "never met in $tries runs: $stderr" >&2
    return 1
}
