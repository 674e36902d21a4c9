import type { Backend, RuleChange, SetChange, TableChange } from '../../src/decide/diff/model.ts';
import type { Cidr, Family } from '../../src/decide/net/network.ts';
import type {
  ChainName,
  IpSet,
  Match,
  Rule,
  RuleId,
  SetName,
  TableName,
  Target,
} from '../../src/decide/wall/model.ts';

/** A rule by its id; it returns unless told otherwise. */
export function rule(
  id: string,
  matches: readonly Match[] = [],
  {
    target = { kind: 'return' },
    note = `about ${id}`,
  }: { readonly target?: Target; readonly note?: string } = {},
): Rule {
  return { id: id as RuleId, matches, target, note };
}

export const gate = 'DOCKWALL-GATE' as ChainName;
export const pass = 'DOCKWALL-PASS' as ChainName;

export function setName(family: Family, role: string): SetName {
  return `dockwall${family}-${role}` as SetName;
}

/** A set of each shape. `bound`: (destination, port, source); no `hash:net,port,net`, which some kernels lack. */
export function sampleSets(family: Family): readonly IpSet[] {
  const [host, network, half] =
    family === 4
      ? ['203.0.113.7', '198.51.100.0/24', '128.0.0.0/1']
      : ['2001:db8::7', '2001:db8:1::/48', '8000::/1'];
  const base = { family, effect: 'opens' } as const;
  return [
    {
      ...base,
      name: setName(family, 'src'),
      type: 'hash:net',
      expiring: true,
      members: [network, host].sort(),
    },
    {
      ...base,
      name: setName(family, 'ports'),
      type: 'hash:net,port',
      expiring: false,
      members: [`${half},tcp:443`, `${host},udp:53`, `${host},sctp:9`].sort(),
    },
    {
      ...base,
      name: setName(family, 'bound'),
      type: 'hash:ip,port,net',
      expiring: false,
      members: [`${host},tcp:443,${network}`, `${host},udp:53,${half}`].sort(),
    },
  ];
}

/** Every kind of match and target, and a chain that another jumps to. */
export function sampleGate(
  family: Family,
): readonly { readonly name: ChainName; readonly rules: readonly Rule[] }[] {
  const loopback = (family === 4 ? '127.0.0.0/8' : '::1') as Cidr;
  const host = (family === 4 ? '203.0.113.7' : '2001:db8::7') as Cidr;
  const sources: Match = { kind: 'set', set: setName(family, 'src'), fields: 'src', negated: false };
  const ports: Match = { kind: 'set', set: setName(family, 'ports'), fields: 'dst,dst', negated: true };
  const local: Match = { kind: 'destination-type', type: 'UNICAST' };
  const bound = {
    kind: 'set',
    set: setName(family, 'bound'),
    fields: 'dst,dst,src',
    negated: false,
  } as const;
  const pairs: Match = { kind: 'set', set: setName(family, 'ports'), fields: 'src,dst', negated: false };
  const answerers: Match = { ...pairs, fields: 'src,src' };
  return [
    {
      name: pass,
      rules: [
        rule('p1', [], { target: { kind: 'set-mark', bit: 0x40_0000 } }),
        rule('p2', [], { target: { kind: 'clear-mark', bit: 0x8000_0000 } }),
        rule('p3', [{ kind: 'connection-mark', bit: 0x80 }], {
          target: { kind: 'set-connection-mark', bit: 0x80 },
        }),
        rule('p4', [], { target: { kind: 'clear-connection-mark', bit: 0x80 } }),
        rule('p5', [{ kind: 'not-syn' }, answerers, { ...bound, fields: 'src,src,dst' }]),
        rule('p6', [bound], { target: { kind: 'forget-bound', set: setName(family, 'bound') } }),
      ],
    },
    {
      name: gate,
      rules: [
        rule('g1', [{ kind: 'reply-direction' }]),
        rule('g2', [
          { kind: 'icmp', family },
          { kind: 'state', states: 'RELATED' },
        ]),
        rule(
          'g3',
          [
            { kind: 'destination', network: loopback },
            { kind: 'in-interface', name: 'eth0' },
          ],
          {
            target: { kind: 'drop' },
          },
        ),
        rule('g4', [sources, local, ports], { target: { kind: 'jump', chain: pass } }),
        rule('g5', [{ kind: 'mark', bit: 0x40_0000, negated: true }], {
          target: { kind: 'goto', chain: pass },
        }),
        rule(
          'g6',
          [
            { kind: 'port', protocol: 'tcp', port: 80 },
            { kind: 'original-port', port: 8080 },
            { kind: 'source', network: host },
          ],
          {
            target: { kind: 'accept' },
          },
        ),
        rule('g7', [{ kind: 'port', protocol: 'sctp', port: 9 }]),
        rule('g8', [
          { kind: 'original-port', port: 53 },
          { kind: 'port', protocol: 'udp', port: 53 },
        ]),
        rule('g9', [
          { kind: 'state', states: 'RELATED,ESTABLISHED' },
          { kind: 'out-interface', name: 'br-0123456789ab' },
        ]),
        rule('g10', [{ kind: 'protocol', protocol: 'tcp' }, { kind: 'state', states: 'NEW' }, bound]),
        rule('g11', [pairs, { kind: 'destination', network: loopback, negated: true }]),
        rule('g12', [{ kind: 'destination-type', type: 'LOCAL,ANYCAST', negated: true }]),
      ],
    },
  ];
}

export function createSets(sets: readonly IpSet[]): readonly SetChange[] {
  return sets.flatMap(({ members, ...set }): SetChange[] => [
    { kind: 'create-set', set },
    ...(members === 'keep' ? [] : members).map(
      (member) => ({ kind: 'add-member', set: set.name, member }) as const,
    ),
  ]);
}

/** A chain made and filled. */
export function createChain(chain: string, rules: readonly Rule[]): readonly RuleChange[] {
  return [
    { kind: 'create-chain', chain },
    ...rules.map((rule, index) => ({ kind: 'insert-rule', chain, position: index + 1, rule }) as const),
  ];
}

export function inTable(
  side: { readonly family: Family; readonly backend: Backend },
  changes: readonly RuleChange[],
  table: TableName = 'mangle',
): TableChange {
  return { ...side, table, changes };
}

export const gateHook = rule('hook', [], { target: { kind: 'jump', chain: gate } });

/** The whole gate of one side, hook included. */
export function bootstrapGate(side: { readonly family: Family; readonly backend: Backend }): TableChange {
  return inTable(side, [
    ...sampleGate(side.family).flatMap(({ name, rules }) => createChain(name, rules)),
    { kind: 'hook', chain: 'PREROUTING', rule: gateHook },
  ]);
}

export const nothing = { sets: [], tables: [], destroy: [] } as const;
