import type { Edit } from '../decide/diff/members.ts';
import type { SetChange } from '../decide/diff/model.ts';
import { inOrder } from '../decide/diff/sets.ts';
import { changeOf } from '../decide/net/list-change.ts';
import { succeeds } from '../decide/net/merge-networks.ts';
import type { Cidr } from '../decide/net/network.ts';
import { membersBeside } from '../decide/net/port-members.ts';
import { isSourceWord } from '../decide/net/source-word.ts';
import type { ConfigInForce, Decided } from '../decide/pass/decide.ts';
import { withAnswers } from '../decide/policy/groups.ts';
import type { Answers, Policy } from '../decide/policy/model.ts';
import type { IpSet } from '../decide/wall/model.ts';
import { renderLabelSets, renderSourceSets } from '../decide/wall/sets.ts';
import { OneAtATime } from '../reach/host/one-at-a-time.ts';

interface RefreshParts {
  readonly answers: () => Answers;
  readonly inForce: () => ConfigInForce;
  /** Writes without delay, and tells who remembers what was left. */
  readonly write: (changes: readonly SetChange[], sets: readonly IpSet[]) => Promise<void>;
  /** Told when it is done: what is in force now, and whether anybody may be refused who was not before. */
  readonly done: (result: Refreshed) => void;
}

export interface Refreshed {
  readonly decision: Decided;
  readonly changes: readonly SetChange[];
  readonly closes: boolean;
}

/**
 * Brings another answer of a live source (a name, a list) into the sets at once, before a pass has asked Docker anything: an
 * address that was taken out is refused a few milliseconds later. What the last pass decided holds but for whom its lists
 * and names mean; no rule and no port is touched, so nothing is opened that the next pass would not open.
 */
export class Refresh {
  private readonly parts: RefreshParts;
  private decided: Decided | undefined;
  private readonly work = new OneAtATime(() =>
    // The pass that follows does it where this cannot, or says why not.
    this.refresh().catch(() => {}),
  );

  constructor(parts: RefreshParts) {
    this.parts = parts;
  }

  /** Call when a pass has succeeded: an answer that came after it had asked for them is news to it. */
  passed(decided: Decided): void {
    this.decided = decided;
    void this.changed();
  }

  /** Call when an answer has changed. Resolves when it is in the sets, or when that is left to the pass. */
  changed(): Promise<void> {
    return this.work.ask();
  }

  private async refresh(): Promise<void> {
    const { decided } = this;
    const answers = this.parts.answers();
    // With another configuration these lists may mean others altogether.
    if (decided === undefined || decided.from.answers === answers) return;
    if (this.parts.inForce().config !== decided.from.config.config) return;
    const { policy, edits } = editsOf(decided, answers);
    const { closing, opening } = inOrder(edits, true);
    const changes = [...closing, ...opening];
    const fresh = new Map(edits.map(({ set }) => [set.name, set as IpSet]));
    const sets = decided.ruleset.sets.map((set) => fresh.get(set.name) ?? set);
    const decision = {
      ...decided,
      policy,
      ruleset: { ...decided.ruleset, sets },
      from: { ...decided.from, answers },
    };
    if (changes.length > 0)
      await this.parts.write(
        changes,
        edits.map(({ set }) => set),
      );
    // A pass has ended meanwhile and has told us: what it decided is looked at again.
    if (this.decided !== decided) return;
    this.decided = decision;
    const closes = edits.some(
      ({ set, added, removed }) => (set.effect === 'opens' ? removed : added).length > 0,
    );
    if (changes.length > 0) this.parts.done({ decision, changes, closes });
  }
}

/** What these answers change in the sets that hold sources; the policy with them. */
export function editsOf(
  { policy, ruleset, from }: Pick<Decided, 'policy' | 'ruleset' | 'from'>,
  answers: Answers,
): { readonly policy: Policy; readonly edits: readonly Edit[] } {
  for (const [key, networks] of answers) succeeds(networks, from.answers.get(key) ?? networks);
  const now = withAnswers(policy, from.config.config, answers);
  const standing = new Map(ruleset.sets.map((set) => [set.name, set.members]));
  const edits = renderSourceSets(now).flatMap((set): Edit[] => {
    const { members } = set;
    if (set.type === 'list:set') return [];
    const before = standing.get(set.name);
    if (before === undefined || before === 'keep' || members === 'keep' || before === members) return [];
    // Members of these sets are merged networks.
    const change = changeOf(before as readonly Cidr[], members as readonly Cidr[]);
    if (change === undefined || change.added.length + change.removed.length === 0) return [];
    return [{ set: { ...set, members }, before: () => before, ...change }];
  });
  return { policy: now, edits: [...edits, ...(meansOthers(policy, now) ? labelEdits(now, standing) : [])] };
}

/** Whether any DNS name in a label means others than before. */
function meansOthers(before: Policy, now: Policy): boolean {
  return [...now.groups].some(
    ([name, { networks, tooMany }]) =>
      isSourceWord(name) &&
      (networks !== before.groups.get(name)?.networks || tooMany !== before.groups.get(name)?.tooMany),
  );
}

function labelEdits(policy: Policy, standing: ReadonlyMap<string, IpSet['members']>): readonly Edit[] {
  return renderLabelSets(policy).flatMap((set): readonly Edit[] => {
    const { members } = set;
    const before = standing.get(set.name);
    if (before === undefined || before === 'keep' || members === 'keep') return [];
    const [added, removed] = [membersBeside(members, before), membersBeside(before, members)];
    if (added.length + removed.length === 0) return [];
    return [{ set: { ...set, members }, before: () => before, added, removed }];
  });
}
