import { containerPortsOf, hostPortsOf, rangeText } from '../net/port-run.ts';
import { shorten } from '../net/show.ts';
import type { Peer, Policy, PolicyMembers, PolicyPeers, Reason, Service, ServicePort } from './model.ts';
import { asTold } from './peers.ts';

/** One thing that is other than before, for people: `opened 443/tcp of proxy to everybody (dockwall.public=https)`. */
export interface Change {
  readonly verb: 'opened' | 'closed' | 'denied' | 'allowed' | 'gone' | 'added' | 'removed';
  readonly text: string;
}

/** What one policy lets in, or keeps out, that the other did not, by port and by list of sources. */
export function describeChanges(before: Policy, after: Policy): readonly Change[] {
  return [...portChanges(before, after), ...memberChanges(before, after)];
}

/** Who reaches one port of one container, both families together: who, and the label that says so. */
interface Door {
  readonly words: string;
  readonly opened: ReadonlyMap<string, Reason>;
  readonly denied: ReadonlyMap<string, Reason>;
}

function portChanges(before: Policy, after: Policy): readonly Change[] {
  const [old, now] = [doorsOf(before), doorsOf(after)];
  const changed = [...now].flatMap(([key, door]) => doorChanges(old.get(key), door));
  const gone = [...old].filter(([key]) => !now.has(key));
  return [
    ...changed,
    ...gone.map(([, { words }]): Change => ({ verb: 'gone', text: `${words}: not published any more` })),
  ];
}

function doorChanges(old: Door | undefined, { words, opened, denied }: Door): readonly Change[] {
  const closed: Change = { verb: 'closed', text: `${words} to all but the trusted` };
  const lost = missing(old?.opened, opened);
  return [
    ...missing(opened, old?.opened).map(told('opened', words, 'to')),
    ...(opened.size === 0 && (old === undefined || old.opened.size > 0)
      ? [closed]
      : lost.map(told('closed', words, 'to'))),
    ...missing(denied, old?.denied).map(told('denied', words, 'to')),
    ...missing(old?.denied, denied).map(told('allowed', words, 'again to')),
  ];
}

function told(
  verb: Change['verb'],
  words: string,
  link: string,
): (entry: readonly [who: string, reason: Reason]) => Change {
  return ([who, { label, value }]) => {
    const reason = value === '' ? label : `${label}=${value}`;
    const because = verb === 'opened' || verb === 'denied' ? ` (${shorten(reason, 80)})` : '';
    return { verb, text: `${words} ${link} ${who}${because}` };
  };
}

/** Entries of `all` that `other` has not. */
function missing<V>(
  all: ReadonlyMap<string, V> | undefined,
  other: ReadonlyMap<string, V> | undefined,
): readonly (readonly [string, V])[] {
  return [...(all ?? [])].filter(([key]) => other?.has(key) !== true);
}

/** By what people call them, so that a container that is made anew is the same. */
function doorsOf({ services }: Policy): ReadonlyMap<string, Door> {
  const doors = new Map<
    string,
    { words: string; opened: Map<string, Reason>; denied: Map<string, Reason> }
  >();
  for (const service of services) {
    for (const port of service.ports.map(asTold)) {
      // Nothing from outside is meant for the first, the second is not ours now, and of the last Docker has yet to choose one.
      if (port.loopback || port.lapsed || port.oneOf === true) continue;
      const words = doorWords(service, port);
      const door = doors.get(words) ?? { words, opened: new Map(), denied: new Map() };
      doors.set(words, door);
      const { everyone, allow, deny } = port.reach;
      if (everyone !== undefined) door.opened.set('everybody', everyone);
      for (const { peer, reason } of allow) door.opened.set(peerWords(peer), reason);
      for (const { peer, reason } of deny) door.denied.set(peerWords(peer), reason);
    }
  }
  return doors;
}

/** While compose makes a container anew, the old or the new one is called `052fa44da99f_site-blog-1` for a moment (v1 and v2). */
function lastingName({ name, composeService }: Service): string {
  return composeService === undefined ? name : name.replace(/^[0-9a-f]{12}_/, '');
}

function doorWords(service: Service, port: ServicePort): string {
  const { address, protocol } = port;
  const bound = address === 'any' ? '' : address.includes(':') ? `[${address}]:` : `${address}:`;
  const range = hostPortsOf(port);
  const words =
    range === undefined ? `container port ${rangeText(containerPortsOf(port))}` : bound + rangeText(range);
  return `${words}/${protocol} of ${shorten(lastingName(service))}`;
}

function peerWords(peer: Peer): string {
  return peer.kind === 'group' ? shorten(peer.name) : peer.network;
}

function memberChanges(before: Policy, after: Policy): readonly Change[] {
  const lists = (policy: Policy): ReadonlyMap<string, PolicyMembers | PolicyPeers> =>
    new Map<string, PolicyMembers | PolicyPeers>([
      ['trusted', policy.trusted],
      ['deny', policy.deny],
      ...[...policy.groups].map(([name, members]) => [`group ${shorten(name)}`, members] as const),
    ]);
  const old = lists(before);
  // A group that comes or goes is told by the ports that it opens.
  return [...lists(after)].flatMap(([list, members]) => {
    const earlier = old.get(list);
    if (earlier === undefined || sameLists(earlier, members)) return [];
    const [was, is] = [namesIn(earlier), namesIn(members)];
    return [
      ...memberLine(
        'added',
        [...is].filter((one) => !was.has(one)),
        `to ${list}`,
      ),
      ...memberLine(
        'removed',
        [...was].filter((one) => !is.has(one)),
        `from ${list}`,
      ),
    ];
  });
}

/** Long lists are made anew only where they have changed, or at small cost. */
function sameLists(a: PolicyMembers | PolicyPeers, b: PolicyMembers | PolicyPeers): boolean {
  const parts = (one: PolicyMembers | PolicyPeers): readonly (readonly string[])[] => [
    one.networks,
    one.interfaces,
    one.ipsets,
    'groups' in one ? one.groups : [],
  ];
  const others = parts(b);
  return parts(a).every((list, index) => {
    const other = others[index] ?? [];
    return list === other || (list.length === other.length && list.every((entry, at) => entry === other[at]));
  });
}

const shownMembers = 5;

function memberLine(verb: 'added' | 'removed', members: readonly string[], where: string): readonly Change[] {
  if (members.length === 0) return [];
  const more = members.length - shownMembers;
  const list = members.slice(0, shownMembers).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return [{ verb, text: `${list} ${where}` }];
}

function namesIn(members: PolicyMembers | PolicyPeers): ReadonlySet<string> {
  return new Set([
    ...members.networks,
    ...members.interfaces.map((name) => `interface ${name}`),
    ...members.ipsets.map((name) => `ipset ${name}`),
    ...('groups' in members ? members.groups.map((name) => `group ${shorten(name)}`) : []),
  ]);
}
