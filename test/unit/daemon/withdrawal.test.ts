import { describe, expect, it } from 'vitest';
import { type News, EarlyClose, withdrawals } from '../../../src/daemon/early-close.ts';
import type { Observed, SetChange } from '../../../src/decide/diff/model.ts';
import type {
  ContainerDetails,
  NetworkDetails,
  Snapshot,
} from '../../../src/decide/inventory/docker-json.ts';
import { decide } from '../../../src/decide/pass/decide.ts';
import { makeConfig } from '../policy/inventories.ts';
import { FakeClock, settle } from './fake-clock.ts';

const nothing: Observed = { backends: ['nft'], families: [4, 6], tables: [], sets: [], foreign: [] };
const open = { 'dockwall.public': '*' };

interface Spec {
  readonly id: string;
  readonly state?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly hostPort?: string;
  readonly network?: string;
}

function details({ id, labels = {}, hostPort = '8001', network = 'bridge' }: Spec): ContainerDetails {
  return {
    Id: id,
    Name: `/${id}`,
    Config: { Labels: labels },
    HostConfig: {
      NetworkMode: network,
      PortBindings: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: hostPort }] },
    },
  };
}

function decided(
  specs: readonly Spec[],
  networks: readonly NetworkDetails[] = [],
): ReturnType<typeof decide> {
  const snapshot: Snapshot = {
    containers: specs.map(({ id, state = 'running', labels = {}, hostPort = '8001' }) => ({
      Id: id,
      Names: [`/${id}`],
      Labels: labels,
      State: state,
      // what Docker has not bound is not the container's
      Ports:
        state === 'running'
          ? [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: Number(hostPort), Type: 'tcp' as const }]
          : [],
    })),
    details: new Map(specs.map((spec) => [spec.id, details(spec)])),
    networks,
  };
  const host = { interfaces: [], listeners: [] };
  return decide({ snapshot, host, observed: nothing }, { config: makeConfig(), lockedDown: false });
}

const text = (changes: readonly SetChange[]): readonly string[] =>
  changes.map((change) =>
    'member' in change ? `${change.kind} ${change.set} ${change.member}` : change.kind,
  );

const taken = (specs: readonly Spec[], ...news: readonly News[]): readonly string[] => {
  const { from, ruleset } = decided(specs);
  return text(withdrawals({ from, sets: ruleset.sets }, news));
};

const withdrawn = [
  'delete-member dockwall4-public 0.0.0.0/1,tcp:8001',
  'delete-member dockwall4-public 128.0.0.0/1,tcp:8001',
];
const publicOne: Spec = { id: 'public', labels: open };
const routed: NetworkDetails = {
  Id: 'n',
  Name: 'n',
  Driver: 'bridge',
  Options: { 'com.docker.network.bridge.gateway_mode_ipv4': 'routed' },
  Containers: { public: { IPv4Address: '172.20.0.2/16' } },
};
const heir: Spec = { id: 'heir', state: 'created' };

describe('what an event takes away', () => {
  it.each<[string, readonly Spec[], News, readonly string[]]>([
    ['a public one ends, and nobody else claims its port', [publicOne], { kind: 'ended', id: 'public' }, []],
    [
      'it ends, and another waits for its port',
      [publicOne, heir],
      { kind: 'ended', id: 'public' },
      withdrawn,
    ],
    ['it is removed', [publicOne], { kind: 'gone', id: 'public' }, withdrawn],
    ['somebody else is removed', [publicOne, heir], { kind: 'gone', id: 'heir' }, []],
    [
      'one that claims its port is made while it runs',
      [publicOne],
      { kind: 'made', id: 'heir', details: details(heir) },
      [],
    ],
    [
      'one that claims its port is made while it is stopped',
      [{ ...publicOne, state: 'exited' }],
      { kind: 'made', id: 'heir', details: details(heir) },
      withdrawn,
    ],
    [
      'one that opens it as well is made while it is stopped',
      [{ ...publicOne, state: 'exited' }],
      { kind: 'made', id: 'heir', details: details({ ...heir, labels: open }) },
      [],
    ],
    [
      'one that claims another port is made while it is stopped',
      [{ ...publicOne, state: 'exited' }],
      { kind: 'made', id: 'heir', details: details({ ...heir, hostPort: '8002' }) },
      [],
    ],
    [
      'one whose ports nobody knows is made while it is stopped',
      [{ ...publicOne, state: 'exited' }],
      { kind: 'made', id: 'heir', details: undefined },
      withdrawn,
    ],
    [
      'one whose ports nobody knows is made while it runs',
      [publicOne],
      { kind: 'made', id: 'heir', details: undefined },
      [],
    ],
  ])('%s', (_, specs, news, expected) => {
    expect(taken(specs, news)).toEqual(expected);
  });

  it('a routed address is nobody’s any more', () => {
    const { from, ruleset } = decided([publicOne], [routed]);
    expect(text(withdrawals({ from, sets: ruleset.sets }, [{ kind: 'ended', id: 'public' }]))).toEqual([
      'delete-member dockwall4-r-public 172.20.0.2,tcp:80',
    ]);
  });
});

