import { contains } from '../../src/decide/net/merge-networks.ts';
import type { Cidr, Family } from '../../src/decide/net/network.ts';
import type { FakeKernel } from './fake-kernel.ts';
import type { FakeOption, FakeRule } from './fake-rule.ts';
import type { FakeTable } from './fake-tables.ts';

/** One packet on its way through the mangle table of the fake; the marks are written to as it goes. */
export interface FakePacket {
  readonly family: Family;
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly sourcePort?: number;
  readonly in?: string;
  readonly out?: string;
  /** The port of the bridge by which it came, where it leaves by another port of that bridge. */
  readonly bridgedFrom?: string;
  /** What the kernel calls the destination; IPv6 says UNICAST of a local address as well. */
  readonly types: readonly string[];
  readonly reply?: boolean;
  readonly state: 'NEW' | 'RELATED' | 'ESTABLISHED';
  /** TCP that is no SYN; unless told, whatever is not NEW. */
  readonly inTheMiddle?: boolean;
  mark: number;
  connmark: number;
}

/** Lets a packet through these chains of the mangle table, in order, in each backend that has one. False where it is dropped. */
export function walk(
  { kernel, hooks }: { readonly kernel: FakeKernel; readonly hooks: readonly string[] },
  packet: FakePacket,
): boolean {
  const walker = new Walker(kernel, packet);
  const tables = kernel.tablesNamed(packet.family, 'mangle');
  return hooks.every((hook) => tables.every((table) => walker.chain(table, hook) !== 'drop'));
}

type End = 'drop' | 'accept' | 'return';

class Walker {
  private readonly kernel: FakeKernel;
  private readonly packet: FakePacket;

  constructor(kernel: FakeKernel, packet: FakePacket) {
    this.kernel = kernel;
    this.packet = packet;
  }

  chain(table: FakeTable, name: string): End {
    for (const rule of table.get(name)?.rules ?? []) {
      const { tests, target } = compiled(rule);
      if (!tests.every(({ holds, negated }) => holds(this.packet, this.kernel) !== negated)) continue;
      const end = target && this.target(table, target);
      if (end !== undefined) return end;
    }
    return 'return';
  }

  /** What the rule decides; undefined where the next one is looked at. */
  private target(table: FakeTable, target: Target): End | undefined {
    const { value, mask } = target;
    switch (target.name) {
      case 'DROP':
        return 'drop';
      case 'ACCEPT':
        return 'accept';
      case 'RETURN':
        return 'return';
      case 'MARK':
        this.packet.mark = (this.packet.mark & ~mask) ^ value;
        return undefined;
      case 'CONNMARK':
        this.packet.connmark = (this.packet.connmark & ~mask) ^ value;
        return undefined;
      case 'SET':
        for (const { set, ends } of target.forgets) this.forget(set, ends);
        return undefined;
      default: {
        const end = this.chain(table, target.name);
        return end === 'return' && !target.goto ? undefined : end;
      }
    }
  }

  private forget(set: string, ends: readonly string[]): void {
    const { kernel, packet } = this;
    const found = [...kernel.matchable(set, packet.family)];
    for (const member of found) if (isMember(packet, member, ends)) kernel.forget(set, member);
  }
}

/** Whether a packet has what one option of a rule asks for. */
type Holds = (packet: FakePacket, kernel: FakeKernel) => boolean;

interface Target {
  readonly name: string;
  readonly goto: boolean;
  /** What is written to a mark, and over which bits. */
  readonly value: number;
  readonly mask: number;
  /** What the packet is taken out of. */
  readonly forgets: readonly { readonly set: string; readonly ends: readonly string[] }[];
}

interface Compiled {
  readonly tests: readonly { readonly holds: Holds; readonly negated: boolean }[];
  readonly target: Target | undefined;
}

/** Rules are never changed, and each meets many thousand packets: its text is read once. */
const rules = new WeakMap<FakeRule, Compiled>();

function compiled(rule: FakeRule): Compiled {
  const found = rules.get(rule);
  if (found !== undefined) return found;
  const options: readonly (FakeOption & { readonly module?: string })[] = [
    ...rule.base,
    ...rule.matches.flatMap(({ module, options }) => options.map((option) => ({ ...option, module }))),
  ];
  const tests = options.map((option) => ({ holds: compile(option), negated: option.negated }));
  const made = { tests, target: rule.target && compileTarget(rule.target) };
  rules.set(rule, made);
  return made;
}

