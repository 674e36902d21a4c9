import { membersBeside } from '../net/port-members.ts';
import { counted } from '../net/show.ts';
import type { Lock, Ruleset } from '../wall/model.ts';
import type { LockChange, LockPlan, Observed } from './model.ts';

/**
 * What has to be done with the lock, around what is done with the gate. It may never close more than the gate does: what it no longer
 * closes goes before the gate changes, what it closes anew comes after. Undefined where nothing is.
 */
export function diffLock(wanted: Ruleset['lock'], { lock: seen }: Observed): LockPlan | undefined {
  if (wanted === 'keep' || seen === undefined || seen.kind === 'unsupported') return undefined;
  if (wanted === 'remove') return seen.kind === 'none' ? undefined : { before: { kind: 'remove' } };
  const whole: LockChange = { kind: 'write', lock: wanted };
  if (seen.kind === 'none') return { after: whole };
  if (seen.lock === undefined) return { after: { ...whole, anew: true } };
  if (sameLock(seen.lock, wanted)) return seen.lost === true ? { after: whole } : undefined;
  const between = narrower(seen.lock, wanted);
  if (between === undefined) return { before: { kind: 'open' }, after: whole };
  const before = sameLock(between, seen.lock) ? {} : { before: { kind: 'write', lock: between } as const };
  return sameLock(between, wanted) ? before : { ...before, after: whole };
}

/** Whether the lock stands as it should. A lock that is left as it is should only be there. */
export function lockStands(wanted: Ruleset['lock'], { lock: seen }: Observed): boolean {
  if (seen?.kind !== 'stands' || wanted === 'remove') return false;
  return seen.lock !== undefined && (wanted === 'keep' || sameLock(seen.lock, wanted));
}

/** What both close; undefined where the two ask for different marks, or go by different interfaces. */
function narrower(some: Lock, other: Lock): Lock | undefined {
  if (some.mark !== other.mark || some.connmark !== other.connmark || some.side !== other.side)
    return undefined;
  const both = (a: readonly string[], b: readonly string[]): readonly string[] => {
    const there = new Set(b);
    return a.filter((one) => there.has(one));
  };
  const interfaces =
    some.side === 'outside'
      ? both(some.interfaces, other.interfaces)
      : [...new Set([...some.interfaces, ...other.interfaces])].sort();
  return {
    mark: some.mark,
    connmark: some.connmark,
    side: some.side,
    interfaces,
    bridges: both(some.bridges, other.bridges),
    ports: membersBeside(some.ports, membersBeside(some.ports, other.ports)),
  };
}

function sameLock(a: Lock, b: Lock): boolean {
  return (
    a.mark === b.mark &&
    a.connmark === b.connmark &&
    a.side === b.side &&
    (['interfaces', 'bridges', 'ports'] as const).every(
      (part) => a[part].length === b[part].length && a[part].every((one, index) => one === b[part][index]),
    )
  );
}

/** All that is done with it, in words. */
export function lockWords({ before, after }: LockPlan = {}): readonly (readonly ['+' | '-', string])[] {
  return [before, after].flatMap((change) => (change === undefined ? [] : [changeWords(change)]));
}

function changeWords(change: LockChange): readonly ['+' | '-', string] {
  switch (change.kind) {
    case 'remove':
      return ['-', 'the whole table'];
    case 'open':
      return ['-', 'its rules, while the mark or the interfaces of the gate change'];
    case 'write': {
      const ports = counted(change.lock.ports.length, 'port or range', 'ports and ranges');
      const bridges = counted(change.lock.bridges.length, 'bridge');
      return ['+', `closes without the gate's mark: ${ports}, ${bridges}`];
    }
  }
}
