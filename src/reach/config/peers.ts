import type { z } from 'zod';
import { countryMeant, countryWord } from '../../decide/net/country.ts';
import { didYouMean } from '../../decide/net/did-you-mean.ts';
import { mergeNetworks } from '../../decide/net/merge-networks.ts';
import type { Cidr } from '../../decide/net/network.ts';
import { parseNetworks } from '../../decide/net/parse-networks.ts';
import { safeUrl } from '../../decide/net/safe-url.ts';
import { shorten, show } from '../../decide/net/show.ts';
import { parseSourceWord } from '../../decide/net/source-word.ts';
import {
  builtInGroups,
  type GroupName,
  type LiveSource,
  type Members,
  type Missing,
  missingWords,
  type PeerList,
  sourceKey,
} from '../../decide/policy/config.ts';
import { didYou, field, found, listField, mapField, refuse, type Parsed } from './field.ts';
import { listKinds, listsWritten, parseList } from './list-source.ts';
import { isPlainMap, type PlainMap } from './plain.ts';
import { type JsonSchema, writtenAs } from './written.ts';

const groupName = /^[a-z0-9][a-z0-9_-]*$/u;
const longestName = 40;

const sourceText: JsonSchema = { type: 'string', pattern: '[^\\s]' };

const setWritten: JsonSchema = {
  type: 'object',
  properties: {
    ipset: { type: 'string', description: 'Who is in that ipset, which something else keeps.' },
    missing: { enum: [...missingWords], description: 'What it is that the set does not exist.' },
  },
  required: ['ipset'],
  additionalProperties: false,
};

/** What `$ref` of sources means. */
export const sourceParts: Readonly<Record<string, JsonSchema>> = {
  ...Object.fromEntries(listsWritten),
  ipset: setWritten,
};

const elsewhere: readonly JsonSchema[] = Object.keys(sourceParts).map((name) => ({
  $ref: `#/$defs/${name}`,
}));

/** For an editor: one entry of a list of sources. */
const anySource: JsonSchema = { anyOf: [sourceText, ...elsewhere] };

function peerWritten(key: PeersKey): JsonSchema {
  const text: JsonSchema = { ...sourceText, not: { pattern: '^\\s*[Aa][Nn][Yy]\\s*$' } };
  return key === 'labels.sources' ? text : { anyOf: [text, ...elsewhere] };
}

/** One entry of a list of sources. */
type Member =
  | { readonly kind: 'networks'; readonly networks: readonly Cidr[] }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'ipset'; readonly name: string; readonly missing?: Missing }
  | { readonly kind: 'sources'; readonly sources: readonly LiveSource[] }
  | { readonly kind: 'group'; readonly name: GroupName };

/** `groups`: names to their members. */
export function groupsField(): z.ZodType<ReadonlyMap<GroupName, Members>> {
  const member = writtenAs(field(parseMember), () => anySource);
  return mapField(parseGroupName, listField(member).transform(gather), {
    pattern: groupName.source,
    maxLength: longestName,
    not: { enum: [...builtInGroups] },
  });
}

function gather(members: readonly Member[]): Members {
  const named = (kind: 'interface' | 'ipset'): readonly string[] =>
    [...new Set(members.flatMap((member) => (member.kind === kind ? [member.name] : [])))].toSorted();
  const sources = members
    .flatMap((member) => (member.kind === 'sources' ? member.sources : []))
    .map((source) => [sourceKey(source), source] as const);
  const missing = members.flatMap((member) =>
    member.kind === 'ipset' && member.missing !== undefined ? [[member.name, member.missing] as const] : [],
  );
  return {
    ...(missing.length === 0 ? {} : { missing: Object.fromEntries(missing) }),
    networks: mergeNetworks(members.flatMap((member) => (member.kind === 'networks' ? member.networks : []))),
    interfaces: named('interface'),
    ipsets: named('ipset'),
    sources: [...new Map(sources).values()],
  };
}

function parseMember(input: unknown): Parsed<Member> {
  const member = parseKnown(input);
  if (member !== undefined) return member;
  const text = String(input).trim();
  if (isGroupName(text))
    return refuse(
      `${show(text)} is not an address, and a group cannot hold another group: write addresses or CIDRs`,
    );
  return parseText(text);
}

type PeersKey = 'trusted' | 'deny' | 'labels.sources';

/** Sources, and names of these groups; undefined when the groups could not be read. */
export function peersField(key: PeersKey, groups: readonly string[] | undefined): z.ZodType<PeerList> {
  const read = field((input) => parsePeer(input, key, groups));
  const entry = writtenAs(read, () => peerWritten(key));
  return listField(entry).transform((peers) => ({
    ...gather(peers),
    groups: [...new Set(peers.flatMap((peer) => (peer.kind === 'group' ? [peer.name] : [])))].toSorted(),
  }));
}

