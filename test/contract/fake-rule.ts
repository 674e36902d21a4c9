import { isIP } from 'node:net';
import { type Token, tokenize } from '../../src/decide/diff/tokens.ts';
import type { Family } from '../../src/decide/net/network.ts';
import { ToolFailure } from './fake-failure.ts';

/** One option with what follows it: `! --match-set NAME src`. */
export interface FakeOption {
  readonly name: string;
  readonly negated: boolean;
  readonly values: readonly string[];
}

/** One `-m` of a rule. */
interface FakeMatch {
  readonly module: string;
  readonly options: readonly FakeOption[];
}

/** A rule taken apart; what a packet would be held against. */
export interface FakeRule {
  /** `-s -d -i -o -p`, in the order in which iptables-save prints them. */
  readonly base: readonly FakeOption[];
  readonly matches: readonly FakeMatch[];
  readonly target:
    | { readonly goto: boolean; readonly name: string; readonly options: readonly FakeOption[] }
    | undefined;
}

const baseOptions = ['-s', '-d', '-i', '-o', '-p'];

/** Modules and their options, with the number of values each takes. */
const modules: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  comment: { '--comment': 1 },
  conntrack: { '--ctdir': 1, '--ctstate': 1, '--ctorigdstport': 1 },
  set: { '--match-set': 2 },
  mark: { '--mark': 1 },
  connmark: { '--mark': 1 },
  addrtype: { '--dst-type': 1, '--src-type': 1 },
  tcp: { '--dport': 1, '--sport': 1, '--tcp-flags': 2 },
  physdev: { '--physdev-in': 1, '--physdev-is-bridged': 0 },
  udp: { '--dport': 1, '--sport': 1 },
  sctp: { '--dport': 1, '--sport': 1 },
};

/** Targets that are no chains, and their options. */
const targets: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ACCEPT: {},
  DROP: {},
  RETURN: {},
  MARK: { '--set-xmark': 1 },
  CONNMARK: { '--set-xmark': 1, '--restore-mark': 0, '--save-mark': 0, '--nfmask': 1, '--ctmask': 1 },
  SET: { '--add-set': 2, '--del-set': 2, '--exist': 0, '--timeout': 1 },
  DNAT: { '--to-destination': 1 },
  MASQUERADE: {},
  REJECT: { '--reject-with': 1 },
  LOG: { '--log-prefix': 1 },
};

/** Whether a target is the kernel's own and not a chain. */
export function isBuiltInTarget(name: string): boolean {
  return name in targets;
}

/** Reads what follows `-A CHAIN`. Throws a ToolFailure for what iptables would refuse. */
export function parseFakeRule(text: string, family: Family): FakeRule {
  return new RuleReader(tokenize(text), family).read();
}

class RuleReader {
  private readonly tokens: readonly Token[];
  private readonly family: Family;
  private at = 0;
  private readonly base = new Map<string, FakeOption>();
  private readonly matches: { module: string; options: FakeOption[] }[] = [];
  private target: { goto: boolean; name: string; options: FakeOption[] } | undefined;

  constructor(tokens: readonly Token[], family: Family) {
    this.tokens = tokens;
    this.family = family;
  }

  read(): FakeRule {
    while (this.at < this.tokens.length) {
      const negated = this.peek() === '!';
      if (negated) this.at += 1;
      this.readOption(this.take('an option'), negated);
    }
    const base = baseOptions.map((name) => this.base.get(name)).filter((option) => option !== undefined);
    return { base, matches: this.matches, target: this.target };
  }

  private peek(): string | undefined {
    const token = this.tokens[this.at];
    return token?.quoted === false ? token.value : undefined;
  }

  private take(what: string): string {
    const token = this.tokens[this.at];
    if (token === undefined) throw new ToolFailure(`${what} is missing`);
    this.at += 1;
    return token.value;
  }

  private readOption(name: string, negated: boolean): void {
    if (baseOptions.includes(name)) this.readBase(name, negated);
    else if (name === '-m') this.matches.push({ module: this.moduleName(), options: [] });
    else if (name === '-j' || name === '-g') this.readTarget(name === '-g');
    else this.readExtension(name, negated);
  }

  private readBase(name: string, negated: boolean): void {
    if (this.base.has(name)) throw new ToolFailure(`multiple ${name} flags not allowed`);
    const value = this.take(`the value of ${name}`);
    if ((name === '-i' || name === '-o') && value.length > 15) {
      throw new ToolFailure(`interface name \`${value}' must be shorter than IFNAMSIZ (15)`);
    }
    const printed = name === '-s' || name === '-d' ? withPrefix(value, this.family) : value;
    this.base.set(name, { name, negated, values: [printed] });
  }

  private moduleName(): string {
    const module = this.take('the name of a match');
    if (!(module in modules))
      throw new ToolFailure(`Couldn't load match \`${module}':No such file or directory`);
    return module;
  }

  private readTarget(goto: boolean): void {
    if (this.target !== undefined) throw new ToolFailure('multiple -j flags not allowed');
    this.target = { goto, name: this.take('the target'), options: [] };
  }

  private readExtension(name: string, negated: boolean): void {
    const owner = this.target ?? this.matches.at(-1);
    const table =
      this.target === undefined ? modules[this.matches.at(-1)?.module ?? ''] : targets[this.target.name];
    const count = table?.[name];
    if (owner === undefined || count === undefined) throw new ToolFailure(`unknown option "${name}"`);
    const values = Array.from({ length: count }, () => this.take(`the value of ${name}`));
    this.check(name, values);
    owner.options.push({ name, negated, values });
  }

  private check(name: string, values: readonly string[]): void {
    const module = this.matches.at(-1)?.module ?? '';
    if (name === '--dport' && this.base.get('-p')?.values[0] !== module) {
      throw new ToolFailure(`${module}: Could not determine protocol`);
    }
    const [first = ''] = values;
    if (name === '--comment' && first.length > 255) throw new ToolFailure('comment must be shorter than 256');
  }
}

function withPrefix(network: string, family: Family): string {
  const [address = '', prefix] = network.split('/');
  if (isIP(address) !== family) throw new ToolFailure(`host/network \`${network}' not found`);
  return `${address}/${prefix ?? (family === 4 ? 32 : 128)}`;
}

/** The rule as iptables-save prints it, without `-A CHAIN `. Equal rules, equal text. */
export function printFakeRule(rule: FakeRule): string {
  return [
    ...rule.base.map(printOption),
    ...rule.matches.flatMap(({ module, options }) => [`-m ${module}`, ...options.map(printOption)]),
    ...(rule.target === undefined ? [] : [`${rule.target.goto ? '-g' : '-j'} ${rule.target.name}`]),
    ...(rule.target?.options ?? []).map(printOption),
  ].join(' ');
}

const quotedOptions = new Set(['--comment', '--log-prefix']);

function printOption({ name, negated, values }: FakeOption): string {
  const printed = values.map((value) => (quotedOptions.has(name) ? quoted(value) : value));
  return [...(negated ? ['!'] : []), name, ...printed].join(' ');
}

/** libxtables, xtables_save_string. */
function quoted(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `"${text.replaceAll(/["\\']/g, String.raw`\$&`)}"`;
}

/** The sets that a rule refers to. */
export function setsOf(rule: FakeRule): readonly string[] {
  return [...rule.matches.flatMap(({ options }) => options), ...(rule.target?.options ?? [])]
    .filter(({ name }) => ['--match-set', '--add-set', '--del-set'].includes(name))
    .map(({ values }) => values[0] ?? '');
}
