import { missingJumps } from '../diff/docker-rules.ts';
import { markClashes } from '../diff/marks.ts';
import type { NftHook, ObservedRule, ObservedTable } from '../diff/model.ts';
import { familyOf } from '../net/network.ts';
import { shorten } from '../net/show.ts';
import type { Door, Packet } from '../policy/verdict.ts';
import { isOwnedChain } from '../wall/names.ts';
import type { Hint, Moment, Step, Stop } from './model.ts';
import { type Option, optionsOf, type Passing, takes } from './rule-of-others.ts';

/** What a packet that dockwall lets through meets of others: what iptables and nft hold beside our rules. */
export interface Road {
  readonly packet: Packet;
  readonly way: readonly Step[];
  readonly moment: Moment;
}

/** The order in which the kernel asks (netfilter_ipv4.h): each as table and chain of iptables. */
const arriving = [
  ['raw', 'PREROUTING'],
  ['mangle', 'PREROUTING'],
  ['nat', 'PREROUTING'],
] as const;
const forwarded = [
  ['mangle', 'FORWARD'],
  ['filter', 'FORWARD'],
  ['security', 'FORWARD'],
] as const;
const local = [
  ['mangle', 'INPUT'],
  ['filter', 'INPUT'],
  ['security', 'INPUT'],
] as const;

/** More than a few are one problem, and nobody reads them. */
const mostStops = 5;

/**
 * The rules of others that stop such a packet, or may. Empty where nothing is known of the kernel, or nobody stops it. What a rule
 * asks that cannot be told from here (marks, sets, a rate) makes it one that may.
 */
export function stopsOf(road: Road): readonly Stop[] {
  const { kernel } = road.moment;
  if (kernel === undefined) return [];
  const enters = entersBridge(road);
  // by which interface it leaves decides much: without it nothing is said
  if (enters === undefined || (enters !== 'host' && enters.bridge === undefined)) return [];
  const before = passingOf(road, undefined);
  const after = enters === 'host' ? before : passingOf(road, enters);
  const family = familyOf(road.packet.source);
  const tables = kernel.observed.tables.filter((table) => table.family === family);
  const ask = (places: readonly (readonly [string, string])[], passing: Passing): readonly Stop[] =>
    places.flatMap(([name, chain]) =>
      tables.filter(({ table }) => table === name).flatMap((table) => new Walk(table, passing).from(chain)),
    );
  const found = [
    ...ask(arriving, before),
    ...ask(enters === 'host' ? local : forwarded, after),
    ...nftStops(kernel.nft ?? [], { family, hook: enters === 'host' ? 'input' : 'forward' }),
  ];
  // what surely stops it says more than what may
  return found.toSorted((a, b) => Number(b.certain) - Number(a.certain)).slice(0, mostStops);
}

/**
 * What is missing of Docker's own on the way, as sentences with the remedy: the jumps into its chains, and the rule that sends
 * this port to the container. docker-proxy may still serve it, more slowly and with its own address as the source.
 */
export function missingOfDocker({ packet, way, moment }: Road, door: Door | undefined): readonly string[] {
  const { kernel } = moment;
  const family = familyOf(packet.source);
  if (kernel === undefined || door === undefined || packet.towards !== 'host') return [];
  const container = moment.inventory.containers.find(({ id }) => id === door.service.containerId);
  const bridged = door.service.endpoints.some(
    ({ address, routed }) => !routed && familyOf(address) === family,
  );
  if (container === undefined || !door.service.active || !bridged || packet.source.startsWith('fe80:'))
    return [];
  const writes = kernel.observed.tables.some(
    (one) => one.family === family && one.table === 'nat' && one.chains.has('DOCKER'),
  );
  const sent = way.some(({ kind }) => kind === 'DNAT');
  const missing = [
    ...missingJumps(kernel.observed, family),
    ...(writes && !sent
      ? [`Docker's own rule for ${packet.port}/${packet.protocol} is gone (nat DOCKER, IPv${family})`]
      : []),
  ];
  return missing.map((what) => `${what}: restart Docker, which writes its rules again`);
}

/** What others do with dockwall's bits of the marks, with which the gate tells the rest of the way what it lets through. */
export function clashesOf({ kernel, policy }: Moment): readonly Hint[] {
  if (kernel === undefined) return [];
  const { observed, marks = [] } = kernel;
  return markClashes({ observed, marks }, policy).map(({ text, advice }) => ({
    kind: 'marks of others',
    text: `${shorten(text, 300)}: ${advice}`,
  }));
}

interface Behind {
  readonly destination: string;
  readonly port: number;
  readonly bridge: string | undefined;
}

/** Where it goes after PREROUTING; undefined where that is not known. */
function entersBridge({ packet, way, moment }: Road): 'host' | Behind | undefined {
  for (const step of way) {
    if (step.kind === 'docker-proxy' || step.kind === 'host network' || step.kind === 'host') return 'host';
    if (step.kind === 'routed')
      return {
        destination: packet.destination,
        port: packet.port,
        bridge: bridgeOf(packet.destination, moment),
      };
    if (step.kind === 'DNAT' && step.to !== undefined) {
      const [, destination = '', port = ''] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(step.to) ?? [];
      return { destination, port: Number(port), bridge: bridgeOf(destination, moment) };
    }
  }
  return undefined;
}

