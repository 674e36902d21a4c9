#!/usr/bin/perl
# ask tcp|udp IP PORT [BYTES [SECONDS]]
#
# The client in every test container: sends that many bytes (4 unless told) to an echo server and prints what came of
# it in one word, as the lab's agents do: open (all of it came back), refused, unreachable or timeout.
use strict;
use warnings;
use Errno qw(ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH EPERM EACCES);
use Socket qw(:DEFAULT AF_INET6 inet_pton pack_sockaddr_in6);

my ($proto, $ip, $port, $bytes, $seconds) = @ARGV;
$bytes //= 4;
$seconds //= 1;

sub verdict {
  print "$_[0]\n";
  exit($_[0] eq 'open' ? 0 : 1);
}

sub failed {
  verdict('refused') if $! == ECONNREFUSED || $! == ECONNRESET;
  verdict('unreachable') if grep { $! == $_ } EHOSTUNREACH, ENETUNREACH, EPERM, EACCES;
  die "ask: $!\n";
}

$SIG{ALRM} = sub { verdict('timeout') };
$SIG{PIPE} = 'IGNORE';
alarm $seconds;
my $six = $ip =~ /:/;
my $family = $six ? AF_INET6 : AF_INET;
my $to = $six ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $ip)) : pack_sockaddr_in($port, inet_aton($ip));
socket my $socket, $family, $proto eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0 or failed();
connect $socket, $to or failed();
my $payload = 'x' x $bytes;

# send and receive in turns, or both sides would wait with full buffers
my ($sent, $echoed) = (0, 0);
while ($echoed < $bytes) {
  if ($sent < $bytes) {
    my $wrote = syswrite $socket, $payload, $proto eq 'tcp' ? 4096 : $bytes, $sent;
    failed() unless defined $wrote;
    $sent += $wrote;
  }
  my $got = sysread $socket, my $data, 65536;
  failed() unless defined $got;
  verdict('refused') if $got == 0;
  $echoed += $got;
}
verdict('open');
