import type { Observed } from '../../../src/decide/diff/model.ts';
import type { EngineAnswers, Snapshot } from '../../../src/decide/inventory/docker-json.ts';
import type { HostFacts } from '../../../src/decide/inventory/read-inventory.ts';
import { type Decided, decide } from '../../../src/decide/pass/decide.ts';
import type { HostView } from '../../../src/faces/doctor/model.ts';
import { loadConfig } from '../../../src/reach/config/load.ts';
import { createKernel } from '../../../src/reach/kernel/kernel.ts';
import { FakeKernel, type FakeOptions } from '../../contract/fake-kernel.ts';

/** What is on a staged host besides an engine and, unless told otherwise, a dockwall that is well. */
export interface Staging {
  /** The configuration, as YAML. */
  readonly config?: string;
  /** Lines of somebody else's `iptables-restore --noflush`, IPv4, after dockwall's. */
  readonly rules?: string;
  /** Somebody else's sets, made before dockwall's. */
  readonly sets?: string;
  readonly networks?: Snapshot['networks'];
  readonly host?: Partial<HostFacts>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly engine?: Partial<EngineAnswers>;
  /** Dockwall has never been there. */
  readonly bare?: boolean;
  readonly kernel?: FakeOptions;
  readonly view?: Partial<HostView>;
}

const dockers = `*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -j DOCKER
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER
-A DOCKER-USER -j RETURN
COMMIT
`;

const engine: EngineAnswers = {
  info: { OSType: 'linux', LiveRestoreEnabled: false, FirewallBackend: { Driver: 'iptables' } },
  version: { Version: '29.1.0', ApiVersion: '1.52' },
  nftables: false,
  ownContainer: undefined,
  sharesLock: true,
  remote: undefined,
};

const healthy = { healthy: true, problems: [], drift: {} };
const names = ['hash:net', 'hash:net,port', 'hash:ip,port,net', 'list:set', 'set match', 'mark'];

/** A host as `lookAtHost` would find it. */
export async function stageHost(staging: Staging = {}): Promise<HostView> {
  const { config = '', rules, sets, bare, kernel: options = {}, view } = staging;
  const fake = new FakeKernel({ backends: ['nft'], ...options });
  const side = options.backends?.includes('nft') === false ? 'legacy' : 'nft';
  const restore = async (program: string, input: string): Promise<void> => {
    const args = program === 'ipset' ? ['restore'] : ['--noflush'];
    const { stderr } = await fake.run({ program, args, input, timeoutMs: 1000 });
    if (stderr !== '') throw new Error(stderr);
  };
  for (const program of ['iptables', 'ip6tables']) await restore(`${program}-${side}-restore`, dockers);
  if (sets !== undefined) await restore('ipset', sets);
  const kernel = createKernel(fake.run, { readFile: fake.readFile });
  const look = async (): Promise<Decided> => decideOn(staging, config, await kernel.observe());
  if (bare !== true) await kernel.apply((await look()).plan);
  if (rules !== undefined) await restore(`iptables-${side}-restore`, rules);
  return {
    version: '0.1.0',
    kernel: '6.12.0',
    config: { problems: 0, warnings: 0 },
    missingCapabilities: [],
    root: true,
    docker: 'answers',
    remote: undefined,
    netfilter: { kind: 'seen', observed: await kernel.observe() },
    decided: await look(),
    features: names.map((name) => ({ name, works: true, optional: name === 'list:set' })),
    nftTables: [],
    conntrack: true,
    inContainer: true,
    sharedLock: true,
    ipv6Disabled: false,
    listening: new Set(['tcp 8001']),
    interfaces: ['lo', 'eth0', 'docker0', 'br-0123456789ab', 'veth12'],
    daemon: healthy,
    bootUnit: true,
    savedRules: [],
    clockBehind: false,
    stateFolder: true,
    ...view,
  };
}

function decideOn(staging: Staging, text: string, observed: Observed): Decided {
  const loaded = loadConfig({ file: { path: 'dockwall.yml', text }, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const container = {
    Id: 'c1',
    Names: ['/wiki'],
    State: 'running',
    Labels: staging.labels ?? {},
    HostConfig: { NetworkMode: 'bridge' },
    Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8001, Type: 'tcp' as const }],
    NetworkSettings: { Networks: {} },
  };
  const snapshot: Snapshot = {
    containers: [container],
    networks: staging.networks ?? [],
    details: new Map(),
    engine: { ...engine, ...staging.engine },
  };
  const interfaces = ['eth0', 'docker0', 'br-0123456789ab'].map((name) => ({ name, networks: [] }));
  const host = { interfaces, listeners: [], ...staging.host };
  return decide({ snapshot, host, observed }, { config: loaded.config, lockedDown: false });
}
