#!/usr/bin/perl
# socket.pl listen PATH COMMAND...    makes the socket and runs COMMAND, which keeps it open as descriptor 3
# socket.pl activate COMMAND...       runs COMMAND with the socket that process 1 keeps, as systemd would
#
# Docker's packages let systemd own /run/docker.sock, so its inode stays the same when the engine restarts: a
# container that has it mounted can go on using it, and who asks while no engine runs waits instead of being
# refused. dockwall has to live with that, so the lab does it too.
use strict;
use warnings;
use POSIX ();
use Socket;

my $mode = shift;
if ($mode eq 'listen') {
  my $path = shift;
  $^F = 3; # what is not above 3 is still open after exec
  socket my $socket, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
  unlink $path;
  bind $socket, pack_sockaddr_un($path) or die "bind: $!\n";
  listen $socket, 128 or die "listen: $!\n";
  chmod 0660, $path;
  fileno $socket == 3 or POSIX::dup2(fileno $socket, 3) or die "dup2: $!\n";
  exec @ARGV or die "$ARGV[0]: $!\n";
}

# pidfd_open and pidfd_getfd have the same numbers on every architecture
my $pidfd = syscall 434, 1, 0;
my $socket = syscall 438, $pidfd, 3, 0;
die "taking the socket of process 1: $!\n" if $socket < 0;
POSIX::dup2($socket, 3) or die "dup2: $!\n";
@ENV{qw(LISTEN_PID LISTEN_FDS)} = ($$, 1);
exec @ARGV or die "$ARGV[0]: $!\n";
