import ipaddr from 'ipaddr.js';
import type { Family } from '../../src/net/network.ts';
import type { FakeKernel } from './fake-kernel.ts';
import type { FakeOption, FakeRule } from './fake-rule.ts';
import type { FakeTable } from './fake-tables.ts';

/** The first packet of a connection that somebody outside opens. */
export interface FakePacket {
  readonly family: Family;
  readonly from: string;
  readonly source: string;
  readonly destination: string;
  /** Whether the destination is the host's own: a published port, to be handed on by DNAT or by docker-proxy. */
  readonly local: boolean;
  readonly protocol: string;
  readonly port: number;
  /** The bridge that it leaves by, after DNAT; none for what docker-proxy or the host itself takes. */
  readonly to?: string;
}

/** Whether the `mangle` table lets the packet through: PREROUTING, then FORWARD or INPUT, in both backends. */
export function passesMangle(fake: FakeKernel, packet: FakePacket): boolean {
  const tables = fake.tablesNamed(packet.family, 'mangle');
  const walk = new Walk(fake, packet);
  const hooks = ['PREROUTING', packet.to === undefined ? 'INPUT' : 'FORWARD'];
  return hooks.every((hook) => tables.every((table) => walk.chain(table, hook) !== 'drop'));
}

type Verdict = 'accept' | 'drop' | 'return';

class Walk {
  private readonly fake: FakeKernel;
  private readonly packet: FakePacket;
  private mark = 0;
  /** -o is known after routing only. */
  private hook = '';

  constructor(fake: FakeKernel, packet: FakePacket) {
    this.fake = fake;
    this.packet = packet;
  }

  chain(table: FakeTable, name: string): Verdict {
    const chain = table.get(name);
    if (chain?.policy !== undefined) this.hook = name;
    for (const rule of chain?.rules ?? []) {
      if (!this.matches(rule)) continue;
      const verdict = this.target(table, rule);
      if (verdict !== undefined) return verdict;
    }
    return 'return';
  }

  private target(table: FakeTable, { target }: FakeRule): Verdict | undefined {
    if (target === undefined) return undefined;
    switch (target.name) {
      case 'ACCEPT':
        return 'accept';
      case 'DROP':
        return 'drop';
      case 'RETURN':
        return 'return';
      case 'MARK': {
        const [value = 0, mask = 0] = (target.options[0]?.values[0] ?? '').split('/').map(Number);
        this.mark = ((this.mark & ~mask) ^ value) >>> 0;
        return undefined;
      }
      case 'CONNMARK':
      case 'SET':
        return undefined;
      default: {
        const verdict = this.chain(table, target.name);
        // After a goto there is no way back into the chain that it was in.
        return verdict === 'return' && !target.goto ? undefined : verdict;
      }
    }
  }

  private matches({ base, matches }: FakeRule): boolean {
    const options = matches.flatMap(({ options }) => options);
    return [...base, ...options].every((option) => this.holds(option) !== option.negated);
  }

  private holds({ name, values: [value = '', fields = ''] }: FakeOption): boolean {
    const { packet } = this;
    switch (name) {
      case '-i':
        return isInterface(packet.from, value);
      case '-o':
        return this.hook === 'FORWARD' && isInterface(packet.to ?? '', value);
      case '-s':
        return isIn(packet.source, value);
      case '-d':
        return isIn(packet.destination, value);
      case '-p':
        return packet.protocol === value;
      case '--dport':
      case '--ctorigdstport':
        return packet.port === Number(value);
      case '--ctdir':
        return value === 'ORIGINAL';
      case '--ctstate':
        return value.split(',').includes('NEW');
      case '--dst-type':
        // IPv6's UNICAST is a class of addresses, a local one as well (xt_addrtype.c); see gate.ts
        return value.includes('LOCAL') ? packet.local : packet.family === 6 || !packet.local;
      case '--mark': {
        const [wanted = 0, mask = 0] = value.split('/').map(Number);
        return (this.mark & mask) >>> 0 === wanted;
      }
      case '--match-set':
        return this.fake.membersOf(value).some((member) => this.isMember(member, fields.split(',')));
      case '--comment':
      case '--tcp-flags':
        return true;
      default:
        throw new Error(`the fake packet knows no ${name}`);
    }
  }

  private isMember(member: string, fields: readonly string[]): boolean {
    return member.split(',').every((part, index) => {
      if (part.includes(':') && /^(?:tcp|udp|sctp):/.test(part))
        return part === `${this.packet.protocol}:${this.packet.port}`;
      return isIn(fields[index] === 'src' ? this.packet.source : this.packet.destination, part);
    });
  }
}

function isInterface(name: string, pattern: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** The same few addresses are held against the same few networks many thousand times. */
const known = new Map<string, boolean>();

function isIn(address: string, network: string): boolean {
  const key = `${address} ${network}`;
  let answer = known.get(key);
  if (answer === undefined) {
    const [base, length] = network.includes('/')
      ? ipaddr.parseCIDR(network)
      : ipaddr.parseCIDR(`${network}/${network.includes(':') ? 128 : 32}`);
    const one = ipaddr.parse(address);
    answer = one.kind() === base.kind() && one.match(base, length);
    known.set(key, answer);
  }
  return answer;
}
