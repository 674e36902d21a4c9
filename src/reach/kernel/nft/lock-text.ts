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

/**
 * Behind the gate that writes the mark, and before Docker's DNAT (-100): `mangle` is at -150 in both of iptables' backends. What is forwarded has
 * its mark already: it is asked for before rules of others in FORWARD write another one (a scheduler's classes).
 */
const chains = [
  { name: 'asked', hook: 'prerouting', priority: -149 },
  { name: 'forwarded', hook: 'forward', priority: -151 },
] as const;

type ChainName = (typeof chains)[number]['name'];
/** A rule as it is written: what it matches, the elements that it matches them against, what becomes of the packet, its comment. */
type RuleText = readonly [
  chain: ChainName,
  match: string,
  elements: readonly string[],
  verdict: string,
  note: string,
];

/**
 * The mark comes first: what the gate has passed costs one test. The rest is in the order of the gate's own rules. A rule without elements
 * is left out. Elements are written into the rules: a named set of a plain type, made by nft 1.1, is one that nft 1.0.6 (Debian 12) dies of
 * when it lists anything (seen: SIGSEGV), and whoever runs it on this host would suffer.
 */
function rules({ mark, connmark, side, interfaces, bridges, ports }: Lock): readonly RuleText[] {
  const [bit, refused] = [mark, connmark].map((one) => `0x${one.toString(16)}`);
  const quoted = (names: readonly string[]): readonly string[] => names.map((name) => `"${name}"`);
  const passed = [
    `meta mark & ${bit} == ${bit}`,
    [],
    'return',
    `passed the gate: ${bit}, refused: ${refused}`,
  ] as const;
  const replies = ['ct direction reply', [], 'return', 'answers'] as const;
  const notOurs = [`iifname${side === 'inside' ? '' : ' !='}`, quoted(interfaces), 'return', side] as const;
  const places = ports.map(placeOf);
  const elements = (note: string): readonly string[] =>
    places.flatMap((place) => (place.note === note ? [place.element] : []));
  const all: readonly RuleText[] = [
    ['asked', ...passed],
    ['asked', ...notOurs],
    ['asked', ...replies],
    ['asked', 'meta nfproto ipv4 fib daddr type unicast', [], 'return', 'not for this host'],
    [
      'asked',
      `ip6 daddr != ${multicast6} fib daddr type != { local, anycast }`,
      [],
      'return',
      'not for this host',
    ],
    ...families.flatMap((family) => [
      ...protocols.map((one): RuleText => {
        const note = portNote(family, one);
        return ['asked', `meta nfproto ipv${family} ${one} dport`, elements(note), 'drop', note];
      }),
      [
        'asked',
        `${ip[family]} daddr . meta l4proto . th dport`,
        elements(boundNote(family)),
        'drop',
        boundNote(family),
      ] as const,
    ]),
    ['forwarded', ...passed],
    ['forwarded', ...replies],
    ['forwarded', 'meta l4proto { icmp, ipv6-icmp } ct state related', [], 'return', 'ICMP errors'],
    ['forwarded', ...notOurs],
    // before the gate's own word there, so the connection remembers it as the gate would have it
    ['forwarded', 'oifname', quoted(bridges), `ct mark set ct mark or ${refused} drop`, bridgeNote],
  ];
  const filled = new Set<string>([bridgeNote, ...families.flatMap(portNotes)]);
  return all.filter(([, , one, , note]) => one.length > 0 || !filled.has(note));
}

const bridgeNote = 'to a bridge of Docker';
const portNote = (family: Family, protocol: Protocol): string => `published, ${protocol}, IPv${family}`;
const boundNote = (family: Family): string => `published on one address, IPv${family}`;
const portNotes = (family: Family): readonly string[] => [
  ...protocols.map((one) => portNote(family, one)),
  boundNote(family),
];

