import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explain } from '../../../src/decide/explain/explain.ts';
import type { Moment, Path } from '../../../src/decide/explain/model.ts';
import { becauseWords, kernelWords, pathWords } from '../../../src/decide/explain/words.ts';
import { replay, whatHappens } from '../../contract/oracle-fake.ts';
import { documents, labelSets, oracleSeed, type Words } from '../../contract/oracle-worlds.ts';
import type { Verdict } from '../agent/protocol.ts';
import { runService } from '../containers.ts';
import { momentIn } from '../moment.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';

// S26 with packets: random labels, configurations and grants on a real engine; for each packet `explain`, the rules in the fake
// kernel and the wire have to say the same. The same without an engine, and many more: test/contract/oracle.test.ts.

const rounds = 6;

const words: Words = {
  sources: [
    '198.51.100.10',
    '203.0.113.0/24',
    '192.0.2.50-192.0.2.51',
    '203.0.113.200',
    '2001:db8:a::/64',
    '2001:db8:b::20',
    '2001:db8:c::/48',
    'interface:ext0',
    'ipset:others',
  ],
  groups: ['office', 'web'],
  ports: ['80', 'http', '53/udp', 'container:80', '8100-8199', '8100', '8110', '*', '*'],
  services: ['one', 'two'],
};

/** `N` is the number of the container: no two may want one host port. */
const published = [
  '81N0:80',
  '81N1:80',
  '81N2:53/udp',
  '192.0.2.10:81N3:80',
  '[2001:db8:1::10]:81N4:80',
  '127.0.0.1:81N5:80',
  '80',
] as const;

interface World {
  readonly document: object;
  readonly containers: readonly {
    readonly publish: readonly string[];
    readonly labels: Readonly<Record<string, string>>;
  }[];
  readonly grant: readonly [set: string, address: string];
}

const container = fc.record({
  publish: fc.subarray([...published], { minLength: 3 }),
  labels: labelSets(words),
});
const worlds: fc.Arbitrary<World> = fc.record({
  document: documents(words),
  containers: fc.tuple(container, container, container),
  grant: fc.tuple(
    fc.constantFrom('trusted', 'src-office', 'src-web', 'deny'),
    fc.constantFrom('203.0.113.200', '198.51.100.10', '2001:db8:b::20', '2001:db8:c::200'),
  ),
});

