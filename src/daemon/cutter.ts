import { foreignStates } from '../decide/diff/foreign.ts';
import type { Observed, SetChange } from '../decide/diff/model.ts';
import { familyOf } from '../decide/net/network.ts';
import type { Decision } from '../decide/pass/decide.ts';
import { foreignSetNames, withForeignSets } from '../decide/policy/foreign-sets.ts';
import type { Policy } from '../decide/policy/model.ts';
import { refuses, sessionPorts } from '../decide/policy/sessions.ts';
import { liveMembers, withLiveMembers } from '../decide/wall/live.ts';
import type { Ruleset } from '../decide/wall/model.ts';
import { setName } from '../decide/wall/names.ts';
import { observingFor } from '../decide/wall/observing.ts';
import { OneAtATime } from '../reach/host/one-at-a-time.ts';
import type { Connection, ListConnections } from '../reach/kernel/connections.ts';
import type { Kernel } from '../reach/kernel/kernel.ts';
import type { Log } from '../reach/log/model.ts';

/** A table of 200,000 connections is read in a second or two; whatever hangs must not hang for ever. */
const timeLimit = 15_000;
/** ipset's longest timeout; conntrack's usual longest is 5 days. */
const longestTimeout = 2_147_483;

export interface CutterParts {
  readonly kernel: Kernel;
  readonly list: ListConnections;
  /** The host's addresses. */
  readonly addresses: () => ReadonlySet<string>;
  readonly log: Log;
}

/** What a pass left in force, to be compared with the next one's. */
interface Standing {
  readonly ruleset: Ruleset;
  readonly live: ReadonlySet<string>;
}

/**
 * Cuts running sessions whose client says nothing.
 *
 * A client that is refused loses its session with its next packet, in both directions, and needs nobody for it (see
 * `refuseLines`). A server that pushes to a client that is silent would go on. So after a pass that has closed something
 * the connections are held against the policy, and what is refused goes into the sets `cut`: the next answer is
 * dropped, and the connection marked.
 *
 * One look at a time, in the background: a pass never waits for it.
 */
export class Cutter {
  private readonly parts: CutterParts;
  private readonly stopping = new AbortController();
  private standing: Standing | undefined;
  private last: Decision | undefined;
  private wanted: Decision | undefined;
  private readonly looks = new OneAtATime(() => this.lookNow());
  private listFailed = false;

  constructor(parts: CutterParts) {
    this.parts = parts;
  }

  /** Call after each pass. */
  passed(decision: Decision): void {
    const { ruleset, policy, observed } = decision;
    const before = this.standing;
    const now = { ruleset, live: liveWords({ policy, ruleset, observed }) };
    this.standing = now;
    this.last = decision;
    const waiting = cutMembers(decision).length > 0;
    // What happened before this process was there it cannot know.
    if (before === undefined || closed(before, now) || (waiting && closed(now, before))) this.look(decision);
  }

  /** Call when sets were brought up to date between two passes. */
  refreshed({ decision, closes }: { readonly decision: Decision; readonly closes: boolean }): void {
    if (this.standing !== undefined) this.standing = { ...this.standing, ruleset: decision.ruleset };
    this.last = decision;
    if (closes) this.look(decision);
  }

  /** Call whenever the kernel was looked at: the time of an entry that somebody made may be over. */
  saw(observed: Observed): void {
    if (this.last === undefined || this.standing === undefined) return;
    const live = liveWords({ ...this.last, observed });
    if (sameMembers(live, this.standing.live)) return;
    this.standing = { ...this.standing, live };
    this.look({ ...this.last, observed });
  }

  /** No further look begins; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.looks.idle();
  }

  private look(decision: Decision): void {
    this.wanted = decision;
    void this.looks.ask();
  }

  private async lookNow(): Promise<void> {
    if (this.wanted === undefined || this.stopping.signal.aborted) return;
    try {
      await this.cut(this.wanted);
      this.listFailed = false;
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      if (!this.listFailed)
        this.parts.log.warn(
          { error: error instanceof Error ? error.message : String(error) },
          'running sessions were not looked at; those of refused clients end when the client next says something',
        );
      this.listFailed = true;
    }
  }

  /** With all that the kernel's sets hold beside it, those of others included: who is banned there is refused. */
  private async standingPolicy({ policy, observed }: Decision): Promise<Policy> {
    const live = withLiveMembers(policy, observed.sets);
    const names = foreignSetNames(live);
    return names.length === 0 ? live : withForeignSets(live, await this.parts.kernel.readSets(names));
  }

