import { isOwnedChain } from '../wall/names.ts';
import type { Observed } from './model.ts';

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

/** All that others do with marks. */
interface SeenMarks {
  readonly observed: Observed;
  readonly marks: readonly MarkUse[];
}

/** Dockwall's bits of the marks of packets and connections. */
interface Bits {
  readonly mark: number;
  readonly connmark: number;
}

/** What surely is in dockwall's way, and what to do about it. */
interface Clash {
  readonly text: string;
  readonly advice: string;
}

/** Rules of others that write dockwall's bits, and routing rules that ask for the one that the gate writes. */
export function markClashes(seen: SeenMarks, bits: Bits): readonly Clash[] {
  const uses = markUses(seen, bits);
  const written = (['packet', 'connection'] as const).flatMap((what): readonly Clash[] => {
    const places = new Set(uses.filter(({ use }) => use === what).map(({ place }) => place));
    if (places.size === 0) return [];
    const [key, bit] = what === 'packet' ? ['mark', bits.mark] : ['connmark', bits.connmark];
    const where = [...places].slice(0, 5).join(', ');
    return [
      {
        text: `rules of others write dockwall's bit ${hex(bit)} of the ${what} mark: ${where}`,
        advice: `give those rules a mask that leaves it out, or choose another bit with \`${key}\` in the configuration`,
      },
    ];
  });
  const places = routing(seen.marks, bits.mark, true);
  if (places.length === 0) return written;
  return [
    ...written,
    {
      text: `packets that the gate has passed, which have the bit ${hex(bits.mark)}, are routed by rules of others: ${places.join(', ')}`,
      advice: 'choose another bit with `mark` in the configuration, or another mark for those rules',
    },
  ];
}

/**
 * Routing rules that ask for the bit, at most five. `wants`: packets that the gate has passed go their way; else they compare the bit with
 * others, and miss these packets.
 */
export function routing(uses: readonly MarkUse[], mark: number, wants: boolean): readonly string[] {
  return uses
    .filter(
      ({ what, bits, value }) => what === 'routes' && (bits & mark) !== 0 && ((value & mark) !== 0) === wants,
    )
    .map(({ place }) => place)
    .slice(0, 5);
}

/** Each rule of others that writes one of the bits, or compares the whole mark. */
export function markUses(
  { observed, marks }: SeenMarks,
  bits: Bits,
): readonly { readonly place: string; readonly use: 'packet' | 'connection' | 'compares' }[] {
  return [
    ...foreignRules(observed).flatMap(({ place, spec }) => {
      const use = markUse(spec, bits);
      return use === undefined ? [] : [{ place, use }];
    }),
    ...marks.flatMap(({ place, what, bits: touched }) =>
      what !== 'routes' && (touched & (what === 'packet' ? bits.mark : bits.connmark)) !== 0
        ? [{ place, use: what }]
        : [],
    ),
  ];
}

export function hex(bit: number): string {
  return `0x${bit.toString(16)}`;
}

function foreignRules({ tables }: Observed): readonly { readonly place: string; readonly spec: string }[] {
  return tables.flatMap(({ family, table, chains }) =>
    [...chains]
      .filter(([chain]) => !isOwnedChain(chain))
      .flatMap(([chain, rules]) =>
        rules
          .filter(({ id }) => id === undefined)
          .map(({ spec }) => ({ place: `${table} ${chain.slice(0, 29)} (IPv${family})`, spec })),
      ),
  );
}

/**
 * What one rule does with our bits. `--set-xmark V/M` changes the bits of V and M (xt_mark.c: `(mark & ~M) ^ V`); iptables-save
 * prints the other ways to set a mark like that too. `--restore-mark` copies the connection's mark into the packet's.
 */
function markUse(spec: string, { mark, connmark }: Bits): 'packet' | 'connection' | 'compares' | undefined {
  const [, target, options = ''] = /(?:^| )-j (MARK|CONNMARK) (.*)$/.exec(spec) ?? [];
  if (target !== undefined) {
    const restores = options.includes('--restore-mark');
    const copies = restores || options.includes('--save-mark');
    const written = copies ? copied(options, restores) : bitsOf(options);
    const touches = (bit: number): boolean => (written & bit) !== 0;
    if (target === 'MARK' || restores) return touches(mark) ? 'packet' : undefined;
    return touches(connmark) ? 'connection' : undefined;
  }
  const compared = /-m mark (?:! )?--mark (\S+)/.exec(spec)?.[1];
  if (compared === undefined) return undefined;
  const [, mask = '0xffffffff'] = compared.split('/');
  return (Number(mask) & mark) === 0 ? undefined : 'compares';
}

function bitsOf(options: string): number {
  const [value = '0', mask = '0xffffffff'] = (
    /(0x[0-9a-f]+(?:\/0x[0-9a-f]+)?)/.exec(options)?.[1] ?? ''
  ).split('/');
  return Number(value) | Number(mask);
}

function copied(options: string, restores: boolean): number {
  const mask = new RegExp(`--${restores ? 'nfmask' : 'ctmask'} (0x[0-9a-f]+)`).exec(options)?.[1];
  return Number(mask ?? '0xffffffff');
}