function compileTarget({ name, goto, options }: NonNullable<FakeRule['target']>): Target {
  const [value = 0, mask = 0] = (options[0]?.values[0] ?? '').split('/').map(Number);
  const forgets = options
    .filter((option) => option.name === '--del-set')
    .map(({ values: [set = '', ends = ''] }) => ({ set, ends: ends.split(',') }));
  return { name, goto, value, mask, forgets };
}

function compile({ name, values, module }: FakeOption & { readonly module?: string }): Holds {
  const [value = '', more = ''] = values;
  const words = value.split(',');
  switch (name) {
    case '-s':
      return ({ source }) => isIn(source, value);
    case '-d':
      return ({ destination }) => isIn(destination, value);
    case '-i':
      return (packet) => sameInterface(value, packet.in);
    case '-o':
      return ({ out }) => sameInterface(value, out);
    case '--physdev-in':
      return ({ bridgedFrom }) => sameInterface(value, bridgedFrom);
    case '--physdev-is-bridged':
      return ({ bridgedFrom }) => bridgedFrom !== undefined;
    case '-p':
      return ({ protocol }) => value === protocol;
    case '--comment':
      return () => true;
    case '--tcp-flags':
      return ({ protocol, inTheMiddle, state }) => protocol === 'tcp' && !(inTheMiddle ?? state !== 'NEW');
    case '--ctdir':
      return ({ reply }) => (value === 'REPLY') === (reply === true);
    case '--ctstate':
      return ({ state }) => words.includes(state);
    case '--dst-type':
      return ({ types }) => words.some((type) => types.includes(type));
    case '--mark':
      return compileMark(value, module);
    case '--match-set': {
      const ends = more.split(',');
      return (packet, kernel) => isInSet(kernel, packet, { set: value, ends });
    }
    default:
      return () => {
        throw new Error(`the fake cannot hold a packet against ${name}`);
      };
  }
}

function compileMark(value: string, module: string | undefined): Holds {
  const [wanted, mask = 0xff_ff_ff_ff] = value.split('/').map(Number);
  const key = module === 'connmark' ? 'connmark' : 'mark';
  return (packet) => (packet[key] & mask) === wanted;
}

function isInSet(
  kernel: FakeKernel,
  packet: FakePacket,
  { set, ends }: { readonly set: string; readonly ends: readonly string[] },
): boolean {
  for (const member of kernel.matchable(set, packet.family)) if (isMember(packet, member, ends)) return true;
  return false;
}

/** A part of a member: a port (of any protocol in a bitmap), or a network. */
type Part =
  | { readonly protocol: string | undefined; readonly port: number }
  | { readonly protocol?: never; readonly port?: never; readonly network: string };

/** The parts of every member that was ever met. */
const members = new Map<string, readonly Part[]>();

function partsOf(member: string): readonly Part[] {
  const found = members.get(member);
  if (found !== undefined) return found;
  const parts = member.split(',').map((text): Part => {
    if (/^\d+$/.test(text)) return { protocol: undefined, port: Number(text) };
    const [, protocol, port] = /^(tcp|udp|sctp):(\d+)$/.exec(text) ?? [];
    return port === undefined ? { network: text } : { protocol, port: Number(port) };
  });
  members.set(member, parts);
  return parts;
}

/** Each part of a member is a port or a network, at the packet's end that the rule says. */
function isMember(packet: FakePacket, member: string, ends: readonly string[]): boolean {
  return partsOf(member).every((part, index) => {
    const isSource = ends[index] === 'src';
    if (part.port === undefined) return isIn(isSource ? packet.source : packet.destination, part.network);
    if (part.port !== (isSource ? packet.sourcePort : packet.port)) return false;
    return part.protocol === undefined || part.protocol === packet.protocol;
  });
}

function sameInterface(pattern: string, name: string | undefined): boolean {
  if (name === undefined) return false;
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** The same few addresses are held against the same few networks many thousand times: by network, then by address. */
const known = new Map<string, Map<string, boolean>>();

function isIn(address: string, network: string): boolean {
  const answers = known.get(network) ?? new Map<string, boolean>();
  if (answers.size === 0) known.set(network, answers);
  const answer = answers.get(address) ?? contains(network as Cidr, address);
  answers.set(address, answer);
  return answer;
}
