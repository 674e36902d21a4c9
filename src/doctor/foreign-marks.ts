import type { Run } from '../kernel/command.ts';
import { ofIptables } from '../kernel/nft-hooks.ts';
import { type Family, families } from '../net/network.ts';

const timeoutMs = 5000;
const all = 0xff_ff_ff_ff;

/** What others than iptables' rules do with a bit of a mark. */
export interface MarkUse {
  /** `nft inet other c`, `ip rule 32765 (IPv4)`. */
  readonly place: string;
  readonly what: 'packet' | 'connection' | 'routes';
  /** The bits that it writes, or looks at. */
  readonly bits: number;
  /** Of a routing rule: what those bits have to be. */
  readonly value: number;
}

/** Tables of nftables that are not iptables' own, and routing rules. Nothing where a program is missing or fails. */
export async function readForeignMarks(run: Run, nftTables: readonly string[]): Promise<readonly MarkUse[]> {
  const text = async (program: string, args: readonly string[]): Promise<string> => {
    const output = await run({ program, args, timeoutMs }).catch(() => undefined);
    return output?.exitCode === 0 ? output.stdout : '';
  };
  const tables = nftTables.filter((table) => !ofIptables.test(table));
  const uses = await Promise.all([
    ...tables.map(async (table) => parseNftMarks(await text('nft', ['list', 'table', ...table.split(' ')]))),
    ...families.map(async (family) =>
      parseRules(await text('ip', [`-${family}`, '-j', 'rule', 'show']), family),
    ),
  ]);
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
