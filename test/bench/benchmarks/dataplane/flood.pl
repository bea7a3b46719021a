# flood.pl ADDRESS PORT SECONDS: sends datagrams of 18 bytes (frames of 64 with the checksum) as fast as one core can; prints
# the seconds that it took. Perl, because it is on every Debian and costs a packet little more than the system call.
use strict;
use Socket;
use Time::HiRes 'time';
my ($address, $port, $seconds) = @ARGV;
socket(my $socket, PF_INET, SOCK_DGRAM, 17) or die "no socket: $!";
connect($socket, sockaddr_in($port, inet_aton($address))) or die "no connection to $address: $!";
my $payload = 'x' x 18;
my $begin = time;
while (time < $begin + $seconds) {
  for (1 .. 200) { send($socket, $payload, 0) }
}
print time - $begin, "\n";
