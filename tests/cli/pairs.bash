# SPDX-License-Identifier: GPL-2.0-or-later
# Pairs of origin and store in the shapes that snapshots have, written straight from the description of the format.
# shellcheck shell=bash

# shaped_pair SHAPE CHUNK_SECTORS ENTRIES ORIGIN_SECTORS: the images origin, cow and view, and origin.before and
# cow.before. SHAPE is the order of the list: random, clustered (runs of 8 to 64 neighbours) or sequential. The same
# words give the same bytes. No two sectors are alike; the view may end inside of its last chunk.
shaped_pair() {
    perl -e '
        my ($shape, $cs, $count, $origin_sectors) = @ARGV;
        my ($epa, $chunks) = ($cs * 32, int(($origin_sectors + $cs - 1) / $cs));
        die "more entries than chunks" if $count > $chunks;
        srand(42);
        my (@olds, %taken);
        my @places = (0 .. $chunks - 1);
        if ($shape ne "sequential") {
            for (my $i = $#places; $i > 0; $i--) { my $j = int(rand($i + 1)); @places[$i, $j] = @places[$j, $i] }
        }
        for my $start (@places) {
            my $run = $shape eq "clustered" ? 8 + int(rand(57)) : 1;
            for my $old ($start .. $start + $run - 1) {
                last if @olds == $count || $old >= $chunks || $taken{$old}++;
                push(@olds, $old);
            }
        }
        sub content { my ($who, $chunk) = @_; join("", map { pack("Q<2", $who, $chunk * $cs + $_) x 32 } 0 .. $cs - 1) }
        my %file;
        for my $name ("origin", "view", "cow") { open($file{$name}, ">:raw", $name) or die }
        for my $chunk (0 .. $chunks - 1) { my $bytes = content(1, $chunk); print {$file{$_}} $bytes for "origin", "view" }
        print {$file{cow}} "SnAp", pack("V3", 1, 1, $cs);
        for my $i (0 .. $count - 1) {
            my ($area, $bytes) = (int($i / $epa), content(2, $olds[$i]));
            my $new = 2 + $i + $area;
            seek($file{cow}, $new * $cs * 512, 0);
            print {$file{cow}} $bytes;
            seek($file{view}, $olds[$i] * $cs * 512, 0);
            print {$file{view}} $bytes;
            seek($file{cow}, (1 + ($epa + 1) * $area) * $cs * 512 + $i % $epa * 16, 0);
            print {$file{cow}} pack("Q<2", $olds[$i], $new);
        }
        truncate($file{cow}, ($count + int($count / $epa) + 5) * $cs * 512) or die;
        truncate($file{$_}, $origin_sectors * 512) or die for "origin", "view";
        close($file{$_}) or die for keys(%file);' "$@"
    cp origin origin.before
    cp cow cow.before
}
