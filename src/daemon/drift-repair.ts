import { isEmpty } from '../decide/diff/diff.ts';
import { describeDrift, diffDrift, type Drift, stillWrong, withoutRemovals } from '../decide/diff/drift.ts';
import type { Observed, Plan } from '../decide/diff/model.ts';
import { gateStands, place } from '../decide/diff/placement.ts';
import type { Decision } from '../decide/pass/decide.ts';
import type { IpSet, Ruleset } from '../decide/wall/model.ts';
import type { Kernel } from '../reach/kernel/kernel.ts';
import type { Wanted } from './trigger.ts';

interface RepairParts {
  readonly kernel: Kernel;
  /** Puts a gate up from nothing; for when no pass has left anything to go by. */
  readonly raise: () => Promise<unknown>;
  readonly report: (drifts: readonly Drift[]) => void;
  /** Told of every look, and before every write. */
  readonly saw: (observed: Observed) => void;
  readonly writes: () => void;
}

/** What a look has found, until it is clear whose doing it was. */
interface Found {
  readonly drift: Plan;
  readonly left: Ruleset;
  readonly observed: Observed;
  readonly before: ReadonlySet<string>;
}

type Next = (sets: readonly IpSet[]) => readonly IpSet[];

/** Somebody may take away faster than we put back; the trigger comes again. */
const mostLooks = 4;
/** Finds that wait for the pass that they ask for; it is rarely more than one. */
const mostFound = 20;

/**
 * Puts back what others took away, from memory: what the last pass left is known, and Docker, which may take its
 * time or be gone, has nothing to say about it. Every pass begins with this.
 */
export class DriftRepair {
  /**
   * The kernel for the pass that follows a repair: its first look is the repair's own, and while it writes nothing is
   * known to be left (a pass that fails half-way leaves something new in one place and old in another).
   */
  readonly kernel: Kernel;
  private readonly parts: RepairParts;
  private left: Ruleset | undefined;
  private foreign: ReadonlySet<string> = new Set();
  private named: ReadonlySet<string> = new Set();
  private seen: Observed | undefined;
  /** Writes between passes, so far, and those that have not ended. */
  private writings = 0;
  private readonly underWay = new Set<Promise<void>>();
  /** What was taken away since the look that the pass under way goes by: its ruleset knows nothing of it. */
  private takenAway: Next[] = [];
  private found: Found[] = [];

  constructor(parts: RepairParts) {
    this.parts = parts;
    this.kernel = {
      observe: async () => {
        if (this.seen === undefined) this.takenAway = [];
        const seen = this.seen ?? (await parts.kernel.observe());
        this.seen = undefined;
        return seen;
      },
      apply: async (plan: Plan) => {
        this.left = undefined;
        parts.writes();
        await parts.kernel.apply(plan);
      },
      readSets: async (names) => parts.kernel.readSets(names),
    };
  }

  /** Call when a pass has succeeded: what it wants too, and was not there, others have changed. */
  passed({ ruleset, observed, foreign }: Pick<Decision, 'ruleset' | 'observed' | 'foreign'>): void {
    this.tell(ruleset);
    const sets = this.takenAway.reduce((left, next) => next(left), ruleset.sets);
    this.left = { ...ruleset, sets };
    this.foreign = namesOf(observed);
    this.named = new Set(foreign.map(({ name }) => name));
  }

  /** Call when a pass has failed: what was found is told as it is. */
  failed(): void {
    this.tell(undefined);
  }

  private tell(later: Ruleset | undefined): void {
    const found = this.found;
    this.found = [];
    for (const { drift, left, observed, before } of found) {
      const wrong = later === undefined ? drift : stillWrong(drift, later, observed);
      const drifts = describeDrift(wrong, left, before);
      if (drifts.length > 0) this.parts.report(drifts);
    }
  }

  /** The external sets that the last pass looked for. */
  foreignNames(): ReadonlySet<string> {
    return this.named;
  }

  /**
   * Changes sets between two passes: what is left then is `next` of what was left before. While that is being done, and to a
   * look that began before it was done, the difference is nobody else's doing. Rejects as `write` does; what is left is then not known.
   * @param kind `takes away`: of members only. It holds against a pass that is under way too, which would put them back.
   */
  async write(kind: 'takes away' | 'changes', next: Next, write: () => Promise<void>): Promise<void> {
    if (kind === 'takes away') this.takenAway.push(next);
    if (this.left !== undefined) this.left = { ...this.left, sets: next(this.left.sets) };
    this.parts.writes();
    this.writings += 1;
    const writing = write();
    this.underWay.add(writing);
    try {
      await writing;
    } catch (error) {
      this.left = undefined;
      throw error;
    } finally {
      this.underWay.delete(writing);
    }
  }

  /** What the kernel holds at a moment when we change nothing; undefined where there was none. */
  private async observe(): Promise<Observed | undefined> {
    for (let look = 0; look < mostLooks; look += 1) {
      await Promise.allSettled(this.underWay);
      const { writings } = this;
      const observed = await this.parts.kernel.observe();
      this.parts.saw(observed);
      if (writings !== this.writings) continue;
      this.takenAway = [];
      return observed;
    }
    return undefined;
  }

  /**
   * Looks, and puts back until there is nothing to put back: a script that flushes one family after the other takes its
   * time. True where something was not as it was left: then a pass should follow, and what was found is told when that has
   * ended. What a check leaves to that pass is for the pass to find.
   */
  async repair(wanted: Wanted): Promise<boolean> {
    this.seen = undefined;
    let found = false;
    for (let look = 0; look < mostLooks; look += 1) {
      const observed = await this.observe();
      // The pass that follows looks again.
      if (observed === undefined) return true;
      if (this.left === undefined) return this.raiseAgain(observed);
      const drift = diffDrift(this.left, observed);
      if (!isEmpty(drift)) {
        found = true;
        const { left, foreign: before } = this;
        this.foreign = namesOf(observed);
        const written = await this.putBack(drift, describeDrift(drift, left, before));
        if (written || wanted === 'pass') this.found.push({ drift, left, observed, before });
        if (this.found.length > mostFound) this.failed();
        if (written) continue;
      }
      this.seen = observed;
      break;
    }
    return found;
  }

  /** Where only the front was moved, the gate stands, and the pass that follows writes it with the news from Docker. */
  private async putBack(drift: Plan, drifts: readonly Drift[]): Promise<boolean> {
    const missing = withoutRemovals(drift);
    if (isEmpty(missing) || (drifts.length > 0 && drifts.every(({ kind }) => kind === 'front'))) return false;
    this.parts.writes();
    await this.parts.kernel.apply(missing);
    return true;
  }

  private async raiseAgain(observed: Observed): Promise<boolean> {
    const stands = observed.families.every((family) =>
      gateStands(observed, family, place(observed, family).gate),
    );
    if (stands) {
      this.seen = observed;
      return true;
    }
    this.parts.writes();
    await this.parts.raise();
    this.parts.report([{ kind: 'jump', what: 'the gate was missing' }]);
    return true;
  }
}

function namesOf({ foreign }: Observed): ReadonlySet<string> {
  return new Set(foreign === 'unsupported' ? [] : foreign.map(({ name }) => name));
}
