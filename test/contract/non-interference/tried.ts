import type { Observed } from '../../../src/decide/diff/model.ts';
import { contains } from '../../../src/decide/net/merge-networks.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';
import type { ConfigInForce } from '../../../src/decide/pass/decide.ts';
import { claimsOf } from './claims.ts';
import { excusesAt, excusesBehind, excusesOfTrusted, type Excuse } from './excuses.ts';
import type { Hostile, Kind } from './hostile.ts';
import { invade, type Invaded } from './invade.ts';
import { type Moment, observe, pass, untouched } from './moment.ts';
import { type Probe, probesOf, probeText } from './probes.ts';
import { declaredIn, inForce, type World } from './world.ts';

/** What was tried, so that nobody believes a test that excuses everything. */
export class Tally {
  worlds = 0;
  /** Worlds in which no packet needed an exception. */
  plain = 0;
  packets = 0;
  readonly kinds = new Map<Kind, number>();
  /** Packets whose treatment changed, by the exception that allows it. */
  readonly excused = new Map<Excuse['name'], number>();

  count(objects: readonly Hostile[], used: readonly Excuse['name'][], packets: number): void {
    this.worlds += 1;
    this.packets += packets;
    if (used.length === 0) this.plain += 1;
    for (const { kind } of objects) this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    for (const name of used) this.excused.set(name, (this.excused.get(name) ?? 0) + 1);
  }

  /** What another one has counted, too. */
  take(other: Tally): void {
    this.worlds += other.worlds;
    this.plain += other.plain;
    this.packets += other.packets;
    for (const [kind, count] of other.kinds) this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + count);
    for (const [name, count] of other.excused) this.excused.set(name, (this.excused.get(name) ?? 0) + count);
  }

  text(): string {
    const list = (map: ReadonlyMap<string, number>): string =>
      [...map]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, count]) => `${name} ${count}`)
        .join(', ');
    return (
      `${this.worlds} worlds, ${this.plain} of them without any exception; ${this.packets} packets; ` +
      `hostile objects: ${list(this.kinds)}; packets that an exception allowed to be treated in another way: ${list(this.excused)}`
    );
  }
}

/** A world before anybody hostile comes, in a kernel. */
export interface Stage {
  readonly world: World;
  readonly before: Moment;
  readonly observed: Observed;
  readonly inForce: ConfigInForce;
  readonly probes: readonly Probe[];
}

export async function stageOf(world: World): Promise<Stage> {
  const kernel = await untouched();
  const configured = inForce(world);
  const before = await pass(world, { kernel, observed: await observe(kernel), inForce: configured });
  const observed = await observe(before.kernel);
  return { world, before, observed, inForce: configured, probes: probesOf(world) };
}

/** The next pass, after these objects were added. */
export async function nextMoment(
  { world, before: { kernel }, observed, inForce: configured }: Stage,
  invaded: Invaded,
): Promise<Moment> {
  return pass({ ...invaded, listens: world.listens }, { kernel, observed, inForce: configured });
}

/** So many packets are asked about in one world: to what the hostile ones claim, and a part of all others. */
const asked = 30;

/**
 * Adds the objects, and holds what a pass makes of the world then against what it was.
 * @param offset which part of the packets.
 * @returns what is wrong, in lines; none where all is as it should be.
 */
export async function interference(
  stage: Stage,
  objects: readonly Hostile[],
  { offset, tally }: { readonly offset: number; readonly tally: Tally },
): Promise<readonly string[]> {
  const invaded = invade(stage.world, objects);
  const after = await nextMoment(stage, invaded).catch((error: unknown) => error);
  if (after instanceof Error) return [`the pass fails: ${after.message.split('\n')[0]}`];
  return [
    ...twins(after as Moment),
    ...differences(stage, invaded, { after: after as Moment, objects, offset, tally }),
  ];
}

/** Two sets of one name would be one set with the members of both. */
function twins({ decided }: Moment): readonly string[] {
  const names = decided.ruleset.sets.map(({ name }) => name);
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map(
    (name) => `two sets are called ${name}`,
  );
}

function differences(
  { world, before, probes }: Stage,
  invaded: Invaded,
  {
    after,
    objects,
    offset,
    tally,
  }: {
    readonly after: Moment;
    readonly objects: readonly Hostile[];
    readonly offset: number;
    readonly tally: Tally;
  },
): readonly string[] {
  const parties = { world, claims: claimsOf(world.docker, declaredIn(world)), invaded };
  const used: Excuse['name'][] = [];
  const wrong: string[] = [];
  const some = chosen(probes, invaded, offset);
  for (const probe of some) {
    const changes = (['verdict', 'fate'] as const)
      .map((judge) => [judge, before[judge](probe), after[judge](probe)] as const)
      .filter(([, then, now]) => then !== now);
    if (changes.length === 0) continue;
    const excuses = excusesFor(probe, parties);
    const excuse = excuses.find(({ closing }) => !closing || changes.every(([, , now]) => now === 'denied'));
    if (excuse !== undefined) used.push(excuse.name);
    else
      wrong.push(
        ...changes.map(([judge, then, now]) => `${probeText(probe)}: ${judge} was ${then}, is ${now}`),
      );
  }
  tally.count(objects, used, some.length);
  return wrong;
}

/** The exceptions for one packet. */
export function excusesFor(probe: Probe, parties: Parameters<typeof excusesAt>[1]): readonly Excuse[] {
  const { family, protocol, port, destination: address, towards, container } = probe;
  const place = { family, address, protocol, port };
  if (towards === 'host')
    return [
      ...excusesAt(place, parties),
      ...(mayBeTrusted(probe, parties.world) ? excusesOfTrusted(place, parties) : []),
    ];
  return container === undefined ? [] : excusesBehind(container, parties);
}

/** By a network; what else a list may name (a group, a word, an interface) may hold anybody. */
function mayBeTrusted({ source }: Probe, { document }: World): boolean {
  const { trusted } = document as { readonly trusted: readonly string[] };
  return trusted.some((one) => !/^[\d.:a-f/]+$/.test(one) || contains(one as Cidr, source));
}

function chosen(probes: readonly Probe[], { claims }: Invaded, offset: number): readonly Probe[] {
  const isWanted = ({ towards, protocol, port }: Probe): boolean =>
    towards === 'host' &&
    claims.some((claim) => claim.protocol === protocol && claim.from <= port && port <= claim.to);
  const part = (all: readonly Probe[]): readonly Probe[] => {
    const step = Math.max(1, Math.ceil((2 * all.length) / asked));
    return all.filter((_, index) => (index + offset) % step === 0);
  };
  const wanted = probes.filter(isWanted);
  return [...part(wanted), ...part(probes.filter((one) => !isWanted(one)))];
}

/** The smallest case, to be read by a person. */
export function story(
  { docker, document, listens }: World,
  objects: readonly Hostile[],
  wrong: readonly string[],
): string {
  return [
    'somebody else is treated in another way than before:',
    ...wrong.slice(0, 6).map((line) => `  ${line}`),
    'after these were added:',
    ...objects.map((one) => `  ${JSON.stringify(one)}`),
    'to this world:',
    ...docker.containers.map((one) => `  ${JSON.stringify(one)}`),
    `  ${JSON.stringify(document)}`,
    `  the host listens on ${listens.map(({ protocol, port }) => `${port}/${protocol}`).join(', ')}`,
  ].join('\n');
}
