import { isEmpty } from '../diff/diff.ts';
import type { EngineFacts } from '../inventory/engine.ts';
import type { Decided, Decision } from '../pass/decide.ts';
import { checkForeign } from '../pass/foreign-check.ts';
import { sourceName } from '../policy/config.ts';
import { policyFingerprint } from '../policy/fingerprint.ts';
import { interfaceNotes } from '../policy/interface-notes.ts';
import type { Policy, PolicyMembers } from '../policy/model.ts';
import { problemLine } from '../policy/problem-line.ts';
import { unheldNotes } from '../policy/unheld.ts';
import { type Blocked, readBlocked } from '../wall/blocked.ts';
import { readCounts } from '../wall/counts.ts';
import type { DaemonReport } from './daemon-report.ts';
import { observingNote } from './observing-note.ts';
import { privateNotes } from './private-notes.ts';
import { readService, type ServiceStatus } from './status-services.ts';
import { type LockStatus, readLock, readWall, type WallStatus } from './status-walls.ts';
import { isoDate } from './text.ts';

/**
 * What `status --json` prints; docs/status.schema.json is the same for programs. `version` rises when a field changes its
 * meaning or goes. Dates are ISO 8601; null is what is not known.
 */
export interface Status {
  readonly version: 2;
  /** What the running daemon says of itself; null where none answers. Its sources are in `sources`. */
  readonly daemon: Omit<DaemonReport, 'version' | 'hooks' | 'sources'> | null;
  /** Null where Docker says nothing of itself. */
  readonly engine: EngineFacts | null;
  /** See `policyFingerprint`; null where the configuration is not known. */
  readonly policy: string | null;
  readonly walls: readonly WallStatus[];
  /** What stands behind the gate; null where nobody has looked. */
  readonly lock: LockStatus | null;
  readonly upToDate: boolean;
  readonly services: readonly ServiceStatus[];
  readonly trusted: MemberCounts;
  readonly groups: readonly ({ readonly name: string } & MemberCounts)[];
  readonly sources: readonly SourceStatus[];
  /** Interfaces of this host that packets may come in by without being judged, loopback and Docker's own left out. */
  readonly uncovered: readonly string[];
  /** Who was turned away last, the latest first: a few. */
  readonly refusals: readonly Refusal[];
  readonly problems: readonly string[];
  /** What there is to know of the engine, the worst first, of external sets, and of ports that are claimed and not held. */
  readonly notes: readonly string[];
}

/** How many of each kind a list of sources holds. */
export interface MemberCounts {
  readonly networks: number;
  readonly interfaces: number;
  readonly ipsets: number;
}

/** A live source (a DNS name, a list). All but the name is null where no daemon answers, who alone knows. */
export interface SourceStatus {
  readonly name: string;
  readonly networks: number | null;
  readonly ageSeconds: number | null;
  readonly error: string | null;
}

export interface Refusal {
  readonly source: string;
  readonly port: number;
  readonly protocol: string;
  readonly services: readonly string[];
  readonly packets: number;
  readonly lastSeen: string;
}

/** What is known besides one look. */
export interface Surroundings {
  readonly daemon?: DaemonReport | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const mostRefusals = 5;

/** The state of the walls and of each service, from one look. */
export function readStatus(
  decision: Decision & Partial<Pick<Decided, 'from'>>,
  { daemon, now }: Surroundings,
): Status {
  const { observed, policy, plan, ruleset, engine, foreign } = decision;
  const observing = observingNote(observed.sets, now);
  const counts = readCounts(policy, observed.sets);
  const blocked = readBlocked(policy, observed.sets).filter(({ by }) => by === 'gate');
  return {
    version: 2,
    daemon: daemon === undefined ? null : withoutParts(daemon),
    engine: engine.facts ?? null,
    policy: (decision.from && policyFingerprint(decision.from.config)) ?? null,
    walls: observed.families.map((family) => readWall(observed, family, daemon)),
    lock: readLock(ruleset, observed),
    upToDate: isEmpty(plan),
    services: policy.services
      .filter(
        ({ ports, unprotected, undeclared }) => ports.length > 0 || unprotected.length > 0 || undeclared,
      )
      .map((service) => readService(service, counts)),
    trusted: memberCounts(policy.trusted),
    groups: [...policy.groups].map(([name, members]) => ({ name, ...memberCounts(members) })),
    sources: readSources(policy, daemon),
    uncovered: uncovered(policy, decision.from?.host.interfaces ?? []),
    refusals: blocked.slice(0, mostRefusals).map((one) => readRefusal(one, now)),
    problems: policy.problems.map(problemLine),
    notes: [
      ...(observing === undefined ? [] : [observing]),
      ...[...engine.findings, ...checkForeign(foreign)].map(({ text }) => text),
      ...privateNotes(namesOf(policy)),
      ...unheldNotes(policy),
      ...interfaceNotes(policy, decision.from?.host.interfaces ?? []),
    ],
  };
}

function namesOf(policy: Policy): Parameters<typeof privateNotes>[0] {
  const lists = [policy.trusted, policy.deny, ...policy.groups.values()];
  const names = lists.flatMap(({ origins }) =>
    origins.flatMap(({ source, networks }) =>
      source?.kind === 'name' ? [[source.name, networks] as const] : [],
    ),
  );
  return Array.from(new Map(names), ([name, networks]) => ({ name, networks }));
}

function withoutParts(report: DaemonReport): NonNullable<Status['daemon']> {
  const { dockwall, startedAt, healthy, problems, lastPass, nextRun, repaired } = report;
  return { dockwall, startedAt, healthy, problems, lastPass, nextRun, repaired };
}

function memberCounts({ networks, interfaces, ipsets }: PolicyMembers): MemberCounts {
  return { networks: networks.length, interfaces: interfaces.length, ipsets: ipsets.length };
}

function readSources({ sources }: Policy, daemon: DaemonReport | undefined): readonly SourceStatus[] {
  if (daemon !== undefined)
    return daemon.sources.map(({ name, networks, ageSeconds, error }) => ({
      name,
      networks,
      ageSeconds,
      error,
    }));
  return sources.map((source) => ({
    name: sourceName(source),
    networks: null,
    ageSeconds: null,
    error: null,
  }));
}

/** In auto mode every interface is judged that is not Docker's. */
function uncovered(
  { external, inside }: Policy,
  interfaces: readonly { readonly name: string }[],
): readonly string[] {
  if (external.kind === 'auto') return [];
  // the host's end of a container's cable hangs on a bridge: nothing comes in by it
  return interfaces
    .map(({ name }) => name)
    .filter(
      (name) =>
        name !== 'lo' && !name.startsWith('veth') && !external.names.includes(name) && !inside.includes(name),
    );
}

/** @param now milliseconds since 1970 */
export function readRefusal(
  { source, port, protocol, services, packets, lastSeen }: Blocked,
  now: number,
): Refusal {
  return {
    source,
    port,
    protocol,
    services,
    packets,
    lastSeen: isoDate(now - lastSeen * 1000),
  };
}
