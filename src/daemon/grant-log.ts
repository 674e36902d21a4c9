import type { ObservedSet } from '../decide/diff/model.ts';
import { spanText } from '../decide/net/span.ts';
import { type Grant, grantsOf } from '../decide/wall/grants.ts';
import type { Clock } from '../reach/host/clock.ts';
import type { Log } from '../reach/log/model.ts';

interface GrantLogParts {
  readonly log: Pick<Log, 'info'>;
  readonly clock: Clock;
  /** The configured groups: their sets' names may be cut. */
  readonly groups: () => readonly string[];
}

interface Known {
  readonly grant: Grant;
  /** When its time is over, ms of the clock. */
  readonly ends: number;
}

/** The kernel tells seconds, and two looks at one entry may be a second apart, ms. */
const slack = 3000;

/**
 * Writes down who is let in for a while: the kernel holds it, whoever has written it there (`dockwall grant`, which needs no
 * daemon, or somebody's own ipset), and this is the one who was there all the time.
 */
export class GrantLog {
  private readonly parts: GrantLogParts;
  private known: ReadonlyMap<string, Known> | undefined;

  constructor(parts: GrantLogParts) {
    this.parts = parts;
  }

  /** Call whenever the kernel was looked at. */
  saw(sets: readonly ObservedSet[]): void {
    const { clock, groups, log } = this.parts;
    const now = clock.now();
    const grants = grantsOf(sets, groups());
    const before = this.known;
    if (grants.length === 0 && (before === undefined || before.size === 0)) {
      this.known = new Map();
      return;
    }
    this.known = new Map(
      grants.map((grant) => [`${grant.group} ${grant.network}`, { grant, ends: now + grant.seconds * 1000 }]),
    );
    const tell = (what: string, grant: Grant): void =>
      log.info(fieldsOf(grant), `${what}: ${placeOf(grant)} for ${spanText(Math.max(1, grant.seconds))}`);
    for (const [key, { grant, ends }] of this.known) {
      const old = before?.get(key);
      if (before === undefined) tell('a grant stands', grant);
      else if (old === undefined) tell('granted', grant);
      else if (Math.abs(old.ends - ends) > slack || old.grant.note !== grant.note)
        tell('grant changed', grant);
    }
    for (const [key, { grant, ends }] of before ?? []) {
      if (this.known.has(key)) continue;
      const { group, network: source, note } = grant;
      const fields = { group, source, ...(note === '' ? {} : { note }) };
      const what = ends > now + slack ? 'a grant was revoked' : 'a grant is over';
      log.info(fields, `${what}: ${placeOf(grant)}`);
    }
  }
}

function placeOf({ group, network }: Grant): string {
  return `${network} in ${group}`;
}

function fieldsOf({ group, network, seconds, note }: Grant): object {
  return { group, source: network, seconds, ...(note === '' ? {} : { note }) };
}
