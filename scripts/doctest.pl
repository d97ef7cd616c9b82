#!/usr/bin/env perl
# One markdown file through one psql session; called by scripts/doctest. A verdict a block on descriptor 3.
use strict;
use warnings;

my ($file, $psql) = @ARGV;
open my $verdicts, '>&=', 3 or die "descriptor 3: $!";

# {line, sql, expected}
my @blocks;
my ($open, $skip, $text, $line);
open my $in, '<', $file or die "$file: $!";
while (<$in>) {
    if (defined $open) {
        if (($open eq 'hidden' && /^-->/) || ($open ne 'hidden' && /^```\s*$/)) {
            if ($open eq 'text') {
                $blocks[-1]{expected} = $text if @blocks && $blocks[-1]{waiting};
                $blocks[-1]{waiting} = 0 if @blocks;
            } elsif ($open ne 'other') {
                push @blocks, { line => $line, sql => $text, waiting => $open eq 'sql' && !$skip } unless $skip;
                $blocks[-1]{waiting} = 0 if $skip && @blocks;
                $skip = 0;
            }
            undef $open;
        } else {
            $text .= $_;
        }
        next;
    }
    if (/^```(\w*)/) {
        ($open, $text, $line) = ($1 eq 'sql' ? 'sql' : $1 eq 'text' || $1 eq '' ? 'text' : 'other', '', $.);
    } elsif (/^<!-- sql\s*$/) {
        ($open, $text, $line) = ('hidden', '', $.);
    } elsif (/^<!-- norun/) {
        $skip = 1;
    } elsif (/\S/ && @blocks) {
        # only what follows directly is a block's output
        $blocks[-1]{waiting} = 0;
    }
}
die "$file: the block at line $line is not closed\n" if defined $open;

my $session = "/tmp/realtime_sync-doctest-$$.sql";
open my $out, '>', $session or die "$session: $!";
for my $i (0 .. $#blocks) {
    print $out "\\echo \@\@$i\n$blocks[$i]{sql}\n";
}
close $out;
my $printed = `"$psql" -X -d postgres -c 'create database docs' -q && "$psql" -X -d docs -f "$session" 2>&1`;
unlink $session;

my @results = ('') x @blocks;
my $current;
for (split /^/, $printed) {
    if (/^\@\@(\d+)$/) { $current = $1 }
    elsif (defined $current) { $results[$current] .= $_ }
}

sub plain {
    my ($printed) = @_;
    # rules between header and rows are as wide as the widest value
    my @lines = grep { !/^[-+]+$/ } map { s/psql:\S+:\d+: //r } split /\n/, $printed;
    s/\s+/ /g, s/^ | $//g for @lines;
    # psql wraps a long notification nowhere, a reader's page does
    return join ' ', grep { length } @lines;
}

for my $i (0 .. $#blocks) {
    my ($block, $result) = ($blocks[$i], $results[$i]);
    my $ok;
    if (defined $block->{expected}) {
        my $pattern = join '.*?', map { quotemeta } split /\s*\.\.\.\s*/, plain($block->{expected}), -1;
        $ok = plain($result) =~ /^$pattern$/s;
    } else {
        $ok = $result !~ /^(?:psql:\S+: )?(?:ERROR|FATAL|PANIC):|server closed the connection/m;
    }
    print $verdicts $ok ? "ok\n" : "not ok\n";
    next if $ok;
    print "--- $file:$block->{line} printed\n$result";
    print "--- but its text says\n$block->{expected}" if defined $block->{expected};
    print "---\n";
}
