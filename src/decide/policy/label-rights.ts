import { isLoopback } from '../inventory/host-port.ts';
import type { Container, PublishedPort } from '../inventory/model.ts';
import { splitList } from '../net/list.ts';
import { coveredBy } from '../net/network-index.ts';
import { type Cidr, familyOf } from '../net/network.ts';
import { parseNetworks } from '../net/parse-networks.ts';
import { containerPortsOf, hostPortsOf, rangeText } from '../net/port-run.ts';
import { parsePortNumbers, type PortNumbers } from '../net/port-selector.ts';
import type { PortRange, Protocol } from '../net/port.ts';
import { shorten, show } from '../net/show.ts';
import { parseSourceWord } from '../net/source-word.ts';
import { type Config, type LabelRights, type LabelWord, labelWords, type PeerList } from './config.ts';
import type { Speaker } from './declared.ts';
import { choose, isSaidBy } from './entries.ts';
import { knownGroupNames } from './groups.ts';
import type { LabelRules } from './labels.ts';
import type { Problem, Reason, Service } from './model.ts';
import { isDoor } from './peers.ts';
import { selectAll } from './selection.ts';

/**
 * What `labels:` of the configuration lets containers say. What goes beyond it counts for nothing, and its container opens nothing, as
 * with every bad label. Labels that a `services:` entry replaces are not looked at.
 */

type Labels = Readonly<Record<string, string>>;

interface Heard {
  /** The labels that count, with what counts of their values. */
  readonly labels: Labels;
  /** What is wrong with the others: these close the container. */
  readonly problems: readonly Problem[];
  /** The same of a container without ports of its own: nothing to close. */
  readonly unheard: readonly Problem[];
}

/** Why a label, or a part of it, does not count. */
interface Refusal {
  /** What is left of its value; undefined: nothing. */
  readonly left?: string | undefined;
  readonly problem: string;
  readonly hint?: string;
}

/** A container's own labels, held against the configuration. The ports that they open are looked at in {@link forbiddenPorts}. */
export function hear(container: Container, entry: Labels, config: Config): Heard {
  const { labels: rights } = config;
  const own = Object.entries(container.labels).filter(([label]) => !(label in entry));
  if (isMute(container, config)) {
    const said = own.find(([label, value]) => wordOf(label) !== undefined && value.trim() !== '');
    const entry = choose(container, config.services).entry?.name;
    const unheard = [
      ...(said === undefined ? [] : [guestProblem(container, said, 'label')]),
      ...(entry === undefined ? [] : [guestProblem(container, ['services', entry], 'write the entry for')]),
    ];
    return { labels: {}, problems: [], unheard };
  }
  if (isEverything(rights)) return { labels: Object.fromEntries(own), problems: [], unheard: [] };
  const groups = knownGroupNames(config);
  const problems: Problem[] = [];
  const labels = own.flatMap(([label, value]): [string, string][] => {
    const refusal = refusalOf({ label, value }, rights, groups);
    if (refusal === undefined) return [[label, value]];
    const { left, problem, hint } = refusal;
    problems.push({ container: container.name, label, value, problem, hint });
    return left === undefined ? [] : [[label, left]];
  });
  return { labels: Object.fromEntries(labels), problems, unheard: [] };
}

/**
 * Whether it has no say at all: a container in another's network, where `guests` is off. Nor has an entry that means it by a name: that
 * anybody may give a container of theirs, and the ports are another's.
 */
export function isMute({ networkMode }: Container, { labels }: Config): boolean {
  return networkMode.kind === 'container' && labels.guests === 'off';
}

function isEverything({ keys, sources, ports }: LabelRights): boolean {
  return keys.length === labelWords.length && sources === undefined && ports === undefined;
}

/** What a container's labels say, when some of them do not count. */
export function withProblems(rules: LabelRules, problems: readonly Problem[]): LabelRules {
  if (problems.length === 0) return rules;
  const others = rules.problems.filter(({ label }) => !problems.some((one) => one.label === label));
  return { ...rules, opens: [], problems: [...problems, ...others] };
}

/**
 * Ports that labels open and may not, one problem a label. Nobody reaches a port that is bound to loopback: it is no question.
 * @param endpoints of the container that has the ports.
 */
export function forbiddenPorts(
  { container, entry, rules }: Speaker,
  { ports, endpoints }: Pick<Service, 'endpoints'> & { readonly ports: readonly PublishedPort[] },
  { ports: permitted }: LabelRights,
): readonly Problem[] {
  if (permitted === undefined) return [];
  const problems = new Map<string, Problem>();
  const own = rules.opens.filter(({ reason }) => !isSaidBy(entry, reason));
  for (const { port, rules: opening } of selectAll(ports, own)) {
    const range = outerPorts(port, endpoints).find((one) => !isPermitted(one, port.protocol, permitted));
    if (isLoopback(port) || range === undefined) continue;
    for (const { selector, reason } of opening) {
      if (problems.has(reason.label)) continue;
      problems.set(reason.label, {
        container: container.name,
        ...reason,
        problem: `${rangeText(range)}/${port.protocol} may not be opened by a label: ${inConfiguration('ports', portWords(permitted))}`,
        hint:
          selector.kind === 'every'
            ? 'name the ports that may be: dockwall.public=PORT, dockwall.allow.PORT'
            : undefined,
      });
    }
  }
  return [...problems.values()];
}

/** The ports that clients ask for: the host's, and the container's where Docker has not chosen one yet or its address is a door. */
function outerPorts(port: PublishedPort, endpoints: Service['endpoints']): readonly PortRange[] {
  const host = hostPortsOf(port);
  const isBehind = endpoints.some((one) => isDoor(one) && familyOf(one.address) === port.family);
  return [
    ...(host === undefined ? [] : [host]),
    ...(host === undefined || isBehind ? [containerPortsOf(port)] : []),
  ];
}

