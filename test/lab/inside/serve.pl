#!/usr/bin/perl
# serve [--name NAME] [--tcp PORT]... [--udp PORT]...
#
# The service in every test container: answers HTTP with its name, echoes any other TCP stream and every datagram
# ("who" asks for the name, "push MS" for a line every 20 ms, the first after that time, whatever the client says or
# does not say). One process and no modules beyond perl-base, so fifty of them start in a moment.
use strict;
use warnings;
use IO::Select;
use POSIX ();
use Socket qw(:DEFAULT AF_INET6 IPPROTO_IPV6 IPV6_V6ONLY MSG_DONTWAIT pack_sockaddr_in6 IN6ADDR_ANY);

$SIG{TERM} = $SIG{INT} = sub { exit 0 };
$SIG{PIPE} = 'IGNORE';
chomp(my $name = `cat /etc/hostname`);
my (@tcp, @udp);
while (@ARGV) {
  my ($flag, $value) = splice @ARGV, 0, 2;
  if ($flag eq '--name') { $name = $value }
  elsif ($flag eq '--tcp') { push @tcp, $value }
  elsif ($flag eq '--udp') { push @udp, $value }
  else { die "serve: what is $flag?\n" }
}

sub bound {
  my ($type, $port) = @_;
  my $socket;
  # one socket for both families; without IPv6 in the kernel, IPv4 alone
  if (socket $socket, AF_INET6, $type, 0) {
    setsockopt $socket, IPPROTO_IPV6, IPV6_V6ONLY, 0;
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
    return $socket if bind $socket, pack_sockaddr_in6($port, IN6ADDR_ANY);
  }
  socket $socket, AF_INET, $type, 0 or die "serve: socket: $!\n";
  setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
  bind $socket, pack_sockaddr_in($port, INADDR_ANY) or die "serve: port $port: $!\n";
  return $socket;
}

my (%listener, %datagram);
my $all = IO::Select->new;
for my $port (@tcp) {
  my $socket = bound(SOCK_STREAM, $port);
  listen $socket, 512 or die "serve: listen: $!\n";
  $listener{fileno $socket} = 1;
  $all->add($socket);
}
for my $port (@udp) {
  my $socket = bound(SOCK_DGRAM, $port);
  $datagram{fileno $socket} = 1;
  $all->add($socket);
}

# who is written to unasked: a TCP connection, or a UDP socket and a peer
my %pushed;
my $pause = 0.02;

# perl-base has no Time::HiRes; this has a hundred ticks a second
sub now { return (POSIX::times())[0] / 100 }

sub push_to {
  my ($data, $socket, $peer) = @_;
  return 0 unless $data =~ /^push (\d+)/;
  $pushed{$peer // fileno $socket} = { socket => $socket, peer => $peer, due => now() + $1 / 1000 };
  return 1;
}

sub push_all {
  my $now = now();
  for my $to (grep { $_->{due} <= $now } values %pushed) {
    $to->{due} = $now + $pause;
    # a full buffer, or a firewall that says no, is no reason to give up
    defined $to->{peer} ? send $to->{socket}, "pushed\n", 0, $to->{peer} : send $to->{socket}, "pushed\n", MSG_DONTWAIT;
  }
}

sub talk {
  my ($socket) = @_;
  my $got = sysread $socket, my $data, 65536;
  if (!$got) { delete $pushed{fileno $socket}; $all->remove($socket); close $socket; return }
  return if push_to($data, $socket);
  if ($data =~ m{^(?:GET|HEAD) }) {
    my $body = "$name\n";
    syswrite $socket, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
    $all->remove($socket);
    close $socket;
  } else {
    syswrite $socket, $data =~ /^who\b/ ? "$name\n" : $data;
  }
}

syswrite STDOUT, "serving as $name\n";
while (1) {
  my @ready = $all->can_read(%pushed ? $pause : undef);
  push_all() if %pushed;
  for my $socket (@ready) {
    my $fd = fileno $socket;
    if ($listener{$fd}) {
      $all->add($_) for grep { accept $_, $socket } my $new;
    } elsif ($datagram{$fd}) {
      my $from = recv $socket, my $data, 65536, 0;
      next if defined $from && push_to($data, $socket, $from);
      send $socket, $data =~ /^who\b/ ? $name : $data, 0, $from if defined $from;
    } else {
      talk($socket);
    }
  }
}
