import { diff } from '../../../src/decide/diff/diff.ts';
import { neighboursAt, parseAsker } from '../../../src/decide/explain/asker.ts';
import { explain } from '../../../src/decide/explain/explain.ts';
import { foreignNames } from '../../../src/decide/explain/foreign.ts';
import type { Asker, Explanation, Moment } from '../../../src/decide/explain/model.ts';
import { parseTarget } from '../../../src/decide/explain/target.ts';
import type { Container, HostInterface, Network } from '../../../src/decide/inventory/model.ts';
import type { Config } from '../../../src/decide/policy/config.ts';
import type { Answers } from '../../../src/decide/policy/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { render } from '../../../src/decide/wall/render.ts';
import { createKernel } from '../../../src/reach/kernel/kernel.ts';
import { FakeKernel } from '../../contract/fake-kernel.ts';
import { cidr, makeConfig, makeInventory } from '../policy/inventories.ts';

export interface Scene {
  readonly containers: readonly Container[];
  readonly config?: Partial<Config>;
  readonly networks?: readonly Network[];
  readonly interfaces?: readonly HostInterface[];
  readonly own?: readonly string[];
  readonly answers?: Answers;
  readonly hostListeners?: Moment['inventory']['hostListeners'];
  /** External sets: lines of `ipset restore`. */
  readonly sets?: string;
  /** Happens in the kernel after the pass: lines of `ipset restore`, or of `iptables-restore --noflush`. */
  readonly after?: readonly { readonly program: string; readonly input: string }[];
}

const bridge: Network = {
  id: '0123456789abcdef',
  name: 'shop_default',
  driver: 'bridge',
  bridge: 'br-0123456789ab',
  routed: [],
};
const interfaces: readonly HostInterface[] = [
  { name: 'lo', networks: [cidr('127.0.0.0/8'), cidr('::1')] },
  { name: 'eth0', networks: [cidr('192.0.2.0/24'), cidr('2001:db8:1::/64'), cidr('fe80::/64')] },
  { name: 'wg0', networks: [cidr('10.8.0.0/24')] },
  { name: 'br-0123456789ab', networks: [cidr('172.18.0.0/16'), cidr('fd18::/64')] },
];
const own = ['127.0.0.1', '::1', '192.0.2.10', '2001:db8:1::10', 'fe80::10', '10.8.0.1', '172.18.0.1'];

interface FakeHost {
  readonly fake: FakeKernel;
  /** The moment as a pass would see it now. */
  readonly look: () => Promise<Moment>;
}

/** A host after a pass: its containers on one bridge, and the rules in a kernel that is a fake which behaves. */
export async function hostOf(scene: Scene): Promise<FakeHost> {
  const inventory = makeInventory(scene.containers, {
    networks: scene.networks ?? [bridge],
    interfaces: scene.interfaces ?? interfaces,
    ...(scene.hostListeners === undefined ? {} : { hostListeners: scene.hostListeners }),
  });
  const policy = resolve(inventory, makeConfig(scene.config), scene.answers);
  const ruleset = render(policy, 'asked');
  const fake = new FakeKernel({ backends: ['nft'] });
  const kernel = createKernel(fake.run, { readFile: fake.readFile });
  await writeDocker(fake, policy);
  await fake.run({ program: 'ipset', args: ['restore'], input: scene.sets ?? '', timeoutMs: 1000 });
  await kernel.apply(diff(ruleset, await kernel.observe()));
  for (const { program, input } of scene.after ?? []) {
    const args = program === 'ipset' ? ['restore', '-exist'] : ['--noflush'];
    await fake.run({ program, args, input, timeoutMs: 1000 });
  }
  return {
    fake,
    look: async () => {
      const observed = await kernel.observe();
      const foreign = await kernel.readSets(foreignNames(policy, observed));
      return { policy, inventory, own: new Set(scene.own ?? own), kernel: { ruleset, observed, foreign } };
    },
  };
}

export async function momentOf(scene: Scene): Promise<Moment> {
  return (await hostOf(scene)).look();
}

/** Docker's own: chains in both families, DNAT for IPv4 (the bridge has no IPv6, which is docker-proxy's then). */
async function writeDocker(fake: FakeKernel, { services }: Moment['policy']): Promise<void> {
  const lines = services.flatMap(({ ports, endpoints }) =>
    ports.flatMap(({ family, hostPort, protocol, containerPort, loopback }) =>
      family === 6 || hostPort === undefined || loopback || endpoints.length === 0
        ? []
        : [
            `-A DOCKER ! -i br-0123456789ab -p ${protocol} -m ${protocol} --dport ${hostPort} -j DNAT --to-destination ${endpoints[0]?.address}:${containerPort}`,
          ],
    ),
  );
  // Docker up to 26
  const forward = '-A FORWARD -o br-0123456789ab -j DOCKER';
  const accepts = services.flatMap(({ ports, endpoints }) =>
    endpoints.length === 0
      ? []
      : ports
          .filter(({ family }) => family === 4)
          .map(
            ({ protocol, containerPort }) =>
              `-A DOCKER -d ${endpoints[0]?.address}/32 ! -i br-0123456789ab -o br-0123456789ab -p ${protocol} -m ${protocol} --dport ${containerPort} -j ACCEPT`,
          ),
  );
  const jump = '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER';
  for (const [tool, dnat, accept] of [
    ['iptables', lines, accepts],
    ['ip6tables', [], []],
  ] as const) {
    const input = [
      '*nat',
      ':DOCKER - [0:0]',
      jump,
      ...dnat,
      'COMMIT',
      '*filter',
      ':DOCKER - [0:0]',
      forward,
      ...accept,
      'COMMIT',
      '',
    ];
    const program = `${tool}-nft-restore`;
    const { exitCode, stderr } = await fake.run({
      program,
      args: ['--noflush'],
      input: input.join('\n'),
      timeoutMs: 1000,
    });
    if (exitCode !== 0) throw new Error(stderr);
  }
}

/** As the command does it, but for names, which no resolver is asked about. */
export function ask(moment: Moment, source: string, target: string): Explanation {
  const asker = parseAsker(source);
  if (!asker.ok) throw new Error(asker.problem);
  const goal = parseTarget(target, moment);
  if (!goal.ok) throw new Error(goal.problem);
  const { word } = asker;
  const askers: readonly Asker[] =
    word.kind === 'address'
      ? [{ address: word.address, interface: word.interface, name: undefined }]
      : word.kind === 'interface'
        ? neighboursAt(word.name, moment)
        : [];
  return explain(moment, { askers, target: goal.target });
}
