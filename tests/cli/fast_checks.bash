# SPDX-License-Identifier: GPL-2.0-or-later
# For tests that kill often: a process that lives as long as the test compares, copies, waits, and reads stores straight
# from the description of the format. To start a program for each of these costs more than the merges themselves.
# shellcheck shell=bash disable=SC2016,SC2034,SC2154

fast_start() {
    coproc FAST { fast_program 3>&-; }
}

# fast WORD...: what it is asked for (below); false if it says no, and the reason is shown.
fast() {
    local IFS=$'\t'
    echo "$*" >&"${FAST[1]}"
    read -r answer <&"${FAST[0]}"
    [ "$answer" = yes ] || { echo "$answer" && return 1; }
}

fast_program() {
    exec perl -e '
        sub content {
            open(my $in, "<:raw", $_[0]) or die "$_[0]: $!";
            sysread($in, my $bytes, -s $in) == -s $in or die "$_[0]: $!";
            $bytes;
        }
        # Overwritten in place, as it may be below a loop device, and where it differs: less is to be flushed to the disk.
        sub put {
            my ($file, $at, $bytes) = @_;
            open(my $out, -e $file ? "+<:raw" : ">:raw", $file) or die "$file: $!";
            my $found = -s $file && content($file);
            for (my $done = 0; $done < length($bytes); $done += 4096) {
                my $piece = substr($bytes, $done, 4096);
                next if $at + $done < length($found) && $piece eq substr($found, $at + $done, 4096);
                sysseek($out, $at + $done, 0);
                syswrite($out, $piece) == length($piece) or die "$file: $!";
            }
            truncate($out, $at + length($bytes)) or die "$file: $!";
            close($out) or die "$file: $!";
        }
        sub chunk_bytes { 512 * unpack("V", substr($_[0], 12, 4)) }
        # The entries of a store: [OLD, NEW].
        sub list {
            my ($chunk, @list) = chunk_bytes($_[0]);
            for (my $area = 0;; $area++) {
                my @words = unpack("Q<*", substr($_[0], (1 + ($chunk / 16 + 1) * $area) * $chunk, $chunk));
                die "no area $area" if @words != $chunk / 8;
                while (my ($old, $new) = splice(@words, 0, 2)) {
                    return @list if !$new;
                    push(@list, [$old, $new]);
                }
            }
        }
        # Where data that nobody can read begin: at the end of a device that has become short.
        my ($readable, %bad);
        my %answers = (
            # wait MILLISECONDS
            wait => sub { select(undef, undef, undef, $_[0] / 1000); 1 },
            # same FILE OTHER
            same => sub { -s $_[0] == -s $_[1] && content($_[0]) eq content($_[1]) },
            # half ORIGIN BEFORE AFTER: it is neither, it was written to.
            half => sub { my $now = content($_[0]); $now ne content($_[1]) && $now ne content($_[2]) },
            # copy FILE TO...
            copy => sub { my $bytes = content(shift); put($_, 0, $bytes) for @_; 1 },
            # length STORE ENTRIES
            length => sub { my $found = list(content($_[0])); $found == $_[1] or die "$found entries" },
            # shows STORE VIEW: over `origin`; but for bad chunks, which the list must still have, all of them.
            shows => sub {
                my ($store, $view, $expected) = (content($_[0]), content("origin"), content($_[1]));
                my ($chunk, $size, %left) = (chunk_bytes($store), length($view), %bad);
                for my $entry (list($store)) {
                    my ($from, $at) = ($entry->[1] * $chunk, $entry->[0] * $chunk);
                    my $hidden = exists($bad{$entry->[1]});
                    !$hidden || $bad{$entry->[1]} == $entry->[0] or die "entry of a bad chunk changed";
                    delete($left{$entry->[1]});
                    substr($view, $at, $chunk) =
                        $hidden ? substr($expected, $at, $chunk) : substr($store, $from, $chunk);
                }
                !%left or die scalar(keys(%left)) . " bad chunks have no entry";
                substr($view, 0, $size) eq $expected or die "$_[0] does not show $_[1]";
            },
            # spoil COW: from now on the data of its last COUNT chunks are bad.
            spoil => sub {
                my $store = content($_[0]);
                my @list = sort { $b->[1] <=> $a->[1] } list($store);
                %bad = map { ($_->[1], $_->[0]) } @list[0 .. $_[1] - 1];
                $readable = $list[$_[1] - 1][1] * chunk_bytes($store);
                truncate($_[0], $readable) or die "$_[0]: $!";
            },
            # heal COW BEFORE: they are good again.
            heal => sub { put($_[0], $readable, substr(content($_[1]), $readable)); %bad = (); 1 },
            # kept ORIGIN BEFORE VIEW: as the view, but for bad chunks, which are as they were.
            kept => sub {
                my ($found, $before, $view) = (content($_[0]), content($_[1]), content($_[2]));
                my $chunk = chunk_bytes(content("cow"));
                substr($view, $_ * $chunk, $chunk) = substr($before, $_ * $chunk, $chunk) for values(%bad);
                $found eq substr($view, 0, length($before));
            },
            # crossing STORE: ten bad entries in a row, as no list had them at the start, lie in two areas.
            crossing => sub {
                my $store = content($_[0]);
                my ($area, $row, @list) = (chunk_bytes($store) / 16, 0, list($store));
                for my $i (0 .. $#list) {
                    $row = exists($bad{$list[$i][1]}) ? $row + 1 : 0;
                    return 1 if $row >= 10 && int(($i - $row + 1) / $area) < int($i / $area);
                }
                0;
            },
        );
        $| = 1;
        while (<STDIN>) {
            chomp;
            my ($what, @words) = split(/\t/);
            my $answer = eval { $answers{$what}->(@words) };
            print $@ ? "no: $@" =~ s/\n//gr : $answer ? "yes" : "no: $what @words", "\n";
        }'
}

# nothing_found STORE [RULE]: snapcheck has nothing above a note to say of it and `origin`, but for a rule that is
# expected. Entries behind the end that are merged already look cut: that may be.
nothing_found() {
    local findings finding expected=${2:-list-cut}
    # shellcheck disable=SC2086
    for _ in {1..20}; do
        # A process that the killed run had just forked may hold its files for a moment.
        if $WRAPPER "$BUILDDIR/tools/snapcheck" --quiet --origin origin "$1" >findings 2>said; then
            break
        fi
        grep -q 'in use' said || { cat findings said && return 1; }
        sleep 0.1
    done
    mapfile -t findings <findings
    for finding in "${findings[@]}"; do
        [[ $finding == *"(note: "* || $finding == *"(warning: list-cut)" || $finding == *"(warning: $expected)" ]] ||
            { echo "$finding" && return 1; }
    done
}
