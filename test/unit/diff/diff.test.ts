import { describe, expect, it } from 'vitest';
import { diff, diffAway, isEmpty, setChanges } from '../../../src/decide/diff/diff.ts';
import type {
  Backend,
  Observed,
  ObservedRule,
  ObservedSet,
  ObservedTable,
  SetChange,
} from '../../../src/decide/diff/model.ts';
import { gateStands } from '../../../src/decide/diff/placement.ts';
import type { Family } from '../../../src/decide/net/network.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { render } from '../../../src/decide/wall/render.ts';
import { makeConfig, makeContainer, makeInventory, peerList, ports } from '../policy/inventories.ts';

const foreign = (target: string): ObservedRule => ({ id: undefined, spec: `-j ${target}`, target });

function table(
  family: Family,
  name: string,
  chains: Record<string, readonly ObservedRule[]>,
  backend: Backend = 'nft',
): ObservedTable {
  return { family, backend, table: name, chains: new Map(Object.entries(chains)) };
}

function docker(backend: Backend = 'nft'): readonly ObservedTable[] {
  return ([4, 6] as const).flatMap((family) => [
    table(family, 'nat', { PREROUTING: [foreign('DOCKER')], DOCKER: [] }, backend),
    table(family, 'filter', { FORWARD: [foreign('DOCKER')], DOCKER: [foreign('ACCEPT')] }, backend),
  ]);
}

function observe(changes: Partial<Observed> = {}): Observed {
  return { backends: ['nft'], families: [4, 6], tables: docker(), sets: [], foreign: [], ...changes };
}

const trusting = makeConfig({ trusted: peerList(['203.0.113.4']) });
const web = makeContainer('web', { labels: { 'dockwall.public': '80' }, ports: ports('80:80') });
const ruleset = render(resolve(makeInventory([web]), trusting), 'asked');

describe('where the walls go', () => {
  it('the front beside Docker, the gate with it', () => {
    const plan = diff(ruleset, observe({ backends: ['nft', 'legacy'], tables: docker('legacy') }));
    expect(
      new Set(plan.tables.map(({ backend, table, family }) => `${table} v${family} ${backend}`)),
    ).toEqual(new Set(['mangle v4 legacy', 'mangle v6 legacy', 'filter v4 legacy', 'filter v6 legacy']));
  });

  it('the gate alone where there is no DOCKER chain', () => {
    const plan = diff(ruleset, observe({ tables: [] }));
    expect(plan.tables.map(({ table }) => table)).toEqual(['mangle', 'mangle']);
  });

  it('nothing in a family that the kernel does not have', () => {
    const plan = diff(ruleset, observe({ families: [4] }));
    expect(plan.tables.map(({ family }) => family)).toEqual([4, 4]);
    expect(
      plan.sets.filter((change) => 'member' in change && change.set.startsWith('dockwall6')).length,
    ).toBe(0);
  });

  it('the front goes where Docker has moved, and leaves where it was', () => {
    const left = table(4, 'filter', {
      DOCKER: [{ id: 'x', spec: 'ours', target: 'DOCKWALL-SERVICES' }],
      'DOCKWALL-SERVICES': [],
    });
    const plan = diff(ruleset, observe({ backends: ['nft', 'legacy'], tables: [...docker('legacy'), left] }));
    const removal = plan.tables.find(({ table, backend }) => table === 'filter' && backend === 'nft');
    expect(removal?.changes).toEqual([
      { kind: 'unhook', chain: 'DOCKER', spec: 'ours' },
      { kind: 'delete-chain', chain: 'DOCKWALL-SERVICES' },
    ]);
  });
});