/** One attempt: who, at which of their addresses, and at what. */
interface Attempt {
  readonly who: string;
  readonly source: string;
  readonly ip: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

/** A server of the host itself, which is none of ours, and a port that nobody has. */
const hostPort = 7000;
const nobodysPort = 8999;

const plain = 'logLevel: debug\n';

describe.skipIf(skipWithoutLab()).each(engines('nft'))('the oracle, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.lab.addClient({ name: 'O', v4: '203.0.113.99', v6: '2001:db8:e::99' });
    await stage.guard({ config: plain });
    await stage.client('host').serve({ tcp: [hostPort], udp: [hostPort] });
    await stage.waitOpen('X', hostPort);
    // what something else keeps
    await stage.print('ipset', 'create', 'others', 'hash:net');
    for (const network of ['198.51.100.0/26', '203.0.113.200'])
      await stage.print('ipset', 'add', 'others', network);
  });
  afterAll(async () => {
    await stage.clear();
    await stage.configure(plain);
    await stage.pass();
    await stage.print('ipset', 'destroy', 'others');
    await stage.close();
  });

  it('S26: what explain says is what the packets meet', async () => {
    const seed = oracleSeed();
    const counts = new Map<string, number>();
    const wrong: string[] = [];
    for (const [index, world] of fc.sample(worlds, { seed, numRuns: rounds }).entries()) {
      const configuration = JSON.stringify({ logLevel: 'debug', ...world.document });
      await set(world, configuration);
      const moment = await momentIn(stage.lab, configuration);
      const fake = await replay(moment);
      const attempts = attemptsIn(moment);
      const verdicts = await Promise.all(attempts.map(meet));
      for (const [number, attempt] of attempts.entries()) {
        const path = pathOf(moment, attempt);
        const key = `${path.verdict}: ${path.because.kind}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
        const site = { anyHost: { 4: stage.host.v4, 6: stage.host.v6 }, bridgeOf: () => undefined };
        const inFake = whatHappens(fake, path, site);
        const met = verdicts[number] ?? 'timeout';
        if (path.kernel.kind === 'agrees' && inFake === path.verdict && agrees(path, met)) continue;
        wrong.push(
          [
            `round ${index}: ${pathWords(path)}: explain: ${path.verdict}, ${becauseWords(path.because)}; ${kernelWords(path.kernel)}`,
            `  the rules in the fake: ${inFake}; the packet: ${met}`,
          ].join('\n'),
        );
      }
      if (wrong.length > 0) throw new Error(`seed ${seed}\n${wrong.join('\n')}\n${JSON.stringify(world)}`);
    }
    console.info([...counts].map(([key, count]) => `${count} ${key}`).join('\n'));
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(500);
    // nobody's ports prove little
    const ours = [...counts].filter(([key]) => !key.startsWith('not managed'));
    expect(ours.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(200);
    for (const verdict of ['allowed', 'denied', 'not managed']) {
      expect([...counts.keys()].filter((key) => key.startsWith(verdict))).not.toEqual([]);
    }
  });

  /** New containers, a new configuration, and somebody let in (or shut out) for a while. */
  async function set(world: World, configuration: string): Promise<void> {
    await stage.clear();
    const names = ['one', 'two', 'three'];
    await Promise.all(
      world.containers.map(async ({ publish, labels }, index) =>
        runService(stage.lab.engine, {
          name: names[index] ?? '',
          publish: publish.map((text) => text.replace('N', String(index))),
          labels,
          tcp: [80],
          udp: [53],
        }),
      ),
    );
    await runService(stage.lab.engine, {
      name: 'hosted',
      labels: { ...world.containers[0]?.labels, 'dockwall.ports': '8190/tcp' },
      flags: ['--network', 'host'],
      tcp: [8190],
    });
    await stage.configure(configuration);
    const [role, address] = world.grant;
    const name = `dockwall${address.includes(':') ? 6 : 4}-${role}`;
    await stage.print('ipset', 'add', '-exist', name, address, 'timeout', '600');
  }

  function attemptsIn({ policy }: Moment): readonly Attempt[] {
    const { v4, v6, linkLocal } = stage.host;
    const ports = policy.services.flatMap((service) =>
      service.ports.flatMap(({ hostPort: port, protocol }) =>
        port === undefined || protocol === 'sctp' ? [] : [`${port}/${protocol}`],
      ),
    );
    const all = [...new Set([...ports, `${hostPort}/tcp`, `${hostPort}/udp`, `${nobodysPort}/tcp`])];
    return ['T', 'G', 'X', 'N', 'O'].flatMap((who) => {
      const { spec } = stage.client(who);
      const near = spec.neighbour === true ? [['fe80::103', `${linkLocal}%eth0`] as const] : [];
      const ways = [[spec.v4, v4] as const, [spec.v6, v6] as const, ...near];
      return ways.flatMap(([source, ip]) =>
        all.map((port): Attempt => {
          const [number, protocol] = port.split('/');
          return { who, source, ip, port: Number(number), protocol: protocol === 'udp' ? 'udp' : 'tcp' };
        }),
      );
    });
  }

  function pathOf(moment: Moment, { source, ip, port, protocol }: Attempt): Path {
    const [path, ...more] = explain(moment, {
      // everybody out there comes in by this one
      askers: [{ address: source, interface: 'ext0', name: undefined }],
      target: { kind: 'address', address: ip.replace(/%.*/, ''), port, protocol },
    }).paths;
    if (path === undefined || more.length > 0) throw new Error(`${more.length + 1} paths to ${ip} ${port}`);
    return path;
  }

  /** Patient: two cores may have other things to do, and a SYN that was lost is sent again after a second. */
  async function meet({ who, ip, port, protocol }: Attempt): Promise<Verdict> {
    const client = stage.client(who);
    const options = { patience: 3000 };
    return protocol === 'tcp'
      ? client.connect(ip, port, options)
      : (await client.udp(ip, port, options)).verdict;
  }

  /** A verdict of ours, and what a client sees of it. */
  function agrees(path: Path, met: Verdict): boolean {
    switch (path.verdict) {
      case 'denied':
        return met === 'timeout';
      case 'allowed':
        return (met === 'open') === isServed(path);
      case 'not managed':
        return (met === 'open') === (path.port === hostPort);
    }
  }

  /** Whether anybody is there for whom we allowed: without docker-proxy nobody serves IPv6 to an IPv4 network. */
  function isServed({ way }: Path): boolean {
    return setup.userlandProxy || !way.some(({ kind }) => kind === 'docker-proxy');
  }
});
