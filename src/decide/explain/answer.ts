import { shorten } from '../net/show.ts';
import type { Policy } from '../policy/model.ts';
import { type AskerWord, neighboursAt, parseAsker } from './asker.ts';
import { explain } from './explain.ts';
import type { Asker, Explanation, Moment } from './model.ts';
import { parseTarget } from './target.ts';

export type Answer =
  | { readonly ok: true; readonly explanation: Explanation }
  /** `unreadable`: the source or the target, as written; `unresolved`: a name has no address now. */
  | { readonly ok: false; readonly why: 'unreadable' | 'unresolved'; readonly problem: string };

/** What a name means now: its addresses in their canonical spelling, or why there are none. */
export type Lookup = (
  name: string,
) => Promise<
  { readonly ok: true; readonly addresses: readonly string[] } | { readonly ok: false; readonly why: string }
>;

interface Around {
  /** Asked for once the source can be read. */
  readonly look: () => Promise<Moment>;
  readonly lookup: Lookup;
}

/** A question as a person writes it, answered. */
export async function answer(
  { source, target }: { readonly source: string; readonly target: string },
  { look, lookup }: Around,
): Promise<Answer> {
  const parsed = parseAsker(source);
  if (!parsed.ok) return { ...parsed, why: 'unreadable' };
  const moment = await look();
  const goal = parseTarget(target, moment);
  if (!goal.ok) return { ...goal, why: 'unreadable' };
  const found = await askersOf(parsed.word, moment, lookup);
  if (!found.ok) return found;
  return { ok: true, explanation: explain(moment, { askers: found.askers, target: goal.target }) };
}

async function askersOf(
  word: AskerWord,
  moment: Moment,
  lookup: Lookup,
): Promise<{ readonly ok: true; readonly askers: readonly Asker[] } | Extract<Answer, { ok: false }>> {
  switch (word.kind) {
    case 'address':
      return { ok: true, askers: [{ address: word.address, interface: word.interface, name: undefined }] };
    case 'interface': {
      const askers = neighboursAt(word.name, moment);
      if (askers.length > 0) return { ok: true, askers };
      const name = shorten(word.name);
      const problem = `the interface ${name} is in no network here: write an address that comes in by it, such as 10.8.0.2%${name}`;
      return { ok: false, why: 'unreadable', problem };
    }
    case 'name': {
      const { name } = word;
      const found = await lookup(name);
      if (!found.ok) {
        const problem = `${shorten(name)} does not resolve here (${found.why})${labelsNaming(name, moment.policy)}`;
        return { ok: false, why: 'unresolved', problem };
      }
      return {
        ok: true,
        askers: found.addresses.map((address) => ({ address, interface: undefined, name })),
      };
    }
  }
}

/** Who waits for this name. */
function labelsNaming(name: string, { services }: Policy): string {
  const waiting = services
    .filter(({ ports }) =>
      ports.some(({ reach }) => reach.allow.some(({ peer }) => peer.kind === 'group' && peer.name === name)),
    )
    .map((service) => shorten(service.name, 40));
  return waiting.length === 0
    ? ''
    : `; the labels of ${waiting.join(', ')} name it, and let nobody new in by it until it does`;
}
