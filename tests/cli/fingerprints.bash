# SPDX-License-Identifier: GPL-2.0-or-later
# The fingerprint of a store, read and compared by other code, straight from dmsnap-store(5).
# shellcheck shell=bash

# fingerprint STORE [ORIGIN]: "none", "foreign" (another store's), or
#   SAMPLES masked M listed L agree A differ D
# where A and D are of the samples that count; without an origin only as far as L.
fingerprint() {
    perl -e '
        use strict;
        my ($file, $origin) = @ARGV;
        my @table = map { my $c = $_; $c = $c >> 1 ^ ($c & 1 ? 0x82f63b78 : 0) for 1 .. 8; $c } 0 .. 255;
        sub crc { my $crc = 0xffffffff; $crc = $crc >> 8 ^ $table[($crc ^ $_) & 255] for unpack("C*", $_[0]);
            return $crc ^ 0xffffffff }
        sub product { use integer; return $_[0] * $_[1] }
        sub sum { use integer; return $_[0] + $_[1] }
        sub unsigned { return $_[0] & 0xffffffffffffffff }
        sub mix { my $z = unsigned(sum($_[0], 0x9e3779b97f4a7c15));
            $z = unsigned(product($z ^ $z >> 30, 0xbf58476d1ce4e5b9));
            $z = unsigned(product($z ^ $z >> 27, 0x94d049bb133111eb));
            return $z ^ $z >> 31 }
        open(my $in, "<:raw", $file) or die;
        read($in, my $first, 1024) == 1024 or die;
        my $sectors = unpack("Q<", substr($first, 48, 8));
        my $cs = unpack("V", substr($first, 12, 4));
        my ($mark, $version, $samples, $crc, $id, $seed, $mask, @sums) = unpack("a8 v v V a16 Q< b192 v192",
            substr($first, 512));
        if ($mark ne "dmsnapFP") { print "none\n"; exit }
        if ($id ne substr($first, 32, 16)) { print "foreign\n"; exit }
        substr($first, 524, 4) = "\0" x 4;
        crc(substr($first, 512)) == $crc && $version == 1 && substr($first, 960) eq "\0" x 64 or die "damaged";
        my $blocks = int($sectors / 8);
        $samples == ($blocks < 192 ? $blocks : 192) or die "$samples samples";
        my %listed;
        INDEX: for (my $i = 0;; $i++) {
            seek($in, (1 + (32 * $cs + 1) * int($i / (32 * $cs))) * $cs * 512 + $i % (32 * $cs) * 16, 0);
            read($in, my $entry, 16) == 16 or die;
            my ($old, $new) = unpack("Q<2", $entry);
            last INDEX if $new == 0;
            $listed{$old} = 1;
        }
        my %count = map { $_ => 0 } qw(masked listed agree differ);
        open(my $on, "<:raw", $origin) or die if defined $origin;
        for my $i (0 .. $samples - 1) {
            my $block = $blocks < 192 || $i < 16 ? $i : $i < 32 ? $blocks - 32 + $i : mix(sum($seed, $i)) % $blocks;
            if (substr($mask, $i, 1)) { $count{masked}++; next }
            if (grep { $listed{int(($block * 8 + $_) / $cs)} } 0 .. 7) { $count{listed}++; next }
            next unless $on;
            seek($on, $block * 4096, 0);
            read($on, my $bytes, 4096);
            $count{(crc($bytes) & 0xffff) == $sums[$i] ? "agree" : "differ"}++;
        }
        print join(" ", $samples, map { "$_ $count{$_}" } qw(masked listed), $on ? qw(agree differ) : ()), "\n";
        ' "$@"
}