describe('the jump in a shared chain', () => {
  const standing = diff(ruleset, observe()).tables.find(
    ({ table, family }) => table === 'filter' && family === 4,
  );
  const hook = standing?.changes.find(({ kind }) => kind === 'hook');
  const id = hook?.kind === 'hook' ? hook.rule.id : '';
  const ours: ObservedRule = { id, spec: 'our jump', target: 'DOCKWALL-SERVICES' };

  it.each<[string, ObservedRule[], string[]]>([
    ['is left alone at the top', [ours, foreign('ACCEPT')], []],
    ['is put there', [foreign('ACCEPT')], ['hook']],
    ['is put back on top', [foreign('ACCEPT'), ours], ['unhook', 'hook']],
    ['is there once', [ours, foreign('ACCEPT'), ours], ['unhook', 'unhook', 'hook']],
    ['is renewed when it says something else', [{ ...ours, id: 'old' }], ['unhook', 'hook']],
  ])('%s', (_, rules, kinds) => {
    const tables = observe().tables.map((seen) =>
      seen.family === 4 && seen.table === 'filter' ? table(4, 'filter', { DOCKER: rules }) : seen,
    );
    const plan = diff(ruleset, observe({ tables }));
    const changes =
      plan.tables.find(({ family, table }) => family === 4 && table === 'filter')?.changes ?? [];
    expect(changes.map(({ kind }) => kind).filter((kind) => kind.endsWith('hook'))).toEqual(kinds);
  });
});

describe('sets', () => {
  const trusted = (members: Record<string, number>): ObservedSet => ({
    name: 'dockwall4-trusted',
    type: 'hash:net',
    family: 4,
    expiring: true,
    members: new Map(Object.entries(members)),
  });
  const changesOf = (set: ObservedSet, name: string): readonly string[] =>
    setChanges(diff(ruleset, observe({ sets: [set] }))).flatMap((change) =>
      'set' in change && change.set === name
        ? [`${change.kind} ${'member' in change ? change.member : ''}`]
        : [],
    );

  it.each<[string, Record<string, number>, string[]]>([
    ['keeps what is wanted', { '203.0.113.4': 0 }, []],
    ['leaves an expiring member alone', { '203.0.113.4': 0, '203.0.113.5': 60 }, []],
    ['takes a permanent stranger out', { '203.0.113.4': 0, '203.0.113.5': 0 }, ['delete-member 203.0.113.5']],
    ['makes a wanted member that would expire permanent', { '203.0.113.4': 60 }, ['add-member 203.0.113.4']],
  ])('%s', (_, members, expected) => {
    expect(changesOf(trusted(members), 'dockwall4-trusted')).toEqual(expected);
  });

  it('replaces a set of another shape, and destroys what nothing wants', () => {
    const wrong = { ...trusted({}), type: 'hash:ip' };
    const stale = { ...trusted({}), name: 'dockwall4-src-gone' };
    const plan = diff(ruleset, observe({ sets: [wrong, stale] }));
    expect(plan.sets.slice(0, 2)).toMatchObject([{ kind: 'discard-set' }, { kind: 'create-set' }]);
    expect(plan.destroy).toEqual(['dockwall4-src-gone']);
  });

  it('closes before it opens, and stops closing last', () => {
    const port = (name: string, members: string[]): ObservedSet => ({
      name,
      type: 'hash:net,port',
      family: 4,
      expiring: false,
      members: new Map(members.map((member) => [member, 0])),
    });
    const plan = diff(
      ruleset,
      observe({
        sets: [
          port('dockwall4-published', ['0.0.0.0/1,tcp:99']),
          port('dockwall4-public', ['0.0.0.0/1,tcp:99']),
        ],
      }),
    );
    const order = setChanges(plan).flatMap((change) =>
      'set' in change && 'member' in change && change.set.startsWith('dockwall4-pub')
        ? [`${change.kind} ${change.set}`]
        : [],
    );
    expect([...new Set(order)]).toEqual([
      'add-member dockwall4-published',
      'delete-member dockwall4-public',
      'add-member dockwall4-public',
      'delete-member dockwall4-published',
    ]);
    // with rules to write, what opens waits for them
    const public4 = (changes: readonly SetChange[] | undefined): readonly string[] =>
      (changes ?? []).flatMap((change) =>
        'member' in change && change.set === 'dockwall4-public' ? [change.kind] : [],
      );
    expect(new Set(public4(plan.sets))).toEqual(new Set(['delete-member']));
    expect(new Set(public4(plan.openings))).toEqual(new Set(['add-member']));
  });
});