function parsePeer(input: unknown, key: PeersKey, groups: readonly string[] | undefined): Parsed<Member> {
  if (key === 'labels.sources' && isList(input))
    return refuse(
      'a label cannot name a list: put it into a group under `groups`, and write the name of the group',
    );
  const member = parseKnown(input);
  if (key === 'labels.sources' && member?.ok === true && member.value.kind === 'ipset')
    return refuse(
      'a label cannot name an external set: put it into a group under `groups`, and write the name of the group',
    );
  if (member !== undefined) return member;
  const text = String(input).trim();
  if (text.toLowerCase() === 'any') return refuse(anyProblem(key, 'any'));
  const names = [...new Set([...(groups ?? []), 'private', 'connected'])];
  if (names.includes(text) || (groups === undefined && isGroupName(text))) {
    return { ok: true, value: { kind: 'group', name: text as GroupName } };
  }
  const near = didYouMean(text, names);
  if (near === undefined && !isGroupName(text)) return parseText(text);
  return refuse(
    `${show(text)} is neither an address nor a group: the groups are ${names.map((name) => shorten(name)).join(', ')}`,
    didYou(near),
  );
}

function isList(input: unknown): boolean {
  if (isPlainMap(input)) return listKinds.some((kind) => Object.hasOwn(input, kind));
  return typeof input === 'string' && countryWord(input) !== undefined;
}

/** Why everybody cannot be meant. @param word `any`, or the network that is the same in other words. */
export function anyProblem(key: PeersKey, word: string): string {
  switch (key) {
    case 'trusted':
      return `${show(word)} here would open every published port to everybody: write \`default: open\`, or the label \`dockwall.public=*\` on the containers that are meant`;
    case 'deny':
      return `${show(word)} here would refuse everybody, the trusted sources too: leave \`deny\` empty, unlabelled ports are closed without it`;
    case 'labels.sources':
      return `${show(word)} is not a source here: labels may open ports to everybody where \`public\` is among the \`keys\``;
  }
}

/** Everything but the names of groups; undefined for text that may be one, or is wrong. */
function parseKnown(input: unknown): Parsed<Member> | undefined {
  if (isPlainMap(input)) return parseMap(input);
  if (typeof input !== 'string')
    return refuse(`${found(input)} stands where an address, CIDR or range should`);
  const parsed = parseNetworks(input);
  if (parsed.ok) return { ok: true, value: { kind: 'networks', networks: parsed.networks } };
  const country = countryWord(input);
  if (country !== undefined) return parseCountry(country);
  const word = parseSourceWord(input.trim());
  if (word === undefined) return undefined;
  if (!word.ok) return refuse(word.problem);
  const { kind, name } = word.word;
  return {
    ok: true,
    value: kind === 'name' ? { kind: 'sources', sources: [{ kind, name }] } : { kind, name },
  };
}

/** `country:DE`, which is `{country: DE}`. What is wrong in it is the whole word: there is no key to point at. */
function parseCountry(country: string): Parsed<Member> {
  const list = parseList('country', { country });
  return list.ok ? { ok: true, value: { kind: 'sources', sources: list.value } } : refuse(list.problem);
}

function parseMap(input: PlainMap): Parsed<Member> {
  const kind = listKinds.find((one) => Object.hasOwn(input, one));
  if (kind !== undefined) {
    const list = parseList(kind, input);
    return list.ok ? { ok: true, value: { kind: 'sources', sources: list.value } } : list;
  }
  const [key = '', ...more] = Object.keys(input);
  const value = input[key];
  // A member `2001:db8::` without quotes is, to YAML, the key `2001:db8:` with no value.
  if (more.length === 0 && value === null && key.includes(':'))
    return refuse(`put quotes around an address that ends with a colon: "${key}:"`);
  if (typeof input['ipset'] === 'string') return parseSet(input['ipset'], input);
  return refuse(
    'a map (keys with values) stands where an address should: write one address, CIDR or range in each entry, or a list as `{url: ...}`, `{file: ...}`, `{preset: ...}` or `{country: ...}`',
    didYou(didYouMean(key, listKinds)),
  );
}

/** `{ipset: NAME}`, with `missing` where it matters whether the set exists. */
function parseSet(name: string, { missing, ...more }: PlainMap): Parsed<Member> {
  const unknown = Object.keys(more).find((key) => key !== 'ipset');
  if (unknown !== undefined) {
    const problem = `${show(unknown)} is not a key of an external set: the keys are ipset, missing`;
    return {
      ...refuse(problem, didYou(didYouMean(unknown, ['missing']))),
      at: { key: unknown, part: 'key' },
    };
  }
  const set = parseKnown(`ipset:${name}`);
  if (set?.ok !== true) return set ?? refuse(`${show(name)} is not the name of an ipset`);
  if (missing === undefined || set.value.kind !== 'ipset') return set;
  const word = missingWords.find((known) => known === missing);
  if (word !== undefined) return { ok: true, value: { ...set.value, missing: word } };
  return {
    ...refuse(`${found(missing)} stands where one of ${missingWords.map(show).join(', ')} should`),
    at: { key: 'missing', part: 'value' },
  };
}

/** Text that is no source of any kind: the sentence of what it is most like. */
function parseText(text: string): Parsed<Member> {
  if (/^[a-z]+:\/\//iu.test(text)) return refuse(`a list is written \`{url: ${shorten(safeUrl(text))}}\``);
  const country = countryMeant(text);
  if (country !== undefined)
    return refuse(`${show(text)} is neither an address nor a group`, didYou(`country:${country}`));
  const parsed = parseNetworks(text);
  return refuse(parsed.ok ? `${show(text)} stands in the wrong place` : parsed.problem);
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
