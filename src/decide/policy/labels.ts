import { countryMeant } from '../net/country.ts';
import { didYouMean } from '../net/did-you-mean.ts';
import { splitList } from '../net/list.ts';
import { wholeFamily } from '../net/merge-networks.ts';
import type { Cidr } from '../net/network.ts';
import { parseNetworks } from '../net/parse-networks.ts';
import { type PortNumbers, parsePortNumbers, parsePortSelector } from '../net/port-selector.ts';
import type { PortSelector } from '../net/port.ts';
import { show } from '../net/show.ts';
import { parseSourceWord } from '../net/source-word.ts';
import type { GroupName } from './config.ts';
import { tooMany, toGroup } from './label-limits.ts';
import { limits } from './limits.ts';
import type { Peer, PeerRule, Problem, Reason } from './model.ts';

/** What one container's labels say, before they are held against the ports that it publishes. */
export interface LabelRules {
  /** False where nothing says who may come in: such a container follows `default`. */
  readonly speaks: boolean;
  readonly opens: readonly OpenRule[];
  readonly denies: readonly PeerRule[];
  readonly declared: readonly PortNumbers[];
  /** Whether `dockwall.ports` is there at all; its value may be empty. */
  readonly declares: boolean;
  readonly description: string;
  readonly problems: readonly Problem[];
}

/** These ports are open: to everyone where `peers` is `everyone`, else to these peers. */
export interface OpenRule {
  readonly selector: PortSelector;
  readonly peers: 'everyone' | readonly Peer[];
  readonly reason: Reason;
}

const keys = ['public', 'allow', 'deny', 'ports', 'description'];
const every: PortSelector = { kind: 'every' };

/** Collects rules and problems of one container. A value with any problem opens nothing. */
class Reader {
  readonly opens: OpenRule[] = [];
  readonly denies: PeerRule[] = [];
  readonly declared: PortNumbers[] = [];
  readonly problems: Problem[] = [];
  private readonly container: string;
  private readonly groups: readonly string[];
  private sources = 0;

  constructor(container: string, groups: readonly string[]) {
    this.container = container;
    this.groups = groups;
  }

  /** One problem a label: the first tells where to look, and the others are not thought about. */
  report(reason: Reason, problem: string, hint?: () => string | undefined): void {
    if (this.problems.some(({ label }) => label === reason.label)) return;
    this.problems.push({ container: this.container, ...reason, problem, hint: hint?.() });
  }

  read(label: string, value: string): void {
    const reason = { label, value };
    const key = label.slice('dockwall.'.length);
    if (!label.startsWith('dockwall.')) {
      this.report(reason, 'labels begin with "dockwall." in lower case', () => nearKey(label));
    } else if (key === 'public') {
      for (const selector of this.selectors(reason, value))
        this.opens.push({ selector, peers: 'everyone', reason });
    } else if (key === 'allow') {
      this.open(every, reason);
    } else if (key.startsWith('allow.')) {
      for (const selector of this.selectors(reason, key.slice('allow.'.length))) this.open(selector, reason);
    } else if (key === 'deny') {
      this.deny(reason);
    } else if (key === 'ports') {
      this.declarePorts(reason);
    } else if (key !== 'description') {
      this.report(reason, 'no such label', () => didYouMean(label, fullKeys));
    }
  }

  private open(selector: PortSelector, reason: Reason): void {
    const peers = this.peers(reason);
    if (peers === 'everyone' || peers.length > 0) this.opens.push({ selector, peers, reason });
  }

  private deny(reason: Reason): void {
    const peers = this.peers(reason);
    const everybody = peers === 'everyone' ? 'any' : wholeFamily(networksOf(peers));
    if (peers === 'everyone' || everybody !== undefined) {
      this.report(
        reason,
        `"${everybody}" cannot be denied: leave public and allow away to close a container`,
      );
      return;
    }
    this.denies.push(...peers.map((peer) => ({ peer, reason })));
  }