describe('before Docker has been asked', () => {
  const unasked = render(resolve(makeInventory([]), trusting), 'unasked');
  it('the front and the members of port sets stay as they are, and no set goes', () => {
    const kept: ObservedSet = {
      name: 'dockwall4-published',
      type: 'hash:net,port',
      family: 4,
      expiring: false,
      members: new Map([['0.0.0.0/1,tcp:80', 0]]),
    };
    const plan = diff(unasked, observe({ sets: [kept, { ...kept, name: 'dockwall4-to-web' }] }));
    expect(plan.destroy).toEqual([]);
    expect(plan.tables.every(({ table }) => table === 'mangle')).toBe(true);
    expect(plan.sets.filter((change) => 'set' in change && change.set === 'dockwall4-published')).toEqual([]);
  });
});

describe('down', () => {
  it('asks for nothing where nothing of ours is', () => {
    expect(isEmpty(diffAway(observe()))).toBe(true);
  });
});

describe('the boot wall', () => {
  const bootJump: ObservedRule = { id: 'x', spec: 'the boot wall', target: 'DOCKWALL-BOOT-INPUT' };
  const booted = observe({
    tables: ([4, 6] as const).map((family) =>
      table(family, 'mangle', {
        PREROUTING: [],
        INPUT: [bootJump],
        FORWARD: [{ ...bootJump, target: 'DOCKWALL-BOOT-FORWARD' }],
        'DOCKWALL-BOOT-INPUT': [foreign('DROP')],
        'DOCKWALL-BOOT-FORWARD': [foreign('DROP')],
      }),
    ),
  });
  const boot = (plan: ReturnType<typeof diff>): readonly string[] =>
    plan.tables
      .filter(({ family }) => family === 4)
      .flatMap(({ changes }) => changes.filter((change) => JSON.stringify(change).includes('boot wall')))
      .map(({ kind }) => kind);

  it('stays while Docker has not been asked, and goes with the first pass that has', () => {
    const policy = resolve(makeInventory([web]), trusting);
    const early = diff(render(policy, 'unasked'), booted);
    expect(boot(early)).toEqual([]);
    expect(JSON.stringify(early)).not.toContain('BOOT');
    expect(early.tables).toHaveLength(2);
    const changes = diff(ruleset, booted).tables[0]?.changes ?? [];
    expect(boot(diff(ruleset, booted))).toEqual(['unhook', 'unhook']);
    expect(changes.filter(({ kind }) => kind === 'delete-chain')).toEqual([
      { kind: 'delete-chain', chain: 'DOCKWALL-BOOT-INPUT' },
      { kind: 'delete-chain', chain: 'DOCKWALL-BOOT-FORWARD' },
    ]);
  });

  it('goes with everything else of ours', () => {
    expect(boot(diffAway(booted))).toEqual(['unhook', 'unhook']);
  });

  it('is no gate, and does not hide one', () => {
    expect(gateStands(booted, 4, 'nft')).toBe(false);
    const ours = (name: string): ObservedRule => ({ id: 'y', spec: 'ours', target: `DOCKWALL-${name}` });
    const chains = {
      PREROUTING: [ours('GATE')],
      INPUT: [bootJump, ours('INPUT')],
      FORWARD: [bootJump, ours('FORWARD')],
      POSTROUTING: [ours('REPLIES')],
    };
    expect(gateStands(observe({ tables: [table(4, 'mangle', chains)] }), 4, 'nft')).toBe(true);
  });
});
