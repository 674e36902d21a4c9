import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../client.ts';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';

// What the host asks a group or everybody is answered, and who has no address yet can ask for one: S31.

const group = '239.255.255.250';

/** `PORT SECONDS [TO]`: waits on a UDP port, first asks TO's port 1900 from it where there is one, and prints what it hears. */
const asker = `
use Socket;
my ($port, $seconds, $to) = @ARGV;
$| = 1;
socket my $socket, AF_INET, SOCK_DGRAM, 0 or die "$!";
setsockopt $socket, SOL_SOCKET, $_, 1 or die "$!" for SO_REUSEADDR, SO_BROADCAST;
bind $socket, pack_sockaddr_in($port, INADDR_ANY) or die "bind: $!";
if ($to) { send $socket, 'who is there', 0, pack_sockaddr_in(1900, inet_aton($to)) or die "send: $!"; }
$SIG{ALRM} = sub { exit 0 };
alarm $seconds;
while (1) { recv $socket, my $text, 100, 0; print "$text "; }
`;

/** `OWN COUNT`: joins the group, and answers so many questions from another port at once, and three seconds after the last one. */
const answerer = `
use Socket;
$| = 1;
alarm 12;
socket my $socket, AF_INET, SOCK_DGRAM, 0 or die "$!";
setsockopt $socket, 0, 35, inet_aton('${group}') . inet_aton($ARGV[0]) or die "join: $!";
bind $socket, pack_sockaddr_in(1900, INADDR_ANY) or die "bind: $!";
socket my $answers, AF_INET, SOCK_DGRAM, 0 or die "$!";
my @from;
for (1 .. $ARGV[1]) {
  push @from, scalar recv $socket, my $text, 100, 0;
  send $answers, 'early', 0, $from[-1];
}
select undef, undef, undef, 3;
send $answers, 'late', 0, $_ for @from;
`;

/** `PORT`: a frame with a UDP packet from 0.0.0.0:68 to 255.255.255.255:PORT, as DHCP's first one is. */
const newcomer = `
socket my $wire, 17, 2, unpack('S', pack('n', 0x0800)) or die "$!";
my $name = pack 'a16 i', 'eth0', 0;
ioctl $wire, 0x8933, $name or die "index: $!";
my $index = (unpack 'a16 i', $name)[1];
my $head = pack 'C C n n n C C n N N', 0x45, 0, 36, 1, 0, 64, 17, 0, 0, 0xffffffff;
my $sum = 0;
$sum += $_ for unpack 'n*', $head;
$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
substr($head, 10, 2) = pack 'n', ~$sum & 0xffff;
my $to = pack 'S n i S C C a8', 17, 0x0800, $index, 0, 0, 6, "\\xff" x 6;
send $wire, $head . pack('n n n n a8', 68, $ARGV[0], 16, 0, 'discover'), 0, $to or die "send: $!";
`;

/** Waits until a UDP socket has this port. */
async function listening(where: Pick<Client, 'exec'>, port: number): Promise<void> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 `;
  await until({ what: `a socket on ${port}`, ms: 5000 }, async () => {
    const { stdout } = await where.exec(['cat', '/proc/net/udp']);
    return stdout.includes(local);
  });
}

type Run = (argv: readonly string[]) => Promise<{ readonly stdout: string }>;

describe.skipIf(skipWithoutLab()).each(engines('nft'))('discovery, Docker $title', (setup) => {
  let stage: Stage;
  let neighbour: Client;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    neighbour = stage.client('N');
    await stage.guard();
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  const onHost: Run = async (argv) => stage.host.exec(argv);
  const inContainer: Run = async (argv) => ({
    stdout: await stage.lab.engine.docker('exec', 'home', ...argv),
  });

  /** Who asks what, from which port. */
  type Question = readonly [run: Run, port: number, to: string];

  /** What the socket of each hears in five seconds after it has asked: all of them in the same five. */
  const hear = async (questions: readonly Question[]): Promise<readonly (readonly string[])[]> => {
    const count = String(questions.length);
    const answers = neighbour.exec(['perl', '-e', answerer, neighbour.v4, count], { allowFailure: true });
    await listening(neighbour, 1900);
    const heard = await Promise.all(
      questions.map(async ([run, port, to]) => run(['perl', '-e', asker, String(port), '5', to])),
    );
    await answers;
    return heard.map(({ stdout }) => stdout.trim().split(' '));
  };

  it('S31: a process of root and a container on the network of the host are answered', async () => {
    await runService(stage.lab.engine, {
      name: 'home',
      network: 'host',
      tcp: [8090],
      labels: {
        'dockwall.ports': '8090,67/udp,5353/udp',
        'dockwall.allow.67': 'connected',
      },
    });
    await stage.pass();
    const heard = await hear([
      [onHost, 1901, group],
      [inContainer, 1902, group],
      [inContainer, 41_902, '192.0.2.255'],
      // a declared port stays as it is declared, whatever is asked from there
      [inContainer, 5353, group],
    ]);
    expect(heard).toEqual([['early', 'late'], ['early', 'late'], ['early', 'late'], ['']]);
  }, 60_000);

  it('S31: who has no address yet reaches a DHCP server that lets in `connected`; nobody reaches what has not asked', async () => {
    await runService(stage.lab.engine, {
      name: 'home',
      network: 'host',
      tcp: [8090],
      labels: { 'dockwall.ports': '8090,67/udp,5353/udp', 'dockwall.allow.67': 'connected' },
    });
    await stage.pass();
    const server = inContainer(['perl', '-e', asker, '67', '2']);
    const silent = onHost(['perl', '-e', asker, '1903', '2']);
    await listening(stage.host, 67);
    await listening(stage.host, 1903);
    // at once: a listener of the host's own is let be after a while
    const unasked = neighbour.udp(stage.host.v4, 1903);
    await neighbour.exec(['perl', '-e', newcomer, '67']);
    await neighbour.exec(['perl', '-e', newcomer, '5353']);
    await unasked;
    expect((await server).stdout.trim()).toBe('discover');
    expect((await silent).stdout).toBe('');
    const { stdout } = await runDockwall(stage.lab, ['blocked', '--all']);
    expect(stdout).toMatch(/192\.0\.2\.50 +1903\/udp +\(guard\)/);
    expect(stdout).toMatch(/ 0\.0\.0\.0 +5353\/udp +home/);
  }, 60_000);
});
