import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type News, withdrawals } from '../../../src/daemon/early-close.ts';
import { ListenerGuard } from '../../../src/daemon/listener-guard.ts';
import type { SetChange } from '../../../src/decide/diff/model.ts';
import { families } from '../../../src/decide/net/network.ts';
import type { HostSocket } from '../../../src/reach/host/listeners.ts';
import { renderSets } from '../../../src/reach/kernel/ipset/render.ts';
import { createKernel } from '../../../src/reach/kernel/kernel.ts';
import { FakeClock } from '../../unit/daemon/fake-clock.ts';
import type { FakeKernel } from '../fake-kernel.ts';
import { steadySeed } from '../oracle-worlds.ts';
import { type Claim, clash, claimsOf, isAt } from './claims.ts';
import { type ContainerSpec, snapshotOf } from './docker.ts';
import { type Hostile, hostiles, type Kind } from './hostile.ts';
import { invade } from './invade.ts';
import { wantedPorts } from './menus.ts';
import { fateOf, type Probe, probeText } from './probes.ts';
import { excusesFor, nextMoment, type Stage, stageOf, story } from './tried.ts';
import { declaredIn, type World, worlds } from './world.ts';

// Between two passes what an event tells is held against what the last pass knew, and what that takes away from the sets that open is
// taken away at once. Here: an event of a hostile owner's takes nothing from others, and one of others takes away what he has claimed before.

const seed = steadySeed();
// each is a story of its own, and the same ones in CI every time: more of them is a search, by hand and with other seeds
const runs = Number(process.env['NONINT_STORIES'] ?? 300);

/** What an event says, as far as Docker answers. */
async function made(docker: World['docker'], id: string): Promise<News> {
  const { details } = await snapshotOf(docker);
  return { kind: 'made', id, details: details.get(id) };
}

async function withWritten(kernel: FakeKernel, changes: readonly SetChange[]): Promise<FakeKernel> {
  const twin = kernel.copy();
  const input = renderSets(changes);
  const done = await twin.run({ program: 'ipset', args: ['restore', '-exist'], input, timeoutMs: 1000 });
  expect(done.stderr).toBe('');
  return twin;
}

/** What is wrong after hostile containers were made, and nothing but that is known of them. */
async function takenByNews(
  { world, before, probes }: Stage,
  objects: readonly Hostile[],
): Promise<readonly string[]> {
  const created = objects.map((one) =>
    'container' in one ? { ...one, container: { ...one.container, state: 'created' } } : one,
  );
  const invaded = invade(world, created);
  const news = await Promise.all(invaded.containers.map(({ id }) => made(invaded.docker, id)));
  const { from, ruleset } = before.decided;
  const changes = withdrawals({ from, sets: ruleset.sets }, news);
  expect(changes.filter(({ kind }) => kind !== 'delete-member')).toEqual([]);
  if (changes.length === 0) return [];
  const kernel = await withWritten(before.kernel, changes);
  const parties = { world, claims: claimsOf(world.docker, declaredIn(world)), invaded };
  return probes.flatMap((probe) => {
    const [then, now] = [before.fate(probe), fateOf(kernel, probe)];
    if (then === now) return [];
    const allowed = excusesFor(probe, parties).some(({ closing }) => !closing || now === 'denied');
    return allowed ? [] : [`${probeText(probe)}: was ${then}, is ${now}`];
  });
}

/** An honest container, made after the hostile ones are there. */
const heirs: fc.Arbitrary<ContainerSpec> = fc
  .record({
    bindings: fc.constantFrom(...wantedPorts).map((one) => [one]),
    labels: fc.constantFrom<Readonly<Record<string, string>>>({}, {}, { 'dockwall.allow': 'office' }),
  })
  .map((rest) => ({ ...rest, id: 'id-of-heir', name: 'heir', state: 'created', mode: 'bridge', told: true }));

