import type { ObservedRule, ObservedTable } from '../../../decide/diff/model.ts';
import { splitLines, type Token, tokenize } from '../../../decide/diff/tokens.ts';
import type { Side } from '../backend.ts';
import { commentPrefix } from './rule.ts';

/**
 * The tables that `iptables-save` printed. Lines that are none of a table's are passed over: the tools warn
 * on the same stream ("# Table `x' is incompatible, use 'nft' tool.", and 1.8.9 "# Warning: iptables-legacy
 * tables present"), and a later version may add to that. Never throws: what cannot be read is not ours.
 */
export function parseTables(text: string, side: Side): readonly ObservedTable[] {
  const tables: (Omit<ObservedTable, 'dropping'> & { dropping?: ReadonlySet<string> })[] = [];
  let chains = new Map<string, ObservedRule[]>();
  for (const line of splitLines(text)) {
    if (line.startsWith('*')) {
      chains = new Map();
      tables.push({ ...side, table: line.slice(1).trim(), chains });
    } else if (line.startsWith(':')) {
      const [chain = '', policy] = line.slice(1).split(' ', 2);
      chains.set(chain, []);
      const table = tables.at(-1);
      if (policy === 'DROP' && table !== undefined)
        table.dropping = new Set([...(table.dropping ?? []), chain]);
    } else {
      const rule = ruleLine.exec(line);
      if (rule?.groups !== undefined) {
        const { chain = '', spec = '' } = rule.groups;
        const rules = chains.get(chain) ?? [];
        rules.push(parseRule(spec));
        chains.set(chain, rules);
      }
    }
  }
  return tables;
}

/** `[12:3456] -A CHAIN spec`; the counters are there with `iptables-save -c` only. */
const ruleLine = /^(?:\[\d+:\d+\] )?-A (?<chain>\S+)(?: (?<spec>[\s\S]*))?$/;

/** Options of which the next word is free text, which may look like anything, also like `-j`. */
const textOptions = new Set(['--comment', '--log-prefix', '--nflog-prefix', '--string', '--hex-string']);

function parseRule(spec: string): ObservedRule {
  const tokens = tokenize(spec);
  let id: string | undefined;
  let target: string | undefined;
  for (let i = 0; i < tokens.length; i += 1) {
    const { value, quoted } = tokens[i] as Token;
    if (quoted) continue;
    const next = tokens[i + 1]?.value;
    if (value === '--comment') id ??= idOf(next ?? '', spec);
    if (value === '-j' || value === '-g') target ??= next;
    if (textOptions.has(value)) i += 1;
  }
  return { id, spec, target };
}

/** Printable ASCII: our renderer writes nothing else, and a rule that cannot be written back is not ours. */
const writable = /^[ -~]*$/;
const ours = new RegExp(`^${commentPrefix}([A-Za-z0-9_-]{1,40})(?: |$)`);

function idOf(comment: string, spec: string): string | undefined {
  return writable.test(spec) ? ours.exec(comment)?.[1] : undefined;
}
