import { firstIndex } from '../net/first-index.ts';
import { containerPortsOf, cut, hostPortsOf, overlap, type PortRun } from '../net/port-run.ts';
import type { PortRange, PortSelector, Protocol } from '../net/port.ts';

type Port = PortRun & { readonly protocol: Protocol };
type Numbered = Extract<PortSelector, { kind: 'ports' }>;
type RangeOf = (port: PortRun) => PortRange | undefined;

/** A selector held against what one container publishes: it is about host ports where one matches, else about container ports. */
interface Bound<T> {
  readonly selector: Numbered;
  readonly rangeOf: RangeOf;
  /** The ports that it means, whole or in part. */
  readonly ports: readonly T[];
}

/** Finds ports by their number, so that a selector costs what it matches, and not what there is. */
class ByNumber<T extends Port> {
  private readonly rangeOf: RangeOf;
  private readonly rows: readonly T[];
  private readonly singles: readonly { readonly number: number; readonly port: T }[];

  constructor(ports: readonly T[], rangeOf: RangeOf) {
    this.rangeOf = rangeOf;
    this.rows = ports.filter((port) => (port.count ?? 1) > 1);
    this.singles = ports
      .flatMap((port) => {
        const range = (port.count ?? 1) > 1 ? undefined : rangeOf(port);
        return range === undefined ? [] : [{ number: range.from, port }];
      })
      .sort((a, b) => a.number - b.number);
  }

  find({ range, protocol }: Numbered): readonly T[] {
    const found = this.rows.filter((port) => overlap(this.rangeOf(port), range));
    for (let at = firstIndex(this.singles, ({ number }) => number < range.from); ; at += 1) {
      const single = this.singles[at];
      if (single === undefined || single.number > range.to) break;
      found.push(single.port);
    }
    return protocol === undefined ? found : found.filter((port) => port.protocol === protocol);
  }
}

/** `8080:80` beside `80:3000`, label `80`: a host port matches, so the latter is meant. */
function binder<T extends Port>(ports: readonly T[]): (selector: Numbered) => Bound<T> {
  const byHost = new ByNumber(ports, hostPortsOf);
  const byContainer = new ByNumber(ports, containerPortsOf);
  return (selector) => {
    const found = selector.scope === 'either' ? byHost.find(selector) : [];
    return found.length > 0
      ? { selector, rangeOf: hostPortsOf, ports: found }
      : { selector, rangeOf: containerPortsOf, ports: byContainer.find(selector) };
  };
}

/** Where a run has to be cut for each piece to be meant as a whole, or not at all. */
function placesIn({ selector: { range }, rangeOf }: Bound<Port>, port: Port): readonly number[] {
  const own = rangeOf(port);
  if (own === undefined || own.from === own.to) return [];
  return [range.from - own.from, range.to + 1 - own.from];
}

function means({ selector: { range }, rangeOf }: Bound<Port>, piece: Port): boolean {
  return overlap(rangeOf(piece), range);
}

/** The ports, or the parts of runs, that a selector means. */
export function selected<T extends Port>(selector: PortSelector, ports: readonly T[]): readonly T[] {
  if (selector.kind === 'every') return ports;
  const bound = binder(ports)(selector);
  return bound.ports.flatMap((port) =>
    cut(port, placesIn(bound, port)).filter((piece) => means(bound, piece)),
  );
}

/** The same for many rules at once: every port, cut where rules begin and end, with the rules that apply to it, in their order. */
export function selectAll<T extends Port, R extends { readonly selector: PortSelector }>(
  ports: readonly T[],
  rules: readonly R[],
): readonly { readonly port: T; readonly rules: readonly R[] }[] {
  const bind = binder(ports);
  const applying = new Map<T, { readonly rule: R; readonly bound: Bound<T> | undefined }[]>(
    ports.map((port) => [port, []]),
  );
  for (const rule of rules) {
    const bound = rule.selector.kind === 'every' ? undefined : bind(rule.selector);
    for (const port of bound?.ports ?? ports) applying.get(port)?.push({ rule, bound });
  }
  return ports.flatMap((port) => {
    const here = applying.get(port) ?? [];
    const places = here.flatMap(({ bound }) => (bound === undefined ? [] : placesIn(bound, port)));
    return cut(port, places).map((piece) => ({
      port: piece,
      rules: here.flatMap(({ rule, bound }) => (bound === undefined || means(bound, piece) ? [rule] : [])),
    }));
  });
}

/** The rules that mean no port at all. */
export function unmatched<R extends { readonly selector: PortSelector }>(
  ports: readonly Port[],
  rules: readonly R[],
): readonly R[] {
  const bind = binder(ports);
  return rules.filter(
    ({ selector }) => (selector.kind === 'every' ? ports : bind(selector).ports).length === 0,
  );
}