/** `0.0.0.0/0,tcp:80`: the rule that it belongs to, and as an element there. */
function placeOf(member: string): { readonly note: string; readonly element: string } {
  const [, address = '', protocol = '', ports = ''] = /^([^,]+),(\w+):([\d-]+)$/.exec(member) ?? [];
  const family: Family = address.includes(':') ? 6 : 4;
  return address === everywhere[family]
    ? { note: portNote(family, protocol as Protocol), element: ports }
    : { note: boundNote(family), element: `${address} . ${protocol} . ${ports}` };
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
    ...chains.flatMap(({ name, hook, priority }) => [
      `add chain ${table} ${name} { type filter hook ${hook} priority ${priority}; policy accept; }`,
      `flush chain ${table} ${name}`,
    ]),
    ...(lock === undefined ? [] : rules(lock)).map(
      ([chain, match, elements, verdict, note]) =>
        `add rule ${table} ${chain} ${match}${elements.length === 0 ? '' : ` { ${elements.join(', ')} }`} ${verdict} comment "${note}"`,
    ),
  ].join('; ');
}

export const removalText = `delete table ${table}`;
export const listing = ['list', 'table', 'inet', lockTable] as const;

/** Reads `nft list table inet dockwall-lock` (nft 1.0.6 to 1.1.7; the JSON of 1.0.6 ends in the middle where a table has an owner). */
export function parseLock(text: string): Extract<ObservedLock, { kind: 'stands' }> {
  const flagged = new Set(/^\tflags (\S+)$/m.exec(text)?.[1]?.split(','));
  const strength = flagged.has('persist') ? 'persist' : flagged.has('owner') ? 'owner' : 'plain';
  return { kind: 'stands', lock: readLock(text), strength };
}

interface Listed {
  readonly chain: string;
  readonly match: string;
  readonly note: string;
}

function readLock(text: string): Lock | undefined {
  // a set of any kind is none of ours
  if (/^\t(?:set|map|flowtable|counter) /m.test(text)) return undefined;
  const listed = [...text.matchAll(/^\tchain (\S+) \{\n(.*?)^\t\}$/gms)].flatMap(
    ([, chain = '', body = '']) =>
      body
        .split('\n')
        .slice(1)
        .flatMap((line): readonly Listed[] => {
          if (line === '') return [];
          const [, match = '', note = ''] =
            /^\t\t(.*?) (?:return|drop|ct mark set .* drop) comment "([^"]*)"$/.exec(line) ?? [];
          return [{ chain, match, note }];
        }),
  );
  const elements = (chain: ChainName, note: string, head: string): readonly string[] => {
    const match = listed.find((one) => one.chain === chain && one.note === note)?.match ?? '';
    if (!match.startsWith(`${head} `)) return [];
    const all = match.slice(head.length).replace(/^ !=/, '').replaceAll(/[{}"]/g, '');
    return all.split(',').map((one) => one.trim());
  };
  const [, mark, connmark] =
    /^passed the gate: (0x[0-9a-f]+), refused: (0x[0-9a-f]+)$/.exec(listed[0]?.note ?? '') ?? [];
  const side = listed[1]?.note === 'outside' ? 'outside' : 'inside';
  const ports = families.flatMap((family) => [
    ...protocols.flatMap((one) =>
      elements('asked', portNote(family, one), `meta nfproto ipv${family} ${one} dport`).map(
        (port) => `${everywhere[family]},${one}:${port}`,
      ),
    ),
    ...elements('asked', boundNote(family), `${ip[family]} daddr . meta l4proto . th dport`).map((one) =>
      one.replace(' . ', ',').replace(' . ', ':'),
    ),
  ]);
  const lock: Lock = {
    mark: Number(mark),
    connmark: Number(connmark),
    side,
    interfaces: [...elements('asked', side, 'iifname')].sort(),
    bridges: [...elements('forwarded', bridgeNote, 'oifname')].sort(),
    ports: joinMembers(ports),
  };
  const same = (parts: readonly string[]): string => parts.join('\n');
  const expected = rules(lock).map(([chain, , , , note]) => `${chain} ${note}`);
  return same(listed.map(({ chain, note }) => `${chain} ${note}`)) === same(expected) ? lock : undefined;
}
