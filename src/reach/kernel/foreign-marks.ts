import type { MarkUse } from '../../decide/diff/marks.ts';
import { type Family, families } from '../../decide/net/network.ts';
import { type Run, textOf } from './command.ts';
import { isOfOthers } from './nft-hooks.ts';

const timeoutMs = 5000;
const all = 0xff_ff_ff_ff;

/** Tables of nftables that are not iptables' own, and routing rules. Nothing where a program is missing or fails. */
export async function readForeignMarks(nftTables: readonly string[], run: Run): Promise<readonly MarkUse[]> {
  const tables = nftTables.filter(isOfOthers);
  const uses = await Promise.all([
    ...tables.map(async (table) =>
      parseNftMarks(
        (await textOf(run, { program: 'nft', args: ['list', 'table', ...table.split(' ')], timeoutMs })) ??
          '',
      ),
    ),
    readRoutingMarks(run),
  ]);
  return uses.flat();
}

/** Routing rules that ask for a mark. */
export async function readRoutingMarks(run: Run): Promise<readonly MarkUse[]> {
  const uses = await Promise.all(
    families.map(async (family) =>
      parseRules(
        (await textOf(run, { program: 'ip', args: [`-${family}`, '-j', 'rule', 'show'], timeoutMs })) ?? '',
        family,
      ),
    ),
  );
  return uses.flat();
}

/**
 * What `nft list table` shows of marks that are written. `meta mark set meta mark & M | V` changes the bits that M lacks and those of V;
 * `| V` and `^ V` those of V; anything else (a number, a map, the other mark) all of them. Versions write `and` or `&`.
 */
export function parseNftMarks(text: string): readonly MarkUse[] {
  let [table, chain] = ['', ''];
  return text.split('\n').flatMap((line): readonly MarkUse[] => {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\s+chain (\S+) \{/.exec(line)?.[1] ?? chain;
    return [...line.matchAll(/\b(meta|ct) mark set (.*?)(?=\b(?:meta|ct) mark set |$)/g)].map(
      ([, kind = '', value = '']): MarkUse => ({
        place: `nft ${table} ${chain}`,
        what: kind === 'meta' ? 'packet' : 'connection',
        bits: writtenBits(kind, value),
        value: 0,
      }),
    );
  });
}

function writtenBits(kind: string, value: string): number {
  const own = `(?:${kind} mark|mark)`;
  const [, mask, more = '0'] =
    new RegExp(
      `^\\(?${own} (?:&|and) (0x[0-9a-f]+|\\d+)\\)?(?: (?:\\||or|\\^|xor) (0x[0-9a-f]+|\\d+))?`,
    ).exec(value) ?? [];
  if (mask !== undefined) return ((~Number(mask) | Number(more)) & all) >>> 0;
  const added = new RegExp(`^${own} (?:\\||or|\\^|xor) (0x[0-9a-f]+|\\d+)`).exec(value)?.[1];
  return added === undefined ? all : Number(added);
}

/** `ip -j rule`: `fwmask` is left out where the whole mark is compared. */
export function parseRules(json: string, family: Family): readonly MarkUse[] {
  return [...json.matchAll(/\{[^{}]*\}/g)].flatMap(([rule]): readonly MarkUse[] => {
    const field = (name: string): string | undefined =>
      new RegExp(`"${name}":"?(0x[0-9a-f]+|\\d+)`).exec(rule)?.[1];
    const mark = field('fwmark');
    if (mark === undefined) return [];
    const place = `ip rule ${field('priority') ?? '?'} (IPv${family})`;
    return [{ place, what: 'routes', bits: Number(field('fwmask') ?? all), value: Number(mark) }];
  });
}