  /** An empty value declares that there are none: the sidecar's own image does. */
  private declarePorts(reason: Reason): void {
    if (reason.value.trim() === '') return;
    const parsed = parsePortNumbers(reason.value);
    if (!parsed.ok) this.report(reason, parsed.problem);
    else this.declared.push(...parsed.ports);
  }

  private selectors(reason: Reason, list: string): readonly PortSelector[] {
    return splitList(list).flatMap((word) => {
      const parsed = parsePortSelector(word);
      if (parsed.ok) return [parsed.selector];
      this.report(reason, parsed.problem);
      return [];
    });
  }

  private peers(reason: Reason): 'everyone' | readonly Peer[] {
    const peers = splitList(reason.value).flatMap((word) => this.peer(reason, word));
    if (peers.includes('everyone')) return 'everyone';
    const left = limits.sources - this.sources;
    this.sources += Math.min(left, peers.length);
    // A range may be very many networks.
    if (peers.length > left)
      this.report(reason, tooMany('sources', limits.sources - left + peers.length), () => toGroup);
    return peers.slice(0, left).flatMap((peer) => (peer === 'everyone' ? [] : [peer]));
  }

  private peer(reason: Reason, word: string): readonly ('everyone' | Peer)[] {
    if (word === 'any') return ['everyone'];
    if (this.groups.includes(word)) return [{ kind: 'group', name: word as GroupName }];
    const parsed = parseNetworks(word);
    if (parsed.ok) return parsed.networks.map((network) => ({ kind: 'network', network }));
    const source = parseSourceWord(word);
    const country = countryMeant(word);
    if (source?.ok === true && source.word.kind !== 'ipset')
      return [{ kind: 'group', name: source.word.text as GroupName }];
    if (source?.ok === true)
      this.report(
        reason,
        `a label cannot name an external set: ${show(word)}`,
        () => `name it in a group of the configuration, groups: {bans: ["${word}"]}, and the group here`,
      );
    else if (source !== undefined) this.report(reason, source.problem);
    else if (country !== undefined && !this.groups.includes(word.toLowerCase()))
      this.report(
        reason,
        `a label cannot name a country: ${show(word)}`,
        () =>
          `name it in a group of the configuration, groups: {${country.toLowerCase()}: ["country:${country}"]}, and the group here`,
      );
    else if (/[:/]|^[0-9]/.test(word)) this.report(reason, parsed.problem);
    else this.report(reason, `no group is named "${word}"`, () => didYouMean(word, this.groups));
    return [];
  }
}

function networksOf(peers: readonly Peer[]): readonly Cidr[] {
  return peers.flatMap((peer) => (peer.kind === 'network' ? [peer.network] : []));
}

/** `dockwall_allow_80` as `dockwall.allow.80`. */
function nearKey(label: string): string | undefined {
  const [, word, rest = ''] =
    /[._:/-](public|allow|deny|ports|description)(?:[._:/-](.*))?$/i.exec(label) ?? [];
  if (word === undefined) return didYouMean(label.toLowerCase(), fullKeys);
  const key = `dockwall.${word.toLowerCase()}`;
  return rest !== '' && key === 'dockwall.allow' ? `${key}.${rest}` : key;
}

const fullKeys = keys.map((key) => `dockwall.${key}`);

/**
 * Reads one container's labels.
 *
 * A bad label makes the whole container open nothing (`opens` is empty); what it denies still counts.
 * @param labels within the limits (see label-limits.ts).
 * @param groups every name that may stand for a source (see `knownGroupNames`).
 */
export function readLabels(
  container: string,
  labels: Readonly<Record<string, string>>,
  groups: readonly string[],
): LabelRules {
  const reader = new Reader(container, groups);
  for (const [label, value] of Object.entries(labels)) reader.read(label, value);
  return {
    speaks: Object.keys(labels).some((label) => /^dockwall\.(public$|allow$|allow\.)/.test(label)),
    opens: reader.problems.length === 0 ? reader.opens : [],
    denies: reader.denies,
    declared: reader.declared,
    declares: 'dockwall.ports' in labels,
    description: labels['dockwall.description'] ?? '',
    problems: reader.problems,
  };
}
