import { containerPortsOf, cut, hostPortsOf, overlap, type PortRun } from '../net/port-run.ts';
import type { PortRange, PortSelector, Protocol } from '../net/port.ts';

type Port = PortRun & { readonly protocol: Protocol };
type Numbered = Extract<PortSelector, { kind: 'ports' }>;

/** A selector held against what one container publishes: it is about host ports where one matches, else about container ports. */
interface Bound {
  readonly selector: Numbered;
  readonly rangeOf: (port: PortRun) => PortRange | undefined;
}

/** `8080:80` beside `80:3000`, label `80`: a host port matches, so the latter is meant. */
function bind(selector: Numbered, all: readonly Port[]): Bound {
  const byHost = { selector, rangeOf: hostPortsOf };
  return selector.scope === 'either' && all.some((port) => hits(byHost, port))
    ? byHost
    : { selector, rangeOf: containerPortsOf };
}

function hits({ selector: { range, protocol }, rangeOf }: Bound, port: Port): boolean {
  return (protocol === undefined || port.protocol === protocol) && overlap(rangeOf(port), range);
}

/** Where a run has to be cut for each piece to be meant as a whole, or not at all. */
function placesIn({ selector: { range }, rangeOf }: Bound, port: Port): readonly number[] {
  const own = rangeOf(port);
  if (own === undefined || own.from === own.to) return [];
  return [range.from - own.from, range.to + 1 - own.from];
}

/** The ports, or the parts of runs, that a selector means. */
export function selected<T extends Port>(selector: PortSelector, ports: readonly T[]): readonly T[] {
  if (selector.kind === 'every') return ports;
  const bound = bind(selector, ports);
  return ports
    .filter((port) => hits(bound, port))
    .flatMap((port) => cut(port, placesIn(bound, port)).filter((piece) => hits(bound, piece)));
}

/** The same for many rules at once: every port, cut where rules begin and end, with the rules that apply to it. */
export function selectAll<T extends Port, R extends { readonly selector: PortSelector }>(
  ports: readonly T[],
  rules: readonly R[],
): readonly { readonly port: T; readonly rules: readonly R[] }[] {
  const bounds = rules.map(({ selector }) => (selector.kind === 'every' ? undefined : bind(selector, ports)));
  return ports.flatMap((port) => {
    const applying = rules.flatMap((rule, index) => {
      const bound = bounds[index];
      return bound === undefined || hits(bound, port) ? [{ rule, bound }] : [];
    });
    const places = applying.flatMap(({ bound }) => (bound === undefined ? [] : placesIn(bound, port)));
    return cut(port, places).map((piece) => ({
      port: piece,
      rules: applying.flatMap(({ rule, bound }) => (bound === undefined || hits(bound, piece) ? [rule] : [])),
    }));
  });
}