describe('what a declaration opened', () => {
  const declaring: Spec = { id: 'host', labels: { ...open, 'dockwall.ports': '8001/tcp' }, network: 'host' };

  it('is taken away when one that publishes the port is made', () => {
    expect(taken([declaring], { kind: 'made', id: 'heir', details: details(heir) })).toEqual(withdrawn);
  });

  it('is taken away when one is made whose ports nobody knows', () => {
    expect(taken([declaring], { kind: 'made', id: 'heir', details: undefined })).toEqual([
      ...withdrawn,
      'delete-member dockwall6-public 8000::/1,tcp:8001',
      'delete-member dockwall6-public ::/1,tcp:8001',
    ]);
  });
});

describe('Withdrawal', () => {
  function start(): { earlyClose: EarlyClose; written: (readonly string[])[]; clock: FakeClock } {
    const written: (readonly string[])[] = [];
    const clock = new FakeClock();
    const write = async (changes: readonly SetChange[]): Promise<void> => void written.push(text(changes));
    return { earlyClose: new EarlyClose({ write, clock }), written, clock };
  }

  it('takes away at once, and once', async () => {
    const { earlyClose, written, clock } = start();
    earlyClose.passed(decided([publicOne, heir]));
    earlyClose.tell({ kind: 'ended', id: 'public' });
    expect(written).toEqual([withdrawn]);
    await clock.advance(10);
    earlyClose.tell({ kind: 'gone', id: 'public' });
    await clock.advance(10);
    expect(written).toEqual([withdrawn]);
  });

  it('what happened while a pass asked is news to it as well', () => {
    const { earlyClose, written } = start();
    earlyClose.asks();
    earlyClose.tell({ kind: 'ended', id: 'public' });
    earlyClose.passed(decided([publicOne, heir]));
    expect(written).toEqual([withdrawn]);
    earlyClose.asks();
    earlyClose.passed(decided([publicOne, heir]));
    expect(written).toEqual([withdrawn]);
  });

  it('a new one may claim what was open for one that has died since the last pass', async () => {
    const { earlyClose, written, clock } = start();
    earlyClose.passed(decided([publicOne]));
    earlyClose.tell({ kind: 'ended', id: 'public' });
    await clock.advance(10);
    expect(written).toEqual([]);
    // A pass that has asked and not ended makes no difference.
    earlyClose.asks();
    earlyClose.tell({ kind: 'made', id: 'heir', details: details(heir) });
    expect(written).toEqual([withdrawn]);
  });

  it('a new one may claim what runs and only declares it', () => {
    const { earlyClose, written } = start();
    earlyClose.passed(
      decided([{ id: 'host', network: 'host', labels: { ...open, 'dockwall.ports': '8001/tcp' } }]),
    );
    earlyClose.tell({ kind: 'made', id: 'heir', details: details(heir) });
    expect(written.length).toBe(1);
  });

  it('a routed address goes with its container, whoever has the host’s port', () => {
    const { earlyClose, written } = start();
    earlyClose.passed(decided([publicOne, { id: 'other' }], [routed]));
    earlyClose.tell({ kind: 'ended', id: 'public' });
    expect(written).toEqual([['delete-member dockwall4-r-public 172.20.0.2,tcp:80']]);
  });

  it('a container that has started again has not ended', () => {
    const { earlyClose, written } = start();
    earlyClose.asks();
    earlyClose.tell({ kind: 'ended', id: 'public' });
    earlyClose.tell({ kind: 'started', id: 'public' });
    earlyClose.passed(decided([publicOne, heir]));
    expect(written).toEqual([]);
  });

  it('gives Docker a moment to say what a new one asks for', async () => {
    const { earlyClose, written, clock } = start();
    earlyClose.passed(decided([{ ...publicOne, state: 'exited' }]));
    earlyClose.made('quick', Promise.resolve(details({ id: 'quick', hostPort: '8002' })));
    await settle();
    await clock.advance(100);
    expect(written).toEqual([]);
    earlyClose.made('slow', new Promise(() => {}));
    await clock.advance(100);
    expect(written).toEqual([withdrawn]);
  });
});
