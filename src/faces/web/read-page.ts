import { agoText } from '../../decide/net/span.ts';
import type { Policy, PolicyMembers } from '../../decide/policy/model.ts';
import { foldAlike } from '../../decide/policy/problem-line.ts';
import type { Health } from '../../decide/report/health.ts';
import { type ServiceStatus, unprotectedLines } from '../../decide/report/status-services.ts';
import type { LockStatus, WallStatus } from '../../decide/report/status-walls.ts';
import type { Refusal, SourceStatus, Status } from '../../decide/report/status.ts';
import { anchor } from './anchor.ts';
import { findServices } from './find.ts';
import type { Fact, PageModel, PageState, ServiceView, SourceView } from './page-model.ts';

/** What a look has found: the policy of the last pass held against the kernel as it is. */
export interface Look {
  readonly status: Status;
  readonly policy: Pick<Policy, 'trusted' | 'deny' | 'groups'>;
  /** When that pass was done. */
  readonly passed: Date;
  /** Why the kernel could not be looked at. */
  readonly problem: string | undefined;
  readonly blocked?: readonly Refusal[] | undefined;
}

export interface PageInput {
  readonly host: string;
  readonly health: Health;
  /** Undefined before the first pass. */
  readonly look: Look | undefined;
  readonly explains: boolean;
  /** What the reader looks for. */
  readonly find?: string;
}

/** The one place that knows what `status` calls things. */
export function readPage({ host, health, look, explains, find = '' }: PageInput): PageModel {
  const status = look?.status;
  const services = withIds(status?.services ?? []);
  const lists = status?.sources ?? [];
  const walls = [...(status?.walls ?? []).flatMap(wallFacts), ...lockFacts(status?.lock ?? null)];
  return {
    host,
    state: readState(health, look),
    observing: look !== undefined && observingIn(look.status) !== undefined,
    problems: [
      ...walls.flatMap(({ name, bad }) => (bad ? [`${name}: not in place; the next pass puts it back`] : [])),
      ...health.problems,
      ...(look?.problem === undefined ? [] : [look.problem]),
      ...foldAlike(unprotectedLines(status?.services ?? []), 3).map((line) => `Not protected: ${line}`),
      ...foldAlike(status?.problems ?? [], 3),
      ...listProblems(lists, health.problems),
    ],
    notes: [
      ...(status?.uncovered ?? []).map(
        (name) => `Not covered: what comes in by ${name} (see interfaces: in the configuration)`,
      ),
      ...(status?.notes ?? []).filter((note) => !health.problems.includes(note)),
    ],
    facts: status === undefined ? [] : [...engineFacts(status), ...walls],
    services: findServices(services, find),
    find: { text: find, of: services.length },
    sources: look === undefined ? [] : readSources(look.policy),
    lists: lists.toSorted((a, b) => Number(a.error === null) - Number(b.error === null)),
    blocked: look?.blocked,
    explains,
  };
}

function readState(health: Health, look: Look | undefined): PageState {
  if (look === undefined)
    return { kind: 'starting', text: 'The gate is up; Docker has not been asked yet', passed: undefined };
  const { status, passed, problem } = look;
  if (!status.walls.every(({ gate }) => gate.inPlace))
    return { kind: 'down', text: 'A wall is not in place', passed };
  if (!health.healthy || problem !== undefined)
    return { kind: 'trouble', text: 'The walls are up, and something is wrong', passed };
  if (!status.upToDate)
    return { kind: 'trouble', text: 'The walls are up; the kernel differs from what it should hold', passed };
  const observing = observingIn(status);
  if (observing !== undefined) return { kind: 'trouble', text: observing, passed };
  const { length } = unprotectedLines(status.services);
  if (length === 0) return { kind: 'up', text: 'The walls are up', passed };
  const bare = length === 1 ? 'one service is' : `${length} services are`;
  return { kind: 'trouble', text: `The walls are up, and ${bare} not protected by them`, passed };
}

/** What is said of it; undefined where the walls are closed. */
function observingIn({ notes }: Status): string | undefined {
  return notes.find((note) => note.startsWith('OBSERVING '));
}

function engineFacts({ engine }: Status): readonly Fact[] {
  if (engine === null) return [];
  const { version, apiVersion, firewall, liveRestore, swarm } = engine;
  const more = [
    apiVersion === undefined ? '' : `API ${apiVersion}`,
    firewall ?? '',
    liveRestore ? 'live-restore' : '',
    swarm === 'no' ? '' : `Swarm ${swarm}`,
  ].filter((word) => word !== '');
  return [{ name: 'Docker', text: [version ?? 'version unknown', ...more].join(', '), bad: false }];
}

function wallFacts({ family, gate, front }: WallStatus): readonly Fact[] {
  const stands = (inPlace: boolean, backend: string): string =>
    inPlace ? `in place (${backend})` : `not in place (${backend})`;
  return [
    { name: `IPv${family} gate`, text: stands(gate.inPlace, gate.backend), bad: !gate.inPlace },
    {
      name: `IPv${family} front`,
      text:
        front === null
          ? 'Docker keeps no chain here; the gate stands alone'
          : stands(front.inPlace, front.backend),
      bad: front?.inPlace === false,
    },
  ];
}

function lockFacts(lock: LockStatus | null): readonly Fact[] {
  if (lock === null) return [];
  const { inPlace, strength, problem } = lock;
  const text = inPlace ? `in place (${strength})` : 'not in place';
  return [{ name: 'Lock', text: problem ?? text, bad: strength !== null && (!inPlace || problem !== null) }];
}

function withIds(services: readonly ServiceStatus[]): readonly ServiceView[] {
  const seen = new Map<string, number>();
  return services.map((service) => {
    // Containers of a swarm service and its ports in the mesh may have one name.
    const id = anchor('s', service.name);
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return { ...service, id: count === 1 ? id : `${id}-${count}` };
  });
}

/** What fails belongs at the top, unless it stands there already. */
function listProblems(lists: readonly SourceStatus[], told: readonly string[]): readonly string[] {
  return lists
    .filter(({ name, error }) => error !== null && !told.some((line) => line.includes(name)))
    .map((list) => `${list.name}: ${list.error} (heard of: ${heardOf(list)})`);
}

function readSources({ trusted, deny, groups }: Look['policy']): readonly SourceView[] {
  const list = (members: PolicyMembers, names: readonly string[]): string =>
    [...names, ...memberWords(members)].join(', ');
  const denied = list(deny, deny.groups);
  return [
    { kind: 'trusted', name: 'trusted', who: list(trusted, trusted.groups) || 'nobody' },
    ...(denied === '' ? [] : [{ kind: 'denied', name: 'denied', who: denied } as const]),
    ...[...groups].map(([name, members]): SourceView => ({
      kind: 'group',
      name,
      who: list(members, []) || 'nobody now',
    })),
  ];
}

/** When a source last said who it stands for. */
export function heardOf({ ageSeconds }: SourceStatus): string {
  return ageSeconds === null ? 'not yet: it stands for nobody' : agoText(ageSeconds);
}

/** Few members by name, many by number. */
function memberWords({ networks, interfaces, ipsets }: PolicyMembers): readonly string[] {
  return [
    ...(networks.length <= 3 ? networks : [`${networks.length} networks`]),
    ...interfaces.map((name) => `interface ${name}`),
    ...ipsets.map((name) => `ipset ${name}`),
  ];
}
