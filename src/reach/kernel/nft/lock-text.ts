import type { LockStrength, ObservedLock } from '../../../decide/diff/model.ts';
import { families, type Family } from '../../../decide/net/network.ts';
import { joinMembers } from '../../../decide/net/port-members.ts';
import { type Protocol, protocols } from '../../../decide/net/port.ts';
import { everywhere, lockTable } from '../../../decide/wall/lock.ts';
import type { Lock } from '../../../decide/wall/model.ts';

const table = `inet ${lockTable}`;

/** What nft calls the two families. */
const ip: Readonly<Record<Family, 'ip' | 'ip6'>> = { 4: 'ip', 6: 'ip6' };
const multicast6 = 'ff00::/8';

const flags: Readonly<Record<LockStrength, string>> = {
  persist: ' { flags owner, persist; }',
  owner: ' { flags owner; }',
  plain: '',
};

/** Behind the gate, and before Docker's DNAT (-100): `mangle` is at -150 in both of iptables' backends. */
const priority = -149;

const chains = [
  { name: 'asked', hook: 'prerouting' },
  { name: 'forwarded', hook: 'forward' },
] as const;

/** Ports on every address, one set each: an interval set of ports takes 32,768 in 0.35 s, one with addresses in 17 (measured: nft 1.1.3, Linux 6.18). */
const portSet = (family: Family, protocol: Protocol): string => `${ip[family]}-${protocol}`;
/** Ports on one address. */
const boundSet = (family: Family): string => `${ip[family]}-bound`;

const sets: readonly (readonly [name: string, spec: string])[] = [
  ['interfaces', 'type ifname;'],
  ['bridges', 'type ifname;'],
  ...families.flatMap((family) => [
    ...protocols.map((one) => [portSet(family, one), 'type inet_service; flags interval;'] as const),
    [boundSet(family), `type ipv${family}_addr . inet_proto . inet_service; flags interval;`] as const,
  ]),
];

type RuleText = readonly [chain: (typeof chains)[number]['name'], text: string, note: string];

/** The mark comes first: what the gate has passed costs one test. The rest is in the order of the gate's own rules. */
function rules({ mark, side }: Pick<Lock, 'mark' | 'side'>): readonly RuleText[] {
  const bit = `0x${mark.toString(16)}`;
  const inside = `iifname ${side === 'inside' ? '@interfaces' : '!= @interfaces'} return`;
  const passed = `meta mark & ${bit} == ${bit} return`;
  const ports = (family: Family): readonly RuleText[] => [
    ...protocols.map((one): RuleText => [
      'asked',
      `meta nfproto ipv${family} ${one} dport @${portSet(family, one)} drop`,
      `${one}, published`,
    ]),
    [
      'asked',
      `${ip[family]} daddr . meta l4proto . th dport @${boundSet(family)} drop`,
      'published on this address',
    ],
  ];
  return [
    ['asked', passed, `passed the gate: ${bit}`],
    ['asked', inside, side],
    ['asked', 'ct direction reply return', 'answers'],
    ['asked', 'meta nfproto ipv4 fib daddr type unicast return', 'not for this host'],
    ['asked', `ip6 daddr != ${multicast6} fib daddr type != { local, anycast } return`, 'not for this host'],
    ...families.flatMap(ports),
    ['forwarded', passed, `passed the gate: ${bit}`],
    ['forwarded', 'ct direction reply return', 'answers'],
    ['forwarded', 'meta l4proto { icmp, ipv6-icmp } ct state related return', 'ICMP errors'],
    ['forwarded', inside, side],
    ['forwarded', 'oifname @bridges drop', 'to a bridge of Docker'],
  ];
}

/**
 * One line for nft, which is one transaction: nobody sees it half done. `lock` undefined: the table stays, and drops nothing. Nothing in it is
 * a text of anybody else's: addresses, numbers, and names of interfaces that are plain (see `isPlainInterface`).
 * @param anew what stands under the name is removed in the same step.
 */
export function lockText(lock: Lock | undefined, strength: LockStrength, anew: boolean): string {
  return [
    ...(anew ? [`delete table ${table}`] : []),
    `add table ${table}${flags[strength]}`,
    ...sets.flatMap(([name, spec]) => [`add set ${table} ${name} { ${spec} }`, `flush set ${table} ${name}`]),
    ...chains.flatMap(({ name, hook }) => [
      `add chain ${table} ${name} { type filter hook ${hook} priority ${priority}; policy accept; }`,
      `flush chain ${table} ${name}`,
    ]),
    ...(lock === undefined ? [] : contents(lock)),
  ].join('; ');
}

