import { addressBlock, blockAt, toCidr, widthOf } from '../net/block.ts';
import { contains } from '../net/merge-networks.ts';
import { includes } from '../net/port-run.ts';
import type { PortRange } from '../net/port.ts';
import type { Packet } from '../policy/verdict.ts';
import type { Match, Rule, SetName } from '../wall/model.ts';
import { chains } from '../wall/names.ts';

/** Rules and sets as they should be, or as they are: what a packet is sent through. */
export interface Layout {
  /** Undefined: there is no such chain. */
  readonly chain: (name: string) => readonly Rule[] | undefined;
  /** Undefined: there is no such set. */
  readonly isMember: (set: SetName, member: string) => boolean | undefined;
}

/** What became of a packet in one chain and those that it leads to. */
export interface Walked {
  dropped: boolean;
  marked: boolean;
  /** The rule that decided. */
  rule: { readonly chain: string; readonly rule: Rule } | undefined;
  /** Every chain that was entered. */
  readonly visited: Set<string>;
}

/** The first packet of a connection, between routing decisions: `out` once it is known where it leaves. */
export interface Walker {
  readonly packet: Packet;
  /** Every network that holds its source, and its destination: see {@link networksOf}. */
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly in: string;
  readonly out: string | undefined;
}

export function newWalk(): Walked {
  return { dropped: false, marked: false, rule: undefined, visited: new Set() };
}

/** These chains are the consequence of a decision; a rule in any other one is the decision. */
const consequences: ReadonlySet<string> = new Set([chains.pass, chains.blocked, chains.refuse]);

/**
 * Sends a packet through a chain as the kernel would. It knows what a match means, and nothing of what the rules are for: a
 * policy is judged in policy/verdict.ts only.
 */
export function walk(
  name: string,
  through: { readonly layout: Layout; readonly walker: Walker },
  walked: Walked,
): Walked {
  walked.visited.add(name);
  for (const rule of through.layout.chain(name) ?? []) {
    if (!rule.matches.every((match) => holds(match, through, walked))) continue;
    const { target } = rule;
    const decides = (): void => {
      if (!consequences.has(name)) walked.rule = { chain: name, rule };
    };
    switch (target.kind) {
      case 'drop':
        decides();
        walked.dropped = true;
        return walked;
      case 'accept':
      case 'return':
        decides();
        return walked;
      case 'goto':
        decides();
        return walk(target.chain, through, walked);
      case 'jump':
        walk(target.chain, through, walked);
        if (walked.dropped) return walked;
        break;
      case 'set-mark':
        walked.marked = true;
        break;
      case 'clear-mark':
        walked.marked = false;
        break;
      case 'set-connection-mark':
      case 'clear-connection-mark':
      case 'forget-bound':
      case 'remember-asker':
      case 'remember-question':
      case 'count':
        break;
    }
  }
  return walked;
}

function holds(
  match: Match,
  { layout, walker }: { readonly layout: Layout; readonly walker: Walker },
  { marked }: Walked,
): boolean {
  const { packet } = walker;
  switch (match.kind) {
    case 'in-interface':
      return match.name === walker.in;
    case 'out-interface':
      return match.name === walker.out;
    case 'out-docker-like':
      return walker.out?.startsWith('br-') === true;
    case 'bridged-container':
    case 'reply-direction':
    case 'icmp':
    case 'not-syn':
    case 'connection-mark':
      return false;
    case 'state':
      return match.states === 'NEW';
    case 'protocol':
      return match.protocol === packet.protocol;
    case 'source':
      return contains(match.network, packet.source);
    case 'destination':
      return contains(match.network, packet.destination) !== (match.negated === true);
    case 'destination-type':
      // UNICAST is asked of IPv4 only, where it means "not of this host"; see gate.ts
      return ((packet.towards === 'host') === match.type.startsWith('LOCAL')) !== (match.negated === true);
    case 'set':
      return isIn(match, layout, walker) !== match.negated;
    case 'port-set':
      return match.protocol === packet.protocol && layout.isMember(match.set, String(packet.port)) === true;
    case 'mark':
      return marked !== match.negated;
    case 'port':
      return match.protocol === packet.protocol && includes(portsOf(match), packet.port);
    case 'original-port':
      return includes(portsOf(match), packet.port);
  }
}

function portsOf({ port, to = port }: { readonly port: number; readonly to?: number }): PortRange {
  return { from: port, to };
}

/** Whether the packet is in a set: as the kernel does it, the narrowest network that holds it says so. */
export function isIn(
  { set, fields }: Pick<Extract<Match, { kind: 'set' }>, 'set' | 'fields'>,
  layout: Layout,
  walker: Walker,
): boolean {
  for (const member of membersFor(fields, walker)) {
    if (layout.isMember(set, `${member} nomatch`) === true) return false;
    if (layout.isMember(set, member) === true) return true;
  }
  return false;
}

/** Every member that would stand for this packet, the narrowest first. */
function membersFor(
  fields: Extract<Match, { kind: 'set' }>['fields'],
  { packet, sources, destinations }: Walker,
): readonly string[] {
  const port = `${packet.protocol}:${packet.port}`;
  switch (fields) {
    case 'src':
      return sources;
    case 'dst':
      return destinations;
    case 'dst,dst':
      return destinations.map((network) => `${network},${port}`);
    case 'src,dst':
      return sources.map((network) => `${network},${port}`);
    case 'dst,dst,src':
      return sources.map((network) => `${packet.destination},${port},${network}`);
    // of answers only
    case 'src,src':
    case 'src,src,dst':
      return [];
  }
}

/** The networks that hold an address, the narrowest first, spelt as `ipset save` does. A hash type holds no /0 (ipset(8)). */
export function networksOf(address: string): readonly string[] {
  const block = addressBlock(address);
  if (block === undefined) return [];
  const full = widthOf[block.family];
  return Array.from({ length: full }, (_, index) => toCidr(blockAt(block.family, block.start, full - index)));
}
