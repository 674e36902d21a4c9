import type { ListFormat } from '../../decide/policy/config.ts';
import { parseList } from './list-text.ts';
import type { LastGood, Reading, Validators } from './model.ts';

/** Shorter lists are kept by hand, and may well lose most of their entries. */
const countsFrom = 12;
/** A list that has lost more than two thirds was cut off on its way, or is another one. */
const leastShare = 1 / 3;

/** What was loaded, judged against what is in force. */
export async function acceptList(
  text: string,
  wanted: { readonly format: ListFormat; readonly mayShrink: boolean },
  before: { readonly last: LastGood | undefined; readonly validators?: Validators | undefined },
): Promise<Reading> {
  const parsed = await parseList(text, wanted.format);
  if (!parsed.ok) return { kind: 'failed', reason: parsed.reason };
  const { networks } = parsed;
  if (!wanted.mayShrink) {
    if (networks.length === 0)
      return { kind: 'failed', reason: 'it is empty (if that is right, `mayShrink: true` takes it)' };
    const had = before.last?.networks.length ?? 0;
    if (had >= countsFrom && networks.length < had * leastShare) {
      const sizes = `it has ${networks.length} networks where there were ${had}`;
      return { kind: 'failed', reason: `${sizes} (if that is right, \`mayShrink: true\` takes it)` };
    }
  }
  return { kind: 'answer', networks, validators: before.validators };
}
