# sink.pl PORT: has a socket that nobody reads, so that no packet wakes anybody: they are counted by the interface.
use strict;
use Socket;
socket(my $socket, PF_INET, SOCK_DGRAM, 17) or die "no socket: $!";
bind($socket, sockaddr_in($ARGV[0], INADDR_ANY)) or die "port $ARGV[0]: $!";
sleep;
