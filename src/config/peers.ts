import type { z } from 'zod';
import { didYouMean } from '../net/did-you-mean.ts';
import { mergeNetworks } from '../net/merge-networks.ts';
import type { Cidr } from '../net/network.ts';
import { parseNetworks } from '../net/parse-networks.ts';
import { show } from '../net/show.ts';
import { didYou, field, found, listField, mapField, refuse, type Parsed } from './field.ts';
import { builtInGroups, type GroupName, type PeerList } from './model.ts';
import { isPlainMap } from './plain.ts';

const groupName = /^[a-z0-9][a-z0-9_-]*$/u;
const hostName =
  /^(?=.*[a-z])[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)*\.?$/iu;
const longestName = 40;

/** `groups`: names to networks. */
export function groupsField(): z.ZodType<ReadonlyMap<GroupName, readonly Cidr[]>> {
  const members = listField(field(parseMember)).transform((networks) => mergeNetworks(networks.flat()));
  return mapField(parseGroupName, members);
}

function parseMember(input: unknown): Parsed<readonly Cidr[]> {
  const networks = parseNetworksOf(input);
  if (networks !== undefined) return networks;
  const text = String(input).trim();
  if (isGroupName(text))
    return refuse(
      `${show(text)} is not an address, and a group cannot hold another group: write addresses or CIDRs`,
    );
  return parseText(text);
}

/** `trusted` or `deny`: networks, and names of these groups; undefined when the groups could not be read. */
export function peersField(
  key: 'trusted' | 'deny',
  groups: readonly string[] | undefined,
): z.ZodType<PeerList> {
  const entry = field((input) => parsePeer(input, key, groups));
  return listField(entry).transform((peers) => ({
    networks: mergeNetworks(peers.flatMap((peer) => (typeof peer === 'string' ? [] : peer))),
    groups: [...new Set(peers.filter((peer) => typeof peer === 'string'))].toSorted(),
  }));
}

function parsePeer(
  input: unknown,
  key: 'trusted' | 'deny',
  groups: readonly string[] | undefined,
): Parsed<GroupName | readonly Cidr[]> {
  const networks = parseNetworksOf(input);
  if (networks !== undefined) return networks;
  const text = String(input).trim();
  if (text.toLowerCase() === 'any') return refuse(anyProblem[key]);
  const names = [...new Set([...(groups ?? []), 'private', 'connected'])];
  if (names.includes(text) || (groups === undefined && isGroupName(text))) {
    return { ok: true, value: text as GroupName };
  }
  const near = didYouMean(text, names);
  if (near === undefined && !isGroupName(text)) return parseText(text);
  return refuse(
    `${show(text)} is neither an address nor a group: the groups are ${names.join(', ')}`,
    didYou(near),
  );
}

const anyProblem = {
  trusted:
    '`any` here would open every published port to everybody: write `default: open`, or the label `dockwall.public=*` on the containers that are meant',
  deny: '`any` here would refuse everybody, the trusted sources too: leave `deny` empty, unlabelled ports are closed without it',
};

/** Networks, a problem, or undefined for text that may be something else. */
function parseNetworksOf(input: unknown): Parsed<readonly Cidr[]> | undefined {
  if (isPlainMap(input)) return refuse(mapProblem(input));
  if (typeof input !== 'string')
    return refuse(`${found(input)} stands where an address, CIDR or range should`);
  const parsed = parseNetworks(input);
  return parsed.ok ? { ok: true, value: parsed.networks } : undefined;
}

/** A member `2001:db8::` without quotes is, to YAML, the key `2001:db8:` with no value. */
function mapProblem(input: Readonly<Record<string, unknown>>): string {
  const [key = '', ...more] = Object.keys(input);
  if (more.length === 0 && input[key] === null && key.includes(':'))
    return `put quotes around an address that ends with a colon: "${key}:"`;
  if (['url', 'file', 'ipset'].includes(key)) return unsupported(`\`${key}\` lists`);
  return 'a map (keys with values) stands where an address should: write one address, CIDR or range in each entry';
}

/** Text that is neither networks nor a group: the later kinds of members, or the parser's own sentence. */
function parseText(text: string): Parsed<readonly Cidr[]> {
  if (text.startsWith('interface:')) return refuse(unsupported('`interface:` members'));
  if (/^[a-z]+:\/\//iu.test(text)) return refuse(unsupported('lists from a URL'));
  if (hostName.test(text) && !/(?:^|\.)[\d.]+$/u.test(text)) return refuse(unsupported('DNS names'));
  const parsed = parseNetworks(text);
  return parsed.ok ? { ok: true, value: parsed.networks } : refuse(parsed.problem);
}

/** The one place to lift when members may be more than networks. */
function unsupported(kind: string): string {
  return `${kind} are not supported yet: write addresses or CIDRs`;
}

function isGroupName(text: string): boolean {
  return groupName.test(text) && !/^\d+$/u.test(text);
}

/** The name of a group that the configuration defines. */
function parseGroupName(text: string): Parsed<GroupName> {
  if (builtInGroups.some((name) => name === text))
    return refuse(`the group ${show(text)} is built in and cannot be defined: choose another name`);
  if (parseNetworks(text).ok)
    return refuse(`${show(text)} is an address, not a name: a group has a name and a list of addresses`);
  if (/^\d+$/u.test(text))
    return refuse(`${show(text)} could be taken for a number: give the group a name with a letter`);
  if (text.length > longestName)
    return refuse(`the group name ${show(text)} is longer than ${longestName} characters`);
  if (groupName.test(text)) return { ok: true, value: text as GroupName };
  const rule = 'a group name is lower-case letters, digits, `_` and `-`, and starts with a letter or digit';
  return refuse(
    `${show(text)} cannot name a group: ${rule}`,
    didYou(groupName.test(text.toLowerCase()) ? text.toLowerCase() : undefined),
  );
}
