import type { Client } from '../client.ts';

/**
 * Waits for a packet of this server to the client that it runs on, and sends one RST of that session with this TTL. Its sequence
 * number is what the server waits for, so conntrack believes it; with a TTL that ends at the host the server never sees it.
 */
const script = `
use Socket;
my ($server, $port, $ttl) = @ARGV;
alarm 8;
socket my $wire, 17, SOCK_DGRAM, unpack('S', pack('n', 0x0800)) or die "listening: $!";
my ($packet, $header);
do {
  recv $wire, $packet, 65536, 0;
  $header = 4 * (ord($packet) & 15);
} until ord(substr $packet, 9, 1) == 6 && substr($packet, 12, 4) eq inet_aton($server)
  && unpack('n', substr $packet, $header, 2) == $port;
my ($mine, $acknowledged) = unpack 'x2 n x4 N', substr $packet, $header;
my $segment = pack 'n n N N C C n n n', $mine, $port, $acknowledged, 0, 5 << 4, 4, 0, 0, 0;
my $sum = 0;
$sum += $_ for unpack 'n*', substr($packet, 16, 4) . inet_aton($server) . pack('n n', 6, length $segment) . $segment;
$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
substr($segment, 16, 2) = pack 'n', ~$sum & 0xffff;
socket my $raw, AF_INET, SOCK_RAW, 6 or die "raw socket: $!";
setsockopt $raw, 0, 2, pack('i', $ttl) or die "ttl: $!";
send $raw, $segment, 0, pack_sockaddr_in(0, inet_aton($server)) or die "sending: $!";
`;

/** IPv4 only. Rejects where the server says nothing for eight seconds. */
export async function forgeReset(
  client: Client,
  server: { readonly ip: string; readonly port: number; readonly ttl: number },
): Promise<void> {
  await client.exec(['perl', '-e', script, server.ip, String(server.port), String(server.ttl)]);
}