export const removalText = `delete table ${table}`;
export const listing = ['list', 'table', 'inet', lockTable] as const;

function contents(lock: Lock): readonly string[] {
  const quoted = (names: readonly string[]): readonly string[] => names.map((name) => `"${name}"`);
  const elements = (set: string, all: readonly string[]): readonly string[] =>
    all.length === 0 ? [] : [`add element ${table} ${set} { ${all.join(', ')} }`];
  const ports = Map.groupBy(lock.ports.map(placeOf), ({ set }) => set);
  return [
    ...elements('interfaces', quoted(lock.interfaces)),
    ...elements('bridges', quoted(lock.bridges)),
    ...[...ports].flatMap(([set, places]) =>
      elements(
        set,
        places.map(({ element }) => element),
      ),
    ),
    ...rules(lock).map(([chain, text, note]) => `add rule ${table} ${chain} ${text} comment "${note}"`),
  ];
}

/** `0.0.0.0/0,tcp:80` as an element of a set. */
function placeOf(member: string): { readonly set: string; readonly element: string } {
  const [, address = '', protocol = '', ports = ''] = /^([^,]+),(\w+):([\d-]+)$/.exec(member) ?? [];
  const family: Family = address.includes(':') ? 6 : 4;
  return address === everywhere[family]
    ? { set: portSet(family, protocol as Protocol), element: ports }
    : { set: boundSet(family), element: `${address} . ${protocol} . ${ports}` };
}

/** Reads `nft list table inet dockwall-lock` (nft 1.0.6 to 1.1.7; the JSON of 1.0.6 ends in the middle where a table has an owner). */
export function parseLock(text: string): Extract<ObservedLock, { kind: 'stands' }> {
  const flagged = new Set(/^\tflags (\S+)$/m.exec(text)?.[1]?.split(','));
  const strength = flagged.has('persist') ? 'persist' : flagged.has('owner') ? 'owner' : 'plain';
  return { kind: 'stands', lock: readLock(text), strength };
}

/** The parts of a table of one kind, by name. */
function blocks(text: string, kind: 'set' | 'chain'): readonly (readonly [name: string, body: string])[] {
  const found = text.matchAll(new RegExp(`^\\t${kind} (\\S+) \\{\\n(.*?)^\\t\\}$`, 'gms'));
  return [...found].map(([, name = '', body = '']) => [name, body]);
}

function readLock(text: string): Lock | undefined {
  const held = new Map(
    blocks(text, 'set').map(([name, body]) => {
      const elements = /elements = \{([^}]*)\}/.exec(body)?.[1] ?? '';
      return [name, elements.split(',').flatMap((one) => one.trim() || [])];
    }),
  );
  const seen = blocks(text, 'chain').flatMap(([chain, body]) =>
    body
      .split('\n')
      .slice(1)
      .flatMap((line) => (line === '' ? [] : [`${chain} ${/ comment "([^"]*)"$/.exec(line)?.[1]}`])),
  );
  const mark = Number(/^asked passed the gate: (0x[0-9a-f]+)$/.exec(seen[0] ?? '')?.[1]);
  const side = seen[1] === 'asked outside' ? 'outside' : 'inside';
  const expected = rules({ mark, side }).map(([chain, , note]) => `${chain} ${note}`);
  const known = sets.every(([name]) => held.has(name)) && held.size === sets.length;
  if (!known || seen.join('\n') !== expected.join('\n')) return undefined;
  const elements = (set: string): readonly string[] => held.get(set) ?? [];
  const names = (set: string): readonly string[] =>
    elements(set)
      .map((one) => one.replaceAll('"', ''))
      .sort();
  const ports = families.flatMap((family) => [
    ...protocols.flatMap((one) =>
      elements(portSet(family, one)).map((port) => `${everywhere[family]},${one}:${port}`),
    ),
    ...elements(boundSet(family)).map((one) => one.replace(' . ', ',').replace(' . ', ':')),
  ]);
  return {
    mark,
    side,
    interfaces: names('interfaces'),
    bridges: names('bridges'),
    ports: joinMembers(ports),
  };
}
