import { describe, expect, it } from 'vitest';
import type { Backend, Observed, ObservedRule, ObservedTable } from '../../../src/decide/diff/model.ts';
import type { EngineAnswers } from '../../../src/decide/inventory/docker-json.ts';
import type { Inventory } from '../../../src/decide/inventory/model.ts';
import { readInfo } from '../../../src/decide/inventory/read-docker.ts';
import { checkEngine, type Finding, requireGuardable } from '../../../src/decide/pass/engine-check.ts';
import { makeContainer, makeInventory } from '../policy/inventories.ts';

const jump: ObservedRule = { id: undefined, spec: '-j DOCKER', target: 'DOCKER' };

function table(
  name: string,
  backend: Backend,
  chains: Record<string, readonly ObservedRule[]>,
): ObservedTable {
  return { family: 4, backend, table: name, chains: new Map(Object.entries(chains)) };
}

function kernel(docker: 'chain' | 'no chain', backend: Backend = 'nft'): Observed {
  const tables = [table('nat', backend, { PREROUTING: [jump] }), table('filter', backend, { DOCKER: [] })];
  return {
    backends: [backend],
    families: [4, 6],
    tables: docker === 'chain' ? tables : [],
    sets: [],
    foreign: [],
  };
}

/** `/info` as engines answer it, unparsed; what is not given is as on a rootful Linux host with iptables. */
function answers(info: object | undefined, more: Partial<EngineAnswers> = {}): EngineAnswers {
  const usual = { OSType: 'linux', SecurityOptions: ['name=seccomp,profile=default', 'name=cgroupns'] };
  return {
    info: info === undefined ? undefined : readInfo({ ...usual, ...info }),
    version: { Version: '28.5.2', ApiVersion: '1.51' },
    nftables: false,
    ownContainer: undefined,
    sharesLock: true,
    remote: undefined,
    ...more,
  };
}

const bridge = { id: 'n', name: 'bridge', driver: 'bridge', bridge: 'docker0', routed: [] } as const;
const shop = { ...bridge, id: 'm', name: 'shop', bridge: 'br-0123456789ab' };
const device = (name: string) => ({ name, networks: [] });
const here = makeInventory([], { networks: [bridge], interfaces: ['lo', 'eth0', 'docker0'].map(device) });
const elsewhere = makeInventory([], { networks: [bridge, shop], interfaces: ['lo', 'eth0'].map(device) });

function find(
  given: EngineAnswers,
  inventory: Inventory = here,
  observed = kernel('chain'),
): readonly Finding[] {
  return checkEngine(given, inventory, observed).findings;
}

