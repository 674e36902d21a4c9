import { expect, test } from 'vitest';
import { Refresh } from '../../src/daemon/refresh.ts';
import { isEmpty } from '../../src/decide/diff/diff.ts';
import type { Observed } from '../../src/decide/diff/model.ts';
import type { Snapshot } from '../../src/decide/inventory/docker-json.ts';
import type { Cidr } from '../../src/decide/net/network.ts';
import { type Decided, decide } from '../../src/decide/pass/decide.ts';
import type { SourceKey } from '../../src/decide/policy/config.ts';
import type { Answers } from '../../src/decide/policy/model.ts';
import { groupsOf, makeConfig } from '../unit/policy/inventories.ts';
import { onEachKernel } from './on-each-kernel.ts';

// DNS names in labels, and groups with long names, in a kernel: which sets there are, and what a new answer does to them.

const long = 'a-partner-with-a-name-that-is-long';
const inForce = {
  config: makeConfig({ groups: groupsOf({ [long]: ['198.51.100.0/24'] }) }),
  lockedDown: false,
};

function snapshotOf(names: readonly string[]): Snapshot {
  const ports = [
    { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8001, Type: 'tcp' as const },
    { IP: '192.0.2.10', PrivatePort: 443, PublicPort: 8443, Type: 'tcp' as const },
    { IP: '::', PrivatePort: 80, PublicPort: 8001, Type: 'tcp' as const },
  ];
  const labels = { 'dockwall.allow': `${names.join(' ')} ${long}`, 'dockwall.deny': 'bad.example.org' };
  const container = { Id: 'c1', Names: ['/web'], Labels: labels, State: 'running', Ports: ports };
  return { containers: [container], networks: [], details: new Map() };
}

function answersOf(names: readonly string[], home: readonly string[]): Answers {
  const each = names.map((name, index) => [name, [`203.0.${index >> 8}.${index & 255}`]] as const);
  return new Map(
    [...each, ['home.example.org', home] as const].map(([name, list]) => [
      name as SourceKey,
      list as readonly string[] as readonly Cidr[],
    ]),
  );
}

onEachKernel(({ subject }) => {
  const members = async (name: string): Promise<readonly string[]> => {
    const { sets } = await subject().kernel.observe();
    const set = sets.find((one) => one.name === name);
    return [...(set?.members.keys() ?? [])].toSorted();
  };

  test('names of labels are members of the sets of pairs, and a new answer is in them at once', async () => {
    const { kernel } = subject();
    const names = ['home.example.org', ...Array.from({ length: 80 }, (_, index) => `n${index}.example.org`)];
    const others = names.slice(1);
    const decideOn = (observed: Observed, all: readonly string[], answers: Answers): Decided =>
      decide(
        { snapshot: snapshotOf(all), host: { interfaces: [], listeners: [] }, observed, answers },
        inForce,
      );
    const one = decideOn(await kernel.observe(), names.slice(0, 1), answersOf([], ['198.18.0.1']));
    await kernel.apply(one.plan);
    const few = (await kernel.observe()).sets.map(({ name }) => name).toSorted();
    expect(await members('dockwall4-allow-pairs')).toEqual(['198.18.0.1,tcp:8001']);
    expect(await members('dockwall4-allow-bound')).toEqual(['192.0.2.10,tcp:8443,198.18.0.1']);
    expect(few.filter((name) => name.includes('-.')).length).toBe(4);

    let answers = answersOf(others, ['198.18.0.1']);
    const many = decideOn(await kernel.observe(), names, answers);
    await kernel.apply(many.plan);
    const observed = await kernel.observe();
    expect(observed.sets.map(({ name }) => name).toSorted()).toEqual(few);
    expect(await members('dockwall4-allow-pairs')).toHaveLength(81);
    expect(isEmpty(decideOn(observed, names, answers).plan)).toBe(true);

    let decision: Decided | undefined;
    const refresh = new Refresh({
      answers: () => answers,
      inForce: () => inForce,
      write: async (sets) => kernel.apply({ sets, tables: [], destroy: [] }),
      done: (refreshed) => (decision = refreshed.decision),
    });
    refresh.passed(many);
    answers = answersOf(others, ['198.18.0.2', '2001:db8::2']);
    await refresh.changed();
    const now = await members('dockwall4-allow-pairs');
    expect(now).toContain('198.18.0.2,tcp:8001');
    expect(now).not.toContain('198.18.0.1,tcp:8001');
    expect(await members('dockwall6-allow-pairs')).toEqual(['2001:db8::2,tcp:8001']);
    expect(await members('dockwall4-allow-bound')).toContain('192.0.2.10,tcp:8443,198.18.0.2');
    // the pass that follows finds nothing to do
    expect(isEmpty(decideOn(await kernel.observe(), names, answers).plan)).toBe(true);
    expect(decision?.ruleset).toEqual(decideOn(observed, names, answers).ruleset);
  });
});
