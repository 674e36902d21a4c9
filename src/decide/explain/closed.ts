import { familyOf } from '../net/network.ts';
import { hostPortsOf, includes } from '../net/port-run.ts';
import { shorten } from '../net/show.ts';
import { interfaceOf, isSourceWord } from '../net/source-word.ts';
import { sourceName } from '../policy/config.ts';
import { missingInterface } from '../policy/interface-notes.ts';
import type { PolicyMembers, PolicyPeers, Reach } from '../policy/model.ts';
import { opens } from '../policy/peers.ts';
import { isUnheld } from '../policy/unheld.ts';
import type { Circumstances } from './circumstances.ts';
import { plainGroup } from './members.ts';
import type { Hint, Moment } from './model.ts';

/** Why nothing lets this source in to a port that is published. */
export function whyClosed(around: Circumstances): readonly Hint[] {
  const { door, asked } = around;
  if (door === undefined) return [];
  const claims = severalClaims(around);
  const { allow } = door.port.reach;
  if (allow.length === 0 && claims.length === 0) return [nothingOpens(around)];
  return [
    ...silentSources(around),
    ...onlyOtherFamily(around),
    ...sharedSpace(around),
    ...noInterface(around),
    ...claims,
    ...(allow.length === 0 ? [] : [noMember(door.port.reach, asked.packet.source)]),
  ];
}

function nothingOpens({ door, moment }: Circumstances): Hint {
  const name = shorten(door?.service.name ?? '');
  const labels = moment.inventory.containers.find(({ id }) => id === door?.service.containerId)?.labels ?? {};
  const speaks = Object.keys(labels).some((label) => /^dockwall\.(public$|allow$|allow\.)/u.test(label));
  const opensAny = door?.service.ports.some(({ reach }) => opens(reach));
  const { entry } = door?.service ?? {};
  if (entry !== undefined)
    return {
      kind: 'no labels',
      text: `services.${shorten(entry)} in the configuration speaks for ${name}, and neither it nor a label opens this port: only the trusted reach it`,
    };
  if (speaks || opensAny === true)
    return {
      kind: 'no labels',
      text: `no label of ${name} opens this port: only the trusted reach it; open it with dockwall.public or dockwall.allow.${door?.port.hostPort ?? 'PORT'}`,
    };
  return {
    kind: 'no labels',
    text: `${name} has no dockwall.public or dockwall.allow label (was it recreated without?): only the trusted reach it`,
  };
}

/** Names and lists that somebody waits for. */
function silentSources({ door, live, moment }: Circumstances): readonly Hint[] {
  const groups = groupsOf(door?.port.reach, live.trusted);
  const lists: readonly (readonly [string, PolicyMembers])[] = [
    ['trusted', live.trusted],
    ...groups.flatMap((name) => {
      const members = live.groups.get(name);
      return members === undefined ? [] : [[name, members] as const];
    }),
  ];
  return lists.flatMap(([name, { origins, ipsets }]) => [
    ...missingSets(name, ipsets, moment),
    ...origins.flatMap(({ source, networks }): readonly Hint[] => {
      if (source === undefined || networks.length > 0) return [];
      const what = shorten(sourceName(source), 100);
      const how =
        source.kind === 'name' ? 'does not resolve: no address is known for it' : 'has not been read yet';
      return [
        { kind: 'no answer', text: `${inList(what, name)} ${how}, so it lets nobody in; see dockwall check` },
      ];
    }),
  ]);
}

function missingSets(list: string, ipsets: readonly string[], { kernel }: Moment): readonly Hint[] {
  if (kernel === undefined) return [];
  return ipsets
    .filter((name) => !kernel.foreign.has(name))
    .map((name) => ({
      kind: 'no answer',
      text: `${inList(`ipset:${shorten(name)}`, list)} is not there, so it lets nobody in; see dockwall doctor`,
    }));
}

/** A source, and the list that it is in; a label that names the source itself has a list of the same name. */
function inList(source: string, list: string): string {
  return source === list ? source : `${source} (in ${list})`;
}

type Groups = readonly PolicyPeers['groups'][number][];

function groupsOf(reach: Reach | undefined, trusted: PolicyPeers): Groups {
  const named = (reach?.allow ?? []).flatMap(({ peer }) => (peer.kind === 'group' ? [peer.name] : []));
  return [...new Set([...named, ...trusted.groups])];
}