describe('checkEngine', () => {
  it.each([
    ['20.10, which says nothing of its firewall', {}],
    ['28.5', { FirewallBackend: { Driver: 'iptables' } }],
    ['firewalld', { FirewallBackend: { Driver: 'iptables+firewalld', Info: [['ReloadedAt', 'x']] } }],
    ['live-restore and Swarm', { LiveRestoreEnabled: true, Swarm: { LocalNodeState: 'active' } }],
  ])('%s: nothing to say', (_, info) => {
    expect(find(answers(info))).toEqual([]);
  });

  it('reads what the engine is', () => {
    const info = {
      OperatingSystem: 'Docker Desktop',
      SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'],
      LiveRestoreEnabled: true,
      Swarm: { LocalNodeState: 'active', ControlAvailable: true },
      FirewallBackend: { Driver: 'nftables+firewalld' },
    };
    expect(checkEngine(answers(info), here, kernel('no chain')).facts).toEqual({
      version: '28.5.2',
      apiVersion: '1.51',
      firewall: 'nftables',
      rootless: true,
      osType: 'linux',
      desktop: true,
      liveRestore: true,
      swarm: 'manager',
    });
  });

  it.each<[string, EngineAnswers, Observed, Finding['kind'], RegExp]>([
    [
      'the nftables backend',
      answers({ FirewallBackend: { Driver: 'nftables' } }),
      kernel('no chain'),
      'note',
      /nftables backend keeps no DOCKER chain: the gate stands alone/,
    ],
    ['a refused /info', answers(undefined), kernel('chain'), 'warning', /INFO=1/],
    [
      'the nftables backend, seen in the kernel only',
      answers({}, { nftables: true, version: undefined }),
      kernel('no chain'),
      'note',
      /nftables backend keeps no DOCKER chain/,
    ],
    [
      'the nftables backend, and chains of an earlier start',
      answers({ FirewallBackend: { Driver: 'nftables' } }),
      kernel('chain'),
      'note',
      /says that it uses its nftables backend, but there is a DOCKER chain/,
    ],
    [
      'iptables, and no chain',
      answers({ FirewallBackend: { Driver: 'iptables' } }),
      kernel('no chain'),
      'note',
      /says that it uses iptables, but there is no DOCKER chain .*"iptables": false/,
    ],
    [
      'no chain, on an engine that says nothing of it',
      answers({}),
      kernel('no chain'),
      'note',
      /^there is no DOCKER chain/,
    ],
    [
      'rootless',
      answers({ SecurityOptions: ['name=seccomp', 'name=rootless'] }),
      kernel('chain'),
      'refusal',
      /rootless.*engines that run as root/,
    ],
    ['Windows', answers({ OSType: 'windows' }), kernel('chain'), 'refusal', /windows containers/],
    [
      'Docker Desktop',
      answers({ OperatingSystem: 'Docker Desktop' }),
      kernel('chain'),
      'warning',
      /Docker Desktop hands clients on/,
    ],
  ])('%s', (_, given, observed, kind, text) => {
    expect(find(given, here, observed)).toEqual([{ kind, text: expect.stringMatching(text) }]);
  });

  it('a rootless engine is refused for that, and not for its bridges', () => {
    const rootless = answers({ SecurityOptions: ['name=rootless'] });
    expect(find(rootless, elsewhere).map(({ text }) => text)).toEqual([expect.stringMatching(/is rootless/)]);
  });

  it('none of the bridges is here: a sidecar without the network of the host', () => {
    const id = 'a'.repeat(64);
    const own = { ...elsewhere, containers: [makeContainer('dockwall', { id })] };
    expect(find(answers({}, { ownContainer: id }), own)).toEqual([
      {
        kind: 'refusal',
        text: expect.stringMatching(/not run in the host's network: add "network_mode: host"/),
      },
    ]);
  });

  it('none of the bridges is here: the wrong network namespace, or another host', () => {
    const [wrong] = find(answers({}), elsewhere);
    expect(wrong).toEqual({
      kind: 'refusal',
      text: expect.stringMatching(/none of its bridges \(docker0, br-0123456789ab\).*network_mode: host/),
    });
    const [remote] = find(answers({}, { remote: 'tcp://192.0.2.7:2376' }), elsewhere);
    expect(remote).toEqual({
      kind: 'problem',
      text: expect.stringMatching(
        /engine at tcp:\/\/192\.0\.2\.7:2376 is not on this host.*nothing .* guarded/,
      ),
    });
  });

  it('one of the bridges is enough, and an engine without any proves nothing', () => {
    const some = { ...elsewhere, interfaces: [device('br-0123456789ab')] };
    expect(find(answers({}), some)).toEqual([]);
    expect(find(answers({}), { ...elsewhere, networks: [] })).toEqual([]);
    expect(find(answers({}), { ...elsewhere, interfaces: [] })).toEqual([]);
  });

  it('says when it is not known what interfaces are', () => {
    expect(find(answers({}), { ...here, linksProblem: 'running ip: no such program' })).toEqual([
      {
        kind: 'warning',
        text: expect.stringMatching(/cannot be read \(running ip: no such program\): only/),
      },
    ]);
  });

  it('a lock that is not the host’s matters with iptables-legacy only', () => {
    const alone = answers({}, { sharesLock: false });
    expect(find(alone)).toEqual([]);
    expect(find(answers({}), here, kernel('chain', 'legacy'))).toEqual([]);
    expect(find(alone, here, kernel('chain', 'legacy'))).toEqual([
      {
        kind: 'warning',
        text: expect.stringMatching(
          /mount \/run\/xtables\.lock into the dockwall service .*create_host_path: false/,
        ),
      },
    ]);
  });

  it('only a refusal keeps dockwall from writing', () => {
    const findings: readonly Finding[] = [
      { kind: 'problem', text: 'p' },
      { kind: 'note', text: 'n' },
    ];
    requireGuardable({ facts: undefined, findings });
    const refusal: Finding = { kind: 'refusal', text: 'no' };
    expect(() => requireGuardable({ facts: undefined, findings: [...findings, refusal] })).toThrow('no');
  });
});
