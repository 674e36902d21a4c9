import type { Observed } from '../diff/model.ts';
import { isOwnedChain } from '../ruleset/names.ts';
import type { MarkUse } from './foreign-marks.ts';
import type { HostView, Line } from './model.ts';

/** Rules of others that write, or compare, the bits that dockwall writes into the marks of packets and connections. */
export function markLines({ netfilter, decided, foreignMarks = [] }: HostView): readonly Line[] {
  if (netfilter.kind === 'failed' || decided === undefined) return [];
  const { mark, connmark } = decided.policy;
  const uses = [
    ...foreignRules(netfilter.observed).flatMap(({ place, spec }) => {
      const use = markUse(spec, { mark, connmark });
      return use === undefined ? [] : [{ place, use }];
    }),
    ...foreignMarks.flatMap(({ place, what, bits }) =>
      what !== 'routes' && (bits & (what === 'packet' ? mark : connmark)) !== 0 ? [{ place, use: what }] : [],
    ),
  ];
  const written = (['packet', 'connection'] as const).flatMap((what): Line[] => {
    const places = new Set(uses.filter(({ use }) => use === what).map(({ place }) => place));
    if (places.size === 0) return [];
    const [key, bit] = what === 'packet' ? ['mark', mark] : ['connmark', connmark];
    const where = [...places].slice(0, 5).join(', ');
    return [
      {
        topic: 'mark',
        kind: 'problem',
        text: `rules of others write dockwall's bit ${hex(bit)} of the ${what} mark: ${where}`,
        advice: `give those rules a mask that leaves it out, or choose another bit with \`${key}\` in the configuration`,
      },
    ];
  });
  const lines = [...written, ...routingLines(foreignMarks, mark)];
  const wholly = new Set(uses.filter(({ use }) => use === 'compares').map(({ place }) => place));
  const comparing: readonly Line[] =
    wholly.size === 0
      ? []
      : [
          {
            topic: 'mark',
            kind: 'note',
            text: `rules of others compare the whole packet mark, with dockwall's bit in it: ${[...wholly].slice(0, 5).join(', ')}`,
            advice: 'give them a mask that leaves the bit out, if they do not match any more',
          },
        ];
  if (lines.length + comparing.length > 0) return [...lines, ...comparing];
  return [
    {
      topic: 'mark',
      kind: 'ok',
      text: `no rule of others touches the bits ${hex(mark)} and ${hex(connmark)}`,
    },
  ];
}

/** A packet that the gate has passed has our bit: a rule that asks for it sends published ports another way; one that compares it misses them. */
function routingLines(uses: readonly MarkUse[], mark: number): readonly Line[] {
  const asking = uses.filter(({ what, bits }) => what === 'routes' && (bits & mark) !== 0);
  const line = (wants: boolean): readonly Line[] => {
    const places = asking.filter(({ value }) => ((value & mark) !== 0) === wants).map(({ place }) => place);
    if (places.length === 0) return [];
    const where = places.slice(0, 5).join(', ');
    return wants
      ? [
          {
            topic: 'mark',
            kind: 'problem',
            text: `packets that the gate has passed, which have the bit ${hex(mark)}, are routed by rules of others: ${where}`,
            advice: 'choose another bit with `mark` in the configuration, or another mark for those rules',
          },
        ]
      : [
          {
            topic: 'mark',
            kind: 'note',
            text: `routing rules of others compare dockwall's bit ${hex(mark)} of the packet mark too: ${where}`,
            advice:
              'give them a mask that leaves the bit out, if they should match packets to published ports',
          },
        ];
  };
  return [...line(true), ...line(false)];
}

function hex(bit: number): string {
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

interface Bits {
  readonly mark: number;
  readonly connmark: number;
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