function refusalOf(reason: Reason, rights: LabelRights, groups: readonly string[]): Refusal | undefined {
  const word = wordOf(reason.label);
  // An empty value says nothing, and what is no label of ours is a mistake of its own.
  if (word === undefined || reason.value.trim() === '') return undefined;
  if (!rights.keys.includes(word))
    return { problem: `${show(word)} is not for labels: ${inConfiguration('keys', rights.keys)}` };
  if (word === 'allow' || word === 'deny') return refusedSources(reason, rights, groups);
  return word === 'ports' ? refusedPorts(reason.value, rights) : undefined;
}

/** `dockwall.allow.443` is `allow`; undefined for `description`, and for what is no label of ours. */
function wordOf(label: string): LabelWord | undefined {
  return labelWords.find(
    (word) => label === `dockwall.${word}` || (word === 'allow' && label.startsWith('dockwall.allow.')),
  );
}

function refusedSources(
  { label, value }: Reason,
  { keys, sources }: LabelRights,
  groups: readonly string[],
): Refusal | undefined {
  const words = splitList(value);
  const open = words.find((word) => isEverybody(word));
  if (wordOf(label) === 'allow' && open !== undefined && !keys.includes('public'))
    return {
      problem: `${show(open)} is everybody, and \`public\` is not for labels: ${inConfiguration('keys', keys)}`,
    };
  if (sources === undefined) return undefined;
  const mayName = namer(words, sources, groups);
  const first = words.find((word) => !mayName(word));
  if (first === undefined) return undefined;
  return {
    left: words.filter(mayName).join(','),
    problem: `${show(first)} is not for labels: ${inConfiguration('sources', sourceWords(sources))}`,
  };
}

function isEverybody(word: string): boolean {
  const parsed = parseNetworks(word);
  return word === 'any' || (parsed.ok && parsed.networks.some((network) => network.endsWith('/0')));
}

/** Tells of one of these words whether a label may name it; what is no source is a mistake of its own. Linear in the words. */
function namer(
  words: readonly string[],
  sources: PeerList,
  groups: readonly string[],
): (word: string) => boolean {
  const known = new Set(groups);
  const networksOf = (word: string): readonly Cidr[] => {
    const parsed = parseNetworks(word);
    return parsed.ok ? parsed.networks : [];
  };
  const inside = coveredBy(words.flatMap(networksOf), sources.networks);
  const listed: ReadonlySet<string> = new Set(sourceWords(sources));
  return (word) => {
    if (isEverybody(word)) return true;
    if (known.has(word)) return listed.has(word);
    const networks = networksOf(word);
    if (networks.length > 0) return networks.every((network) => inside.has(network));
    const source = parseSourceWord(word);
    return source?.ok !== true || listed.has(source.word.text);
  };
}

function refusedPorts(value: string, { ports: permitted }: LabelRights): Refusal | undefined {
  const parsed = parsePortNumbers(value);
  if (permitted === undefined || !parsed.ok) return undefined;
  const entries = splitList(value).flatMap((text) => {
    const one = parsePortNumbers(text);
    return one.ok ? one.ports.map((port) => ({ text, port })) : [];
  });
  const may = ({ port }: (typeof entries)[number]): boolean =>
    isPermitted(port.range, port.protocol, permitted);
  const first = entries.find((entry) => !may(entry));
  if (first === undefined) return undefined;
  const left = entries.filter(may).map(({ text }) => text);
  return {
    // An empty value would declare that there are no ports.
    left: left.length === 0 ? undefined : left.join(','),
    problem: `${show(first.text)} may not be declared by a label: ${inConfiguration('ports', portWords(permitted))}`,
  };
}

/** Whether every port of the range is permitted; without a protocol, for TCP and for UDP. */
function isPermitted(
  range: PortRange,
  protocol: Protocol | undefined,
  permitted: readonly PortNumbers[],
): boolean {
  return (protocol === undefined ? (['tcp', 'udp'] as const) : [protocol]).every((one) => {
    const ranges = permitted.filter((entry) => entry.protocol === undefined || entry.protocol === one);
    let next = range.from;
    for (const { range: held } of ranges.toSorted((a, b) => a.range.from - b.range.from))
      if (held.from <= next && held.to >= next) next = held.to + 1;
    return next > range.to;
  });
}

function guestProblem(
  { name }: Container,
  [label, value]: readonly [string, string],
  advice: 'label' | 'write the entry for',
): Problem {
  return {
    container: name,
    label,
    value,
    problem: `a container in another's network does not speak for its ports: \`labels.guests\` is \`off\` in the configuration`,
    hint: `${advice} the container whose network it is in`,
  };
}

/** The end of a sentence that says what the configuration has there. */
function inConfiguration(key: string, words: readonly string[]): string {
  const shown = words.slice(0, 6).map((word) => shorten(word, 30));
  const list = shown.length === 0 ? 'empty' : shown.join(', ') + (words.length > shown.length ? ', ...' : '');
  return `\`labels.${key}\` in the configuration is ${list}`;
}

function portWords(ports: readonly PortNumbers[]): readonly string[] {
  return ports.map(
    ({ range, protocol }) => rangeText(range) + (protocol === undefined ? '' : `/${protocol}`),
  );
}

function sourceWords({ groups, networks, interfaces, ipsets, sources }: PeerList): readonly string[] {
  return [
    ...groups,
    ...networks,
    ...sources.flatMap((source) => (source.kind === 'name' ? [source.name] : [])),
    ...interfaces.map((name) => `interface:${name}`),
    ...ipsets.map((name) => `ipset:${name}`),
  ];
}
