import { expect, it } from 'vitest';
import type { NetworkDetails } from '../../src/decide/inventory/docker-json.ts';
import type { HostFacts } from '../../src/decide/inventory/read-inventory.ts';
import { decide, type Decided } from '../../src/decide/pass/decide.ts';
import { readLinks } from '../../src/reach/host/links.ts';
import { makeConfig } from '../unit/policy/inventories.ts';
import { onEachKernel } from './on-each-kernel.ts';

// What `ip` of the real kernel tells of bridges, and that no name of a bridge becomes anything but that bridge.

const named = [
  'yard0',
  'br0',
  'br-mine',
  'card7',
  'e+',
  '+',
  'q"x',
  'a,b',
  '$(id)',
  'ü',
  'br-+',
  'e\u001b[2J',
  '__proto__',
  'constructor',
  'lo',
  'gone0',
];
const networks: readonly NetworkDetails[] = named.map((name, index) => ({
  Id: `id-${index}`,
  Name: `net ${index}`,
  Driver: 'bridge',
  Options: { 'com.docker.network.bridge.name': name },
}));

const commands = [
  ...['docker0', 'br-0123456789ab', 'br-lan', ...named.slice(0, 3), ...named.slice(4, 14)].map(
    (name) => `link add ${quoted(name)} type bridge`,
  ),
  'link add eth1 type veth peer name peer2',
  'link add eth2 type veth peer name card7',
  'link add veth0a1b2c3 type veth peer name peer0',
  'link add vethA1b2C3 type veth peer name peer1',
  'link set veth0a1b2c3 master yard0',
  'link set eth1 master br0',
  'link set eth2 master br-lan',
  'link set vethA1b2C3 master br-mine',
];

const dockers = `*nat
:DOCKER - [0:0]
-A PREROUTING -j DOCKER
COMMIT
*filter
:DOCKER - [0:0]
-A FORWARD -j DOCKER
COMMIT
`;

/** For a line of `ip -batch`. */
function quoted(name: string): string {
  return name.includes('"') ? `'${name}'` : `"${name}"`;
}

onEachKernel(({ kind, backend, subject }) => {
  it.runIf(kind === 'real')('bridges of the host, of Docker, and of people with ideas', async () => {
    const on = subject();
    const { world, kernel } = on;
    for (const family of [4, 6] as const) await on.restore(family, dockers);
    const input = `${commands.join('\n')}\n`;
    const made = await world.run({ program: 'ip', args: ['-batch', '-'], input, timeoutMs: 10_000 });
    expect(made.stderr).toBe('');
    const look = async (): Promise<Decided> => {
      const links = await readLinks(world.run);
      if (!links.ok) throw new Error(links.problem);
      const interfaces = links.links.map((one) => ({ ...one, networks: [] }));
      const host: HostFacts = { interfaces, listeners: [], bridgedSeen: true };
      const snapshot = { containers: [], networks, details: new Map() };
      const inForce = { config: makeConfig(), lockedDown: false };
      return decide({ snapshot, host, observed: await kernel.observe() }, inForce);
    };
    const first = await look();
    expect(first.policy.inside).toEqual(['__proto__', 'br-0123456789ab', 'constructor', 'docker0', 'yard0']);
    expect(first.policy.foreignBridges).toEqual(['br-lan', 'br-mine']);
    expect(first.policy.problems.map(({ value }) => value)).toEqual([
      'br-+',
      'e\u001b[2J',
      'lo',
      'e+',
      '+',
      'q"x',
      'a,b',
      '$(id)',
      'ü',
    ]);
    await kernel.apply(first.plan);
    expect((await look()).plan).toEqual({ sets: [], tables: [], destroy: [] });
    for (const family of [4, 6] as const) {
      expect(on.side(family).backend).toBe(backend);
      const rules = [...(await on.save(family)).values()].join('');
      const incoming = [...rules.matchAll(/ -i (\S+)/g)].map(([, name]) => name);
      expect(new Set(incoming)).toEqual(new Set(['lo', ...first.policy.inside]));
      const outgoing = [...rules.matchAll(/-A DOCKWALL-FORWARD -o (\S+) /g)].map(([, name]) => name);
      expect(outgoing).toEqual([
        'br-lan',
        'br-mine',
        'br-+',
        'docker0',
        'docker_gwbridge',
        '__proto__',
        'constructor',
        'yard0',
      ]);
    }
  });

  it.runIf(kind === 'real')('without `ip`, it says why', async () => {
    const { world } = subject();
    const run = async (command: Parameters<typeof world.run>[0]) =>
      world.run({ ...command, args: ['-j', 'nonsense'] });
    expect(await readLinks(run)).toEqual({ ok: false, problem: expect.stringMatching(/^ip ended with 1: /) });
  });
});
