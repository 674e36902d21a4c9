import { contains } from '../../src/net/merge-networks.ts';
import type { Cidr, Family } from '../../src/net/network.ts';
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
      if (!this.matches(rule)) continue;
      const end = this.target(table, rule.target);
      if (end !== undefined) return end;
    }
    return 'return';
  }

  /** What the rule decides; undefined where the next one is looked at. */
  private target(table: FakeTable, target: FakeRule['target']): End | undefined {
    if (target === undefined) return undefined;
    const [value = 0, mask = 0] = (target.options[0]?.values[0] ?? '').split('/').map(Number);
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
        for (const { name, values } of target.options) if (name === '--del-set') this.forget(values);
        return undefined;
      default: {
        const end = this.chain(table, target.name);
        return end === 'return' && !target.goto ? undefined : end;
      }
    }
  }

  private matches({ base, matches }: FakeRule): boolean {
    return [
      ...base,
      ...matches.flatMap(({ module, options }) => options.map((option) => ({ ...option, module }))),
    ].every((option) => this.holds(option) !== option.negated);
  }

  private holds({ name, values, module }: FakeOption & { readonly module?: string }): boolean {
    const { packet } = this;
    const [value = '', more = ''] = values;
    const bits = (mark: number): boolean => {
      const [wanted, mask] = value.split('/').map(Number);
      return (mark & (mask ?? 0xff_ff_ff_ff)) === wanted;
    };
    switch (name) {
      case '-s':
        return isIn(packet.source, value);
      case '-d':
        return isIn(packet.destination, value);
      case '-i':
        return sameInterface(value, packet.in);
      case '-o':
        return sameInterface(value, packet.out);
      case '--physdev-in':
        return sameInterface(value, packet.bridgedFrom);
      case '--physdev-is-bridged':
        return packet.bridgedFrom !== undefined;
      case '-p':
        return value === packet.protocol;
      case '--comment':
        return true;
      case '--tcp-flags':
        return packet.protocol === 'tcp' && !(packet.inTheMiddle ?? packet.state !== 'NEW');
      case '--ctdir':
        return (value === 'REPLY') === (packet.reply === true);
      case '--ctstate':
        return value.split(',').includes(packet.state);
      case '--dst-type':
        return value.split(',').some((type) => packet.types.includes(type));
      case '--mark':
        return bits(module === 'connmark' ? packet.connmark : packet.mark);
      case '--match-set':
        return this.isInSet(value, more.split(','));
      default:
        throw new Error(`the fake cannot hold a packet against ${name}`);
    }
  }

  private forget([set = '', ends = '']: readonly string[]): void {
    const found = [...this.kernel.matchable(set, this.packet.family)];
    for (const member of found) if (this.isMember(member, ends.split(','))) this.kernel.forget(set, member);
  }

  private isInSet(set: string, ends: readonly string[]): boolean {
    for (const member of this.kernel.matchable(set, this.packet.family)) {
      if (this.isMember(member, ends)) return true;
    }
    return false;
  }

  /** Each part of a member is a port or a network, at the packet's end that the rule says. */
  private isMember(member: string, ends: readonly string[]): boolean {
    const { packet } = this;
    if (/^\d+$/.test(member)) return Number(member) === (ends[0] === 'src' ? packet.sourcePort : packet.port);
    if (ends.length === 1) return isIn(ends[0] === 'src' ? packet.source : packet.destination, member);
    return member.split(',').every((part, index) => {
      const [address, port] =
        ends[index] === 'src' ? [packet.source, packet.sourcePort] : [packet.destination, packet.port];
      const named = /^(tcp|udp|sctp):(\d+)$/.exec(part);
      return named === null ? isIn(address, part) : named[1] === packet.protocol && Number(named[2]) === port;
    });
  }
}

function sameInterface(pattern: string, name: string | undefined): boolean {
  if (name === undefined) return false;
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** The same few addresses are held against the same few networks many thousand times. */
const known = new Map<string, boolean>();

function isIn(address: string, network: string): boolean {
  const key = `${address} ${network}`;
  const answer = known.get(key) ?? contains(network as Cidr, address);
  known.set(key, answer);
  return answer;
}
