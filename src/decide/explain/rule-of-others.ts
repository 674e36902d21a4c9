import { type Token, tokenize } from '../diff/tokens.ts';
import { addressBlock, blockAt, toCidr, widthOf } from '../net/block.ts';
import { contains } from '../net/merge-networks.ts';
import type { Protocol } from '../net/port.ts';

/** Whether a rule of others takes a packet. `maybe`: it asks for what cannot be told from here (marks, sets, a rate). */
export type Taken = 'yes' | 'no' | 'maybe';

/** The first packet of a connection from outside, where a rule of others meets it. */
export interface Passing {
  readonly protocol: Protocol;
  readonly source: string;
  /** After Docker's DNAT, where that has been. */
  readonly destination: string;
  readonly port: number;
  /** As the packet came. */
  readonly original: { readonly destination: string; readonly port: number };
  /** Where it comes in; undefined: not known, but no bridge of Docker. */
  readonly in: string | undefined;
  /** Where it leaves; undefined: it stays on this host, or nobody knows yet. */
  readonly out: string | undefined;
  /** Names of Docker's bridges. */
  readonly bridges: readonly string[];
}

type Test = (words: readonly string[], passing: Passing) => Taken;

const yesNo = (holds: boolean): Taken => (holds ? 'yes' : 'no');

/** What `iptables-save` prints of a rule, by option. What does not stand here is `maybe`. */
const tests: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['-m', () => 'yes'],
  ['--comment', () => 'yes'],
  ['-p', ([name], { protocol }) => yesNo(name === protocol || name === 'all')],
  ['-s', ([network = ''], { source }) => within(network, source)],
  ['-d', ([network = ''], { destination }) => within(network, destination)],
  ['-i', ([name = ''], passing) => arrives(name, passing)],
  ['-o', ([name = ''], { out }) => (out === undefined ? 'no' : named(name, out))],
  ['--dport', ([range = ''], { port }) => inRange(range, port)],
  ['--dports', ([list = ''], { port }) => yesNo(list.split(',').some((one) => inRange(one, port) === 'yes'))],
  [
    '--ctstate',
    ([states = ''], { destination, original }) => inState(states, destination !== original.destination),
  ],
  ['--state', ([states = '']) => inState(states, false)],
  ['--ctorigdst', ([network = ''], { original }) => within(network, original.destination)],
  ['--ctorigdstport', ([range = ''], { original }) => inRange(range, original.port)],
  ['--ctdir', ([direction]) => yesNo(direction === 'ORIGINAL')],
  ['--dst-type', ([types = ''], { out }) => yesNo(out === undefined && types.split(',').includes('LOCAL'))],
  ['--tcp-flags', ([mask = '', flags], { protocol }) => yesNo(protocol === 'tcp' && synIs(flags, mask))],
]);

/** Whether a rule of others takes this packet. @param options see {@link optionsOf} */
export function takes(options: readonly Option[], passing: Passing): Taken {
  let answer: Taken = 'yes';
  for (const { option, negated, words } of options) {
    const one = (tests.get(option) ?? (() => 'maybe' as const))(words, passing);
    const taken = negated && one !== 'maybe' ? yesNo(one === 'no') : one;
    if (taken === 'no') return 'no';
    if (taken === 'maybe') answer = 'maybe';
  }
  return answer;
}

/** One option of a rule, with its words. */
export interface Option {
  readonly option: string;
  readonly negated: boolean;
  readonly words: readonly string[];
}

/** A rule as `iptables-save` printed it, up to its target. A text of others: whatever it is, options come of it. */
export function optionsOf(spec: string): readonly Option[] {
  const found: { option: string; negated: boolean; words: string[] }[] = [];
  let negated = false;
  for (const token of tokenize(spec)) {
    const { value } = token;
    if (value === '-j' || value === '-g') break;
    if (value === '!' && !token.quoted) negated = true;
    else if (begins(token)) {
      found.push({ option: value, negated, words: [] });
      negated = false;
    } else found.at(-1)?.words.push(value);
  }
  return found;
}

function begins({ value, quoted }: Token): boolean {
  return !quoted && /^--?[a-z]/i.test(value);
}

function within(network: string, address: string): Taken {
  const [start = '', prefix = ''] = network.split('/');
  const block = addressBlock(start);
  // an address alone is a whole one; an old mask with holes is nothing that we read
  if (block === undefined || !/^\d*$/.test(prefix)) return 'maybe';
  const { family } = block;
  const length = prefix === '' ? widthOf[family] : Number(prefix);
  return yesNo(contains(toCidr(blockAt(family, block.start, length)), address));
}

/** `eth0`, or `eth+` for all whose name begins so. */
function named(pattern: string, name: string): Taken {
  return yesNo(pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
}

function arrives(pattern: string, { in: name, bridges }: Passing): Taken {
  if (name !== undefined) return named(pattern, name);
  return pattern === 'lo' || bridges.includes(pattern) ? 'no' : 'maybe';
}

function inRange(text: string, port: number): Taken {
  const [from = '', to = from] = text.split(':');
  return yesNo(port >= Number(from || '0') && port <= Number(to || '65535'));
}

function inState(states: string, translated: boolean): Taken {
  const asked = states.split(',');
  return yesNo(asked.includes('NEW') || (translated && asked.includes('DNAT')));
}

/** Of the flags that are looked at, a packet that begins a connection has SYN alone. */
function synIs(flags: string | undefined, mask: string): boolean {
  const looked = mask === 'ALL' || mask.split(',').includes('SYN');
  return flags === (looked ? 'SYN' : 'NONE');
}
