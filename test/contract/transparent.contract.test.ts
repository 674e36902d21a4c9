import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { diff } from '../../src/decide/diff/diff.ts';
import { everyAddress } from '../../src/decide/net/merge-networks.ts';
import { families } from '../../src/decide/net/network.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import { render } from '../../src/decide/wall/render.ts';
import { makeConfig, makeContainer, makeInventory, ports } from '../unit/policy/inventories.ts';
import { addNamespace, canTestRealKernel, must, removeNamespace } from './namespace.ts';
import { realWorld, type World } from './world.ts';

// A transparent proxy of the host (TPROXY) gets what is meant for others while the guard is up: packets from a second namespace.

const proxied = { 4: '198.51.100.80', 6: '2001:db8:ff::80' } as const;
const host = { 4: '192.0.2.10', 6: '2001:db8:1::10' } as const;

/** Listens on every address, for whatever address is asked for, and says "PORT at ADDRESS" to who comes. */
const proxy = `
use Socket qw(:all);
socket my $socket, AF_INET6, SOCK_STREAM, 0 or die "$!";
setsockopt $socket, 41, 75, 1 or die "transparent: $!";
setsockopt $socket, 0, 19, 1 or die "transparent: $!";
bind $socket, pack_sockaddr_in6(8888, IN6ADDR_ANY) or die "$!";
listen $socket, 16;
syswrite STDOUT, "up\n";
while (accept my $one, $socket) {
  my ($port, $address) = unpack_sockaddr_in6(getsockname $one);
  syswrite $one, "$port at " . (inet_ntop(AF_INET6, $address) =~ s/^::ffff:(?=.*\\.)//r) . "\n";
  close $one;
}
`;

/** What the one who is asked says first; "nothing" within half a second. */
const asker = `
const [address, port] = process.argv.slice(1);
const socket = require('node:net').connect(Number(port), address);
const end = (text) => { process.stdout.write(text); process.exit(0); };
socket.on('data', (data) => end(data.toString().trim())).on('error', (error) => end(error.code));
setTimeout(end, 500, 'nothing');
`;

describe.skipIf(!canTestRealKernel())('a transparent proxy of the host', () => {
  let world: World;
  let outside: string;
  let listener: ReturnType<typeof spawn> | undefined;

  const inHost = (...argv: readonly string[]): string =>
    must('nsenter', `--net=/run/netns/${world.namespace}`, ...argv);
  const ask = (address: string, port: number): string =>
    must('nsenter', `--net=/run/netns/${outside}`, process.execPath, '-e', asker, address, String(port));

  beforeEach(async () => {
    world = realWorld();
    outside = addNamespace();
    const inside = world.namespace ?? '';
    must('ip', '-n', inside, 'link', 'add', 'ext0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside);
    const ends = [
      [inside, 'ext0', `${host[4]}/24`, `${host[6]}/64`],
      [outside, 'eth0', '192.0.2.50/24', '2001:db8:1::50/64'],
    ] as const;
    for (const [namespace, device, v4, v6] of ends) {
      must('ip', '-n', namespace, 'addr', 'add', v4, 'dev', device);
      must('ip', '-n', namespace, 'addr', 'add', v6, 'dev', device, 'nodad');
      must('ip', '-n', namespace, 'link', 'set', device, 'up');
    }
    for (const family of families) {
      must('ip', '-n', outside, `-${family}`, 'route', 'add', 'default', 'via', host[family]);
      must('ip', '-n', inside, `-${family}`, 'rule', 'add', 'fwmark', '1', 'lookup', '100');
      must('ip', '-n', inside, `-${family}`, 'route', 'add', 'local', 'default', 'dev', 'lo', 'table', '100');
      const program = family === 4 ? 'iptables' : 'ip6tables';
      const to = ['-d', proxied[family], '-p', 'tcp', '-j', 'TPROXY', '--on-port', '8888'];
      inHost(program, '-t', 'mangle', '-A', 'PREROUTING', ...to, '--tproxy-mark', '0x1/0x1');
    }
    listener = spawn('nsenter', [`--net=/run/netns/${inside}`, 'perl', '-e', proxy], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (listener.stdout !== null) await once(listener.stdout, 'data');
  });
  afterEach(() => {
    listener?.kill('SIGKILL');
    removeNamespace(outside);
    world.close();
  });

  test('gets what is meant for others while the guard is up, also where a container publishes that port', async () => {
    const web = makeContainer('web', { ports: ports('80:80') });
    const wanted = render(resolve(makeInventory([web]), makeConfig()), 'asked');
    await world.kernel.apply(diff(wanted, await world.kernel.observe()));
    for (const family of families) {
      for (const half of everyAddress(family))
        inHost('ipset', 'add', `dockwall${family}-guard`, half, 'timeout', '60');
      expect([family, ask(proxied[family], 80)]).toEqual([family, `80 at ${proxied[family]}`]);
      expect([family, ask(proxied[family], 1234)]).toEqual([family, `1234 at ${proxied[family]}`]);
      // its own socket is on the host's addresses too, where nobody knows whose it is
      expect([family, ask(host[family], 8888)]).toEqual([family, 'nothing']);
    }
  });
});
