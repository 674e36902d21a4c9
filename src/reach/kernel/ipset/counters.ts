import type { ObservedSet } from '../../../decide/diff/model.ts';
import { isOwnedSet } from '../../../decide/wall/names.ts';
import type { Run } from '../command.ts';
import { execute } from '../failure.ts';
import type { Limits } from '../iptables/driver.ts';
import { word } from '../words.ts';
import { parseSets } from './parse.ts';

/** How many entries each set of ours has: headers only, so that long lists cost nothing. Rejects with a KernelError. */
export async function readSizes(run: Run, limits: Limits): Promise<ReadonlyMap<string, number>> {
  const command = { ...limits, program: 'ipset', args: ['list', '-t'] };
  const { stdout } = await execute(run, command, 'listing the sets');
  const sizes = [...stdout.matchAll(/^Name: (\S+)$(?:\n.+$)*?\nNumber of entries: (\d+)$/gm)];
  return new Map(
    sizes.flatMap(([, name = '', size]) => (isOwnedSet(name) ? [[name, Number(size)] as const] : [])),
  );
}

/** These sets and no others, in one process; all of them have to be there. Rejects with a KernelError. */
export async function readSets(
  run: Run,
  limits: Limits,
  names: readonly string[],
): Promise<readonly ObservedSet[]> {
  if (names.length === 0) return [];
  // `ipset save` takes one name or prints all, a list of 100,000 too; in restore mode there may be many (ipset(8)).
  const input = names.map((name) => `save ${word('set', name)}\n`).join('');
  const command = { ...limits, program: 'ipset', args: ['restore'], input };
  const { stdout } = await execute(run, command, 'reading counters');
  return parseSets(stdout, isOwnedSet);
}