/** A client that speaks IPv6 where IPv4 networks are listed, or the other way round. */
function onlyOtherFamily({ door, asked, live }: Circumstances): readonly Hint[] {
  const family = familyOf(asked.packet.source);
  const rules = door?.port.reach.allow ?? [];
  const networks = rules.flatMap(({ peer }) =>
    peer.kind === 'network' ? [peer.network] : (live.groups.get(peer.name)?.networks ?? []),
  );
  if (networks.length === 0 || networks.some((network) => familyOf(network) === family)) return [];
  const names = allowedWords({ everyone: undefined, allow: rules, deny: [] });
  return [
    {
      kind: 'other family',
      text: `${asked.packet.source} is an IPv${family} address, and ${names} has only IPv${family === 4 ? 6 : 4} ones: add the client's IPv${family} network`,
    },
  ];
}

/** RFC 6598: 100.64.0.0/10. Tailscale gives its peers IPv4 addresses from it; it is private only in name. */
const sharedAddress = /^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./u;

/** Who allows `private` or `connected` and means the peers of a VPN too. */
function sharedSpace({ door, asked, moment }: Circumstances): readonly Hint[] {
  const { source } = asked.packet;
  const named = (door?.port.reach.allow ?? []).flatMap(({ peer }) =>
    peer.kind === 'group' && ['private', 'connected'].includes(peer.name) ? [peer.name] : [],
  );
  const [name] = named;
  if (name === undefined || !sharedAddress.test(source)) return [];
  const tunnel = moment.inventory.interfaces.find((one) => one.name.startsWith('tailscale'))?.name;
  return [
    {
      kind: 'no member',
      text: `${source} is in 100.64.0.0/10, which Tailscale and some providers use and \`${name}\` does not hold: allow interface:${tunnel ?? 'tailscale0'} for Tailscale's peers`,
    },
  ];
}

/** It may be a slip, or come up later. */
function noInterface({ door, moment }: Circumstances): readonly Hint[] {
  const here = moment.inventory.interfaces.map(({ name }) => name);
  const named = (door?.port.reach.allow ?? []).flatMap(({ peer }) =>
    peer.kind === 'group' ? (interfaceOf(peer.name) ?? []) : [],
  );
  return [...new Set(named)].flatMap((name) => {
    const missing = missingInterface(name, here);
    return missing === undefined ? [] : [{ kind: 'no interface', text: missing.text }];
  });
}

/** Of containers that claim one port only one can run; it is opened as far as they agree. */
function severalClaims({ door, asked, moment }: Circumstances): readonly Hint[] {
  const { packet } = asked;
  const others = moment.policy.services.filter(
    (service) =>
      service.containerId !== door?.service.containerId &&
      service.ports.some(
        (port) =>
          packet.towards === 'host' &&
          !isUnheld(service, port) &&
          includes(hostPortsOf(port), packet.port) &&
          port.protocol === packet.protocol &&
          port.family === familyOf(packet.source) &&
          (port.address === 'any' || door?.port.address === 'any' || port.address === door?.port.address),
      ),
  );
  return others.map(({ name, active }) => ({
    kind: 'several claims',
    text: `${shorten(name)}${active ? '' : ' (stopped)'} publishes this port as well: it is opened as the running one says, and where none runs only as far as all of them say`,
  }));
}

function noMember(reach: Reach, source: string): Hint {
  const group = reach.allow.flatMap(({ peer }) =>
    peer.kind === 'group' && !isSourceWord(peer.name) && !['private', 'connected'].includes(peer.name)
      ? [peer.name]
      : [],
  )[0];
  const open = `open to ${allowedWords(reach)} and the trusted, and ${source} is in none of these`;
  const grant =
    group === undefined
      ? ''
      : ` (or its grant has run out; for a while: dockwall grant ${group} ${source} --for 2h)`;
  return { kind: 'no member', text: open + grant };
}

function allowedWords({ allow }: Reach): string {
  const words = [
    ...new Set(allow.map(({ peer }) => (peer.kind === 'group' ? plainGroup(peer.name) : peer.network))),
  ];
  const shown = words.slice(0, 6).map((word) => shorten(word));
  return shown.join(', ') + (words.length > shown.length ? ', ...' : '');
}