/** Who gets in to the new container's ports and would not, were the hostile ones not there. */
async function leftOpenForHeir(
  stage: Stage,
  objects: readonly Hostile[],
  heir: ContainerSpec,
): Promise<readonly string[]> {
  const { world } = stage;
  const invaded = invade(world, objects);
  const held = await nextMoment(stage, invaded);
  const docker = { ...invaded.docker, containers: [...invaded.docker.containers, heir] };
  const changes = withdrawals({ from: held.decided.from, sets: held.decided.ruleset.sets }, [
    await made(docker, heir.id),
  ]);
  const kernel = await withWritten(held.kernel, changes);
  // as it waits, with all who claim the port, and as it serves: then those get in whom it lets in itself
  const honest = await Promise.all(
    [heir, { ...heir, state: 'running' }].map(async (one) => {
      const containers = [...world.docker.containers, one];
      return nextMoment(stage, invade({ ...world, docker: { ...world.docker, containers } }, []));
    }),
  );
  const claims = claimsOf({ ...docker, containers: [heir], services: [] }, () => undefined);
  const others = claimsOf(world.docker, declaredIn(world));
  // beside one who has the port on another address it does not start
  if (
    others.some(
      (other) => other.runs && other.by !== 'declaration' && claims.some((claim) => clash(other, claim)),
    )
  )
    return [];
  const isAsked = (probe: Probe): boolean => {
    const place = { ...probe, address: probe.destination };
    const here = (claim: Claim): boolean => isAt(claim, place);
    // of one who has bound it the port is his until he ends
    const isHis = invaded.claims.some((claim) => claim.by !== 'declaration' && claim.runs && here(claim));
    // to a port that nobody has the trusted come, also those who are denied what is published
    const isKnown = ({ owner }: Claim): boolean =>
      world.docker.containers.find(({ id }) => id === owner)?.told !== false;
    const isNobodys =
      !others.some((claim) => here(claim) && isKnown(claim)) && stage.before.fate(probe) === 'allowed';
    return probe.towards === 'host' && claims.some(here) && !isHis && !isNobodys;
  };
  return stage.probes
    .filter(isAsked)
    .filter((probe) => fateOf(kernel, probe) === 'allowed')
    .filter((probe) => honest.every((moment) => moment.fate(probe) !== 'allowed'))
    .map((probe) => `${probeText(probe)}: is let in to what ${heir.name} will serve`);
}

/** Who reaches a service of the host in another way after hostile containers were made; with the guard, which knows who listens. */
async function hostServicesAfter(stage: Stage, objects: readonly Hostile[]): Promise<readonly string[]> {
  const { world, before, probes } = stage;
  const { docker, containers } = invade(world, objects);
  const fake = before.kernel.copy();
  const clock = new FakeClock();
  const { details } = await snapshotOf(docker);
  const parts = {
    kernel: createKernel(fake.run, { readFile: fake.readFile }),
    families,
    clock,
    firstLocalPort: 32_768,
    sockets: async () => socketsOf(world),
    counts: async () => 'as many as before',
    stands: async () => true,
    inspect: async (id: string) => details.get(id),
    ask: () => {},
    onFailure: (error: unknown) => expect(error).toBeUndefined(),
    enabled: () => true,
  };
  const guard = new ListenerGuard(parts);
  await guard.start(predecessor);
  const served = probes.filter(
    ({ towards, protocol, port }) =>
      towards === 'host' && world.listens.some((one) => one.protocol === protocol && one.port === port),
  );
  const fates = served.map((probe) => fateOf(fake, probe));
  await Promise.all(containers.map(({ id }) => guard.onCreate(id)));
  await clock.advance(1000);
  guard.stop();
  return served.flatMap((probe, index) => {
    const now = fateOf(fake, probe);
    return now === fates[index] ? [] : [`${probeText(probe)}: was ${fates[index]}, is ${now}`];
  });
}

/** An earlier process knew all that listens: in the words of whichever version of the code is asked. */
const everything: Pick<ReadonlySet<string>, 'has'> = { has: () => true };
const predecessor = {
  ...everything,
  standing: true,
  known: everything,
  firm: everything,
} as unknown as Parameters<ListenerGuard['start']>[0];

function socketsOf({ listens }: World): readonly HostSocket[] {
  return listens.flatMap(({ protocol, port }, index) =>
    families.map((family) => {
      const at = { family, address: 'any' as const };
      return { ...at, protocol, port, inode: 10 * index + family, uid: 0, loopback: false };
    }),
  );
}

/** Throws with the smallest case where anything is wrong. */
async function hold(
  kindsOf: readonly Kind[],
  find: (stage: Stage, objects: readonly Hostile[], heir: ContainerSpec) => Promise<readonly string[]>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(worlds, hostiles(kindsOf), heirs, async (world, objects, heir) => {
      const wrong = await find(await stageOf(world), objects, heir);
      if (wrong.length > 0)
        throw new Error(`${story(world, objects, wrong)}\n  heir: ${JSON.stringify(heir)}`);
    }),
    { seed, numRuns: runs },
  );
}

describe('between two passes', () => {
  test('an event of another owner’s takes nothing from others', { timeout: 300_000 }, async () => {
    await hold(['claims', 'unbound', 'declared', 'joins', 'identity', 'unknown'], takenByNews);
  });

  test('what another owner has claimed before is not open for who comes', { timeout: 300_000 }, async () => {
    await hold(['claims', 'unbound', 'declared'], leftOpenForHeir);
  });

  test('a new container takes no port from a service of the host', { timeout: 300_000 }, async () => {
    await hold(['claims', 'declared', 'unknown'], hostServicesAfter);
  });
});