  private async cut(decision: Decision): Promise<void> {
    const policy = await this.standingPolicy(decision);
    const refused = refuses(policy, this.parts.addresses(), observingFor(decision.observed.sets) > 0);
    const doors = new RefusedDoors();
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(timeLimit)]);
    await this.parts.list(
      sessionPorts(policy),
      (connection) => {
        if (connection.closing || (connection.mark & policy.connmark) !== 0) return;
        doors.add(connection, refused(connection));
      },
      signal,
    );
    const standing = cutMembers(decision);
    const known = new Set(standing.map(keyOf));
    const refusedNow = doors.refused();
    const gone = standing.filter((member) => !refusedNow.has(keyOf(member)));
    const fresh = [...refusedNow].filter(([key]) => !known.has(key)).map(([, door]) => door);
    const sets = [
      ...gone.map(({ set, member }): SetChange => ({ kind: 'delete-member', set, member })),
      ...fresh.map(({ change }) => change),
    ];
    if (sets.length === 0) return;
    await this.parts.kernel.apply({ sets, tables: [], destroy: [] });
    const sessions = fresh.reduce((sum, door) => sum + door.sessions, 0);
    if (sessions > 0) this.parts.log.info({ sessions }, 'cut running sessions that nothing lets in any more');
  }
}

/** What opens and closes besides the configuration, as words that can be compared: what is in sets for a while, and in external sets. */
function liveWords({
  policy,
  ruleset,
  observed,
}: Pick<Decision, 'policy' | 'ruleset' | 'observed'>): ReadonlySet<string> {
  const foreign = foreignStates(ruleset, observed).flatMap(({ name, state }) =>
    state.kind === 'found' ? [`${name} ${state.content}`] : [],
  );
  const observing = observingFor(observed.sets) > 0 ? ['observing'] : [];
  return new Set([...liveMembers(policy, observed.sets), ...foreign, ...observing]);
}

type CutMember = Pick<Extract<SetChange, { kind: 'delete-member' }>, 'set' | 'member'>;

function keyOf({ set, member }: CutMember): string {
  return `${set} ${member}`;
}

/** One client at one door, and how many of its sessions there are refused. */
interface RefusedDoor {
  readonly change: Extract<SetChange, { kind: 'add-member' }>;
  readonly sessions: number;
}

/**
 * Who is refused where: a client at the address and port that answer it, as answers are in POSTROUTING. So the client's own
 * ports stay free for whatever else it asks for. A container's port may be published twice; a client that one of the
 * two lets in still may have what is behind both, and is not cut there.
 */
class RefusedDoors {
  private readonly doors = new Map<string, RefusedDoor>();
  private readonly open = new Set<string>();

  add({ protocol, source, answers, answersPort, secondsLeft }: Connection, refused: boolean): void {
    const set = setName(familyOf(source), 'cut');
    const member = `${answers},${protocol}:${answersPort},${source}`;
    const key = keyOf({ set, member });
    if (!refused) {
      this.open.add(key);
      return;
    }
    const known = this.doors.get(key);
    const seconds = Math.max(known?.change.seconds ?? 60, Math.min(secondsLeft, longestTimeout));
    this.doors.set(key, {
      change: { kind: 'add-member', set, member, seconds },
      sessions: (known?.sessions ?? 0) + 1,
    });
  }

  refused(): ReadonlyMap<string, RefusedDoor> {
    return new Map([...this.doors].filter(([key]) => !this.open.has(key)));
  }
}

function cutMembers({ observed, ruleset }: Decision): readonly CutMember[] {
  const cut = new Set<string>([setName(4, 'cut'), setName(6, 'cut')]);
  return ruleset.sets
    .filter(({ name }) => cut.has(name))
    .flatMap(({ name }) =>
      [...(observed.sets.find((set) => set.name === name)?.members.keys() ?? [])].map((member) => ({
        set: name,
        member,
      })),
    );
}

/** Whether anything that was open before may be shut now; rather once too often. */
function closed(before: Standing, now: Standing): boolean {
  if (rulesOf(before.ruleset) !== rulesOf(now.ruleset)) return true;
  const seen = new Map(before.ruleset.sets.map((set) => [set.name, set]));
  const sets = now.ruleset.sets.some(({ name, effect, members }) => {
    const old = seen.get(name)?.members ?? [];
    if (members === 'keep' || old === 'keep') return members !== old;
    return effect === 'opens' ? lacks(members, old) : lacks(old, members);
  });
  return sets || !sameMembers(now.live, before.live);
}

function sameMembers(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}

/** Whether `some` has something that `all` lacks. */
function lacks(all: readonly string[], some: readonly string[]): boolean {
  if (all === some) return false;
  if (all.length === some.length && all.every((one, index) => one === some[index])) return false;
  const has = new Set(all);
  return some.some((one) => !has.has(one));
}

function rulesOf({ gate }: Ruleset): string {
  return gate.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules.map(({ id }) => id))).join(' ');
}
