import type { Container, PublishedPort } from '../inventory/model.ts';
import { containerPortsOf, hostPortsOf, rangeText } from '../net/port-run.ts';
import { portsOf, type Speaker } from './declared.ts';
import { isSaidBy } from './entries.ts';
import type { OpenRule } from './labels.ts';
import type { Problem } from './model.ts';
import { unmatched } from './selection.ts';

/**
 * What a container's labels, or the entry of its very name, open and these ports are not. Ask only where the ports are known:
 * what Docker has not told yet is no mistake of the user's.
 */
export function unmatchedSelectors(speaker: Speaker, ports: readonly PublishedPort[]): readonly Problem[] {
  const { container, entry, rules } = speaker;
  const own = isForMany(speaker) ? rules.opens.filter(({ reason }) => !isSaidBy(entry, reason)) : rules.opens;
  const missing = unmatched(ports, own);
  if (missing.length === 0) return [];
  const hint = publishedHint(container, ports);
  return missing.map(({ selector, reason }) => ({
    container: container.name,
    ...reason,
    problem:
      selector.kind === 'every'
        ? 'this container publishes no port'
        : `port ${selector.text} is not published`,
    hint,
  }));
}

/** A hint names so many ports at most. */
const shownPorts = 12;

function publishedHint(container: Container, ports: readonly PublishedPort[]): string | undefined {
  if (container.networkMode.kind === 'host')
    return 'declare the ports of a host-network container with dockwall.ports';
  if (ports.length === 0 && container.swarmService !== undefined)
    return "ports in the swarm's mesh are opened under services: in the configuration, by the service's name, or (on managers) by labels of the service";
  const words = ports.map((port) => {
    const host = hostPortsOf(port);
    return `${host === undefined ? '' : `${rangeText(host)}->`}${rangeText(containerPortsOf(port))}/${port.protocol}`;
  });
  if (words.length === 0) return 'publish it with ports: in the compose file';
  const distinct = [...new Set(words)];
  const more = distinct.length > shownPorts ? ', ...' : '';
  return `published: ${distinct.slice(0, shownPorts).join(', ')}${more}`;
}

function isForMany({ entry }: Speaker): boolean {
  return entry?.match !== undefined;
}

/**
 * What an entry with `match` opens, and none of its containers has. That one of them has not is in order, so this closes nothing; it
 * is told once, of the first.
 */
export function unheldByAll(speakers: readonly Speaker[]): readonly Problem[] {
  const byEntry = Map.groupBy(speakers.filter(isForMany), ({ entry }) => entry?.name);
  return [...byEntry.values()].flatMap((group) => {
    const [first, ...others] = group;
    if (first === undefined) return [];
    const missing = new Map(missingOf(first).map((rule) => [ruleKey(rule), rule]));
    for (const other of others) {
      if (missing.size === 0) break;
      const here = new Set(missingOf(other).map(ruleKey));
      for (const key of missing.keys()) if (!here.has(key)) missing.delete(key);
    }
    return Array.from(missing.values(), ({ selector, reason }) => {
      const what = selector.kind === 'every' ? 'a port' : `port ${selector.text}`;
      const problem = `no container of this entry publishes ${what}`;
      return { container: first.container.name, ...reason, problem, hint: undefined, partly: true as const };
    });
  });
}

/** Of a container whose ports Docker has not told: nothing. */
function missingOf(speaker: Speaker): readonly OpenRule[] {
  const { container, entry, rules } = speaker;
  if (!container.portsKnown) return [];
  return unmatched(
    portsOf(speaker),
    rules.opens.filter(({ reason }) => isSaidBy(entry, reason)),
  );
}

function ruleKey({ selector, reason }: OpenRule): string {
  return `${reason.label} ${selector.kind === 'every' ? '*' : selector.text}`;
}
