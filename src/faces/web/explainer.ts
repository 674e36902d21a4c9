import { answer, type Lookup } from '../../decide/explain/answer.ts';
import { foreignNames } from '../../decide/explain/foreign.ts';
import type { KernelMoment, Moment } from '../../decide/explain/model.ts';
import { tell } from '../../decide/explain/told.ts';
import { readInventory } from '../../decide/inventory/read-inventory.ts';
import { shorten } from '../../decide/net/show.ts';
import type { Decided } from '../../decide/pass/decide.ts';
import type { Policy } from '../../decide/policy/model.ts';
import type { Kernel } from '../../reach/kernel/kernel.ts';
import type { Others } from '../../reach/kernel/others.ts';
import type { ExplainAnswer, Question } from './explain.ts';

export interface ExplainerParts {
  /** Reads the kernel, writes nothing. */
  readonly kernel: Pick<Kernel, 'observe' | 'readSets'>;
  /** The addresses of the host. */
  readonly own: () => ReadonlySet<string>;
  readonly lookup: Lookup;
  readonly others: () => Promise<Others>;
}

/** Answers the form of the page, and programs: what the last pass has decided, against the kernel as it is now. */
export class Explainer {
  private readonly parts: ExplainerParts;
  private last: Decided | undefined;

  constructor(parts: ExplainerParts) {
    this.parts = parts;
  }

  /** A pass was done. */
  passed(decision: Decided): void {
    this.last = decision;
  }

  async explain({ source, target }: Question): Promise<ExplainAnswer> {
    const { last } = this;
    if (last === undefined)
      return { kind: 'unclear', problem: 'Docker has not been asked yet: ask again in a moment' };
    const found = await answer(
      { source, target },
      { look: () => this.momentOf(last), lookup: this.parts.lookup },
    );
    if (!found.ok) return { kind: 'unclear', problem: found.problem };
    return {
      kind: 'answer',
      told: tell(found.explanation),
      json: { source: shorten(source, 200), target: shorten(target, 200), ...found.explanation },
    };
  }

  private async momentOf({ policy, ruleset, from }: Decided): Promise<Moment> {
    // without the kernel's word the policy's is still worth something
    const kernel = await this.look(policy).catch(() => undefined);
    return {
      policy,
      inventory: readInventory(from.snapshot, from.host),
      own: this.parts.own(),
      ...(kernel === undefined ? {} : { kernel: { ...kernel, ruleset } }),
    };
  }

  private async look(policy: Policy): Promise<Omit<KernelMoment, 'ruleset'>> {
    const { kernel } = this.parts;
    const [observed, others] = await Promise.all([kernel.observe(), this.parts.others()]);
    return { observed, ...others, foreign: await kernel.readSets(foreignNames(policy, observed)) };
  }
}
