import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffAway } from '../../src/decide/diff/diff.ts';
import type { Observed } from '../../src/decide/diff/model.ts';
import type { ContainerSummary, Snapshot } from '../../src/decide/inventory/docker-json.ts';
import { type Decision, decide } from '../../src/decide/pass/decide.ts';
import { isOwnedChain, isOwnedSet } from '../../src/decide/wall/names.ts';
import { renderSets } from '../../src/reach/kernel/ipset/render.ts';
import { renderTables } from '../../src/reach/kernel/iptables/render.ts';
import { groupsOf, makeConfig } from '../unit/policy/inventories.ts';
import { onEachKernel } from './on-each-kernel.ts';

/** What somebody would write who wants a label to become a rule, an option, a set name or a shell word. */
const spiteful = fc.constantFrom(
  'office\n-A DOCKER -j ACCEPT\nCOMMIT\n',
  '" -j ACCEPT "',
  '--comment "x" -j ACCEPT',
  '$(touch /tmp/x)',
  '`id`; rm -rf /',
  '0.0.0.0/0 -j ACCEPT',
  'dockwall4-trusted',
  '\u0000\u001B[31m\u202Ekcab',
  'x'.repeat(10_240),
  '80\r\n443',
  '%s%n',
);
const text = fc.oneof(
  spiteful,
  fc.string({ unit: 'binary' }),
  fc.constantFrom('http', 'office', '*', '80', ''),
);
const key = fc.oneof(
  fc.constantFrom('public', 'allow', 'deny', 'ports', 'description'),
  text.map((port) => `allow.${port}`),
  text,
);
const labels = fc.dictionary(
  key.map((suffix) => `dockwall.${suffix}`),
  text,
  { maxKeys: 4 },
);

const config = {
  config: makeConfig({ groups: groupsOf({ office: ['198.51.100.0/24'] }) }),
  lockedDown: false,
};

/** Two containers with any labels and any name between one that is open and one that is closed. */
function snapshotOf(
  hostile: readonly { readonly name: string; readonly labels: Record<string, string> }[],
): Snapshot {
  const containers = [
    { name: 'open', labels: { 'dockwall.public': '80' } },
    { name: 'closed', labels: {} },
    ...hostile,
  ].map(({ name, labels }, index): ContainerSummary => ({
    Id: `c${index}`,
    Names: [`/${name}`],
    Labels: labels,
    State: 'running',
    Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8000 + index, Type: 'tcp' }],
  }));
  const endpoints = containers.map(
    ({ Id }, index) => [Id, { IPv4Address: `172.17.0.${index + 2}/16` }] as const,
  );
  const options = { 'com.docker.network.bridge.name': 'docker0' };
  const bridge = {
    Id: 'bridge',
    Name: 'bridge',
    Driver: 'bridge',
    Options: options,
    Containers: Object.fromEntries(endpoints),
  };
  return { containers, networks: [bridge], details: new Map() };
}

const hostile = fc
  .array(fc.record({ name: fc.oneof(fc.constant('web'), text), labels }), { minLength: 1, maxLength: 2 })
  .map(snapshotOf);

function decideOn(snapshot: Snapshot, observed: Observed): Decision {
  return decide({ snapshot, host: { interfaces: [], listeners: [] }, observed }, config);
}

/** What is written is exactly what was decided: one line each, and every line about a chain or set of ours. */
function expectOnlyOurs({ plan }: Decision): void {
  const rules = renderTables(plan.tables)
    .split('\n')
    .filter((line) => line !== '');
  const decided = plan.tables.flatMap(({ changes }) => changes);
  // A chain that goes is two lines, -F and -X; each transaction has a head and a COMMIT.
  const goes = decided.filter(({ kind }) => kind === 'delete-chain').length;
  expect(rules.length).toBe(decided.length + goes + 2 * plan.tables.length);
  for (const line of rules)
    expect(line).toMatch(
      /^(\*(mangle|filter)|COMMIT|:DOCKWALL-\S+ - \[0:0\]|-[ADIFX] (DOCKWALL-\S+|PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING|DOCKER)\b[ -~]*)$/,
    );
  const sets = renderSets(plan.sets)
    .split('\n')
    .filter((line) => line !== '');
  expect(sets.length).toBe(plan.sets.length);
  for (const line of sets) expect(line).toMatch(/^(create|add|del|destroy) dockwall[46]-[ -~]+$/);
}

onEachKernel(({ kind, backend, subject }) => {
  test('no label, key or name can become anything but a closed container', { timeout: 120_000 }, async () => {
    const it = subject();
    const docker =
      '*nat\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n*filter\n:DOCKER - [0:0]\nCOMMIT\n';
    for (const program of [`iptables-${backend}-restore`, `ip6tables-${backend}-restore`]) {
      await it.world.run({ program, args: ['--noflush'], input: docker, timeoutMs: 10_000 });
    }
    await fc.assert(
      fc.asyncProperty(hostile, async (snapshot) => {
        const decision = decideOn(snapshot, await it.kernel.observe());
        expectOnlyOurs(decision);
        await it.kernel.apply(decision.plan);
        const observed = await it.kernel.observe();
        // The kernel holds what was meant, no more: nothing is left to do, and nothing foreign has come.
        expect(decideOn(snapshot, observed).plan).toEqual({ sets: [], tables: [], destroy: [] });
        for (const { chains } of observed.tables) {
          for (const [chain, rules] of chains) {
            if (isOwnedChain(chain)) continue;
            for (const { target } of rules)
              expect(target === 'DOCKER' || isOwnedChain(target ?? '')).toBe(true);
          }
        }
        expect(observed.sets.every(({ name }) => isOwnedSet(name))).toBe(true);
        const open = observed.sets.find(({ name }) => name === 'dockwall4-public');
        expect([...(open?.members.keys() ?? [])]).toContain('0.0.0.0/1,tcp:8000');
        expect([...(open?.members.keys() ?? [])]).not.toContain('0.0.0.0/1,tcp:8001');
      }),
      { numRuns: kind === 'fake' ? 200 : 15 },
    );
    await it.kernel.apply(diffAway(await it.kernel.observe()));
    expect((await it.kernel.observe()).sets).toEqual([]);
  });
});