function bridgeOf(address: string, { policy, inventory }: Moment): string | undefined {
  const endpoint = inventory.containers
    .flatMap(({ endpoints }) => endpoints)
    .find((one) => one.address === address);
  return policy.networks.find(({ id }) => id === endpoint?.networkId)?.bridge;
}

function passingOf({ packet, moment }: Road, behind: Behind | undefined): Passing {
  const { policy } = moment;
  const only = policy.external.kind === 'list' && policy.external.names.length === 1;
  return {
    protocol: packet.protocol,
    source: packet.source,
    destination: behind?.destination ?? packet.destination,
    port: behind?.port ?? packet.port,
    original: { destination: packet.destination, port: packet.port },
    in: packet.interface ?? (only && policy.external.kind === 'list' ? policy.external.names[0] : undefined),
    out: behind?.bridge,
    bridges: policy.inside,
  };
}

/** Every path of an answer goes by the same rules, of which Docker alone has two for each port. */
const known = new WeakMap<ObservedRule, readonly Option[]>();

function readOnce(rule: ObservedRule): readonly Option[] {
  const options = known.get(rule) ?? optionsOf(rule.spec);
  known.set(rule, options);
  return options;
}

type End = 'goes on' | 'ends';

/** One packet through one table of iptables, our own chains left out: they are proved elsewhere. */
class Walk {
  private readonly stops: Stop[] = [];
  private readonly table: ObservedTable;
  private readonly passing: Passing;
  /** A rule may have let it through before it comes here. */
  private sure = true;
  /** Chains that are being walked: the kernel has no loops, a text may. */
  private readonly open = new Set<string>();

  constructor(table: ObservedTable, passing: Passing) {
    this.table = table;
    this.passing = passing;
  }

  from(chain: string): readonly Stop[] {
    if (this.chain(chain, true) === 'goes on' && this.table.dropping?.has(chain) === true)
      this.stop(chain, 'policy DROP: no rule lets it through', { certain: true, does: 'drops' });
    return this.stops;
  }

  private chain(name: string, reached: boolean): End {
    if (this.open.has(name)) return 'goes on';
    this.open.add(name);
    let here = reached;
    let end: End = 'goes on';
    for (const rule of this.table.chains.get(name) ?? []) {
      const taken = rule.target === undefined ? 'no' : takes(readOnce(rule), this.passing);
      if (taken === 'no') continue;
      const next = this.apply(rule, { name, certain: here && taken === 'yes' });
      if (next === 'ends' || (next === 'returns' && here && taken === 'yes')) {
        end = next === 'ends' ? 'ends' : 'goes on';
        break;
      }
      if (next === 'returns') here = false;
    }
    this.open.delete(name);
    return end;
  }

  private apply(
    { target = '', spec }: ObservedRule,
    { name, certain }: { readonly name: string; readonly certain: boolean },
  ): End | 'returns' {
    const does = stopping.get(target);
    if (does !== undefined) {
      this.stop(name, spec, { certain, does });
      return certain ? 'ends' : 'goes on';
    }
    // Docker's own DNAT, and that of others, ends the table's chain
    if (target === 'ACCEPT' || target === 'DNAT') {
      if (!certain) this.sure = false;
      return certain ? 'ends' : 'goes on';
    }
    if (target === 'RETURN') return 'returns';
    if (isOwnedChain(target) || !this.table.chains.has(target)) return 'goes on';
    const end = this.chain(target, certain);
    if (end === 'ends') return 'ends';
    return / -g \S+$/.test(` ${spec}`) && certain ? 'returns' : 'goes on';
  }

  private stop(chain: string, rule: string, { certain, does }: Pick<Stop, 'certain' | 'does'>): void {
    const { table, family, backend } = this.table;
    const where = `${shorten(chain, 40)} (${table}, IPv${family}, ${backend})`;
    this.stops.push({ certain: certain && this.sure, does, where, rule: shorten(rule, 160) });
  }
}

const stopping: ReadonlyMap<string, Stop['does']> = new Map([
  ['DROP', 'drops'],
  ['REJECT', 'drops'],
  ['TARPIT', 'drops'],
  ['REDIRECT', 'takes'],
  ['TPROXY', 'takes'],
  ['NFQUEUE', 'takes'],
]);

function nftStops(
  hooks: readonly NftHook[],
  { family, hook }: { readonly family: 4 | 6; readonly hook: NftHook['hook'] },
): readonly Stop[] {
  return hooks
    .filter((one) => (one.hook === hook || one.hook === 'prerouting') && one.families.includes(family))
    .map((one) => ({
      certain: false,
      does: 'drops',
      where: `nftables, table ${shorten(one.table, 60)}, chain ${shorten(one.chain, 40)}`,
      rule: `hook ${one.hook}`,
    }));
}
