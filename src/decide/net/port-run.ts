import type { PortRange } from './port.ts';

/**
 * Ports in a row that are published alike: host ports `hostPort` to `hostPort + count - 1`, each to the container port as far from
 * `containerPort`. `oneOf`: Docker takes one of the host ports for the one container port (`-p 8000-8010:80`). `hostPort` is
 * undefined where no host port is known; then `count` is about container ports. A `count` that is left out is 1.
 */
export interface PortRun {
  readonly hostPort: number | undefined;
  readonly containerPort: number;
  readonly count?: number;
  readonly oneOf?: true;
}

/**
 * Fewer ports in a row than this stay ports by themselves: people read and count those one by one. From here on they are one thing from
 * Docker's answer to the kernel's set, so that a range of 10,000 costs what one port costs.
 */
export const shortestRun = 16;

/** Host ports, both ends included; undefined where none is known. */
export function hostPortsOf({ hostPort, count = 1 }: PortRun): PortRange | undefined {
  return hostPort === undefined ? undefined : { from: hostPort, to: hostPort + count - 1 };
}

/** Container ports, both ends included. */
export function containerPortsOf({ containerPort, count = 1, oneOf }: PortRun): PortRange {
  return { from: containerPort, to: oneOf === true ? containerPort : containerPort + count - 1 };
}

export function includes(range: PortRange | undefined, port: number): boolean {
  return range !== undefined && port >= range.from && port <= range.to;
}

export function overlap(a: PortRange | undefined, b: PortRange): boolean {
  return a !== undefined && a.from <= b.to && b.from <= a.to;
}

/** Every host port by itself. */
export function eachHostPort<P>({
  hostPort,
  count = 1,
  protocol,
}: PortRun & { readonly protocol: P }): readonly { readonly protocol: P; readonly port: number }[] {
  if (hostPort === undefined) return [];
  return Array.from({ length: count }, (_, index) => ({ protocol, port: hostPort + index }));
}

/** `80`, or `8000-8010`. */
export function rangeText({ from, to }: PortRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}

/** What is published, short: `8080->80/tcp`, `443/tcp`, `20000-20999/udp`. */
export function portText(port: PortRun & { readonly protocol: string }): string {
  const inside = rangeText(containerPortsOf(port));
  const range = hostPortsOf(port);
  const host = range === undefined ? inside : rangeText(range);
  return `${host === inside ? '' : `${host}->`}${inside}/${port.protocol}`;
}

/** The one port of a run that has this host port, or (asked so) this container port; undefined where none has. */
export function portAt<T extends PortRun>(run: T, which: 'host' | 'container', port: number): T | undefined {
  const range = which === 'host' ? hostPortsOf(run) : containerPortsOf(run);
  if (range === undefined || !includes(range, port)) return undefined;
  if (range.from === range.to) return run;
  return part(run, port - range.from, 1);
}

/** A run in pieces, cut before each of these places, counted from its first port; places out of it are passed over. */
export function cut<T extends PortRun>(run: T, places: Iterable<number>): readonly T[] {
  const { count = 1 } = run;
  if (count === 1) return [run];
  const inside = [...new Set(places)].filter((place) => place > 0 && place < count);
  const ends = [...inside.sort((a, b) => a - b), count];
  let from = 0;
  return ends.map((to) => {
    const piece = part(run, from, to - from);
    from = to;
    return piece;
  });
}

function part<T extends PortRun>(run: T, offset: number, count: number): T {
  const { count: all = 1, hostPort, containerPort, oneOf } = run;
  if (offset === 0 && count === all) return run;
  const { count: _, ...rest } = run;
  return {
    ...rest,
    hostPort: hostPort === undefined ? undefined : hostPort + offset,
    containerPort: oneOf === true ? containerPort : containerPort + offset,
    ...(count === 1 ? {} : { count }),
  } as unknown as T;
}

/**
 * Ports that are alike but for their numbers, joined where they are in a row; shorter rows than {@link shortestRun} are ports by themselves.
 * @param kind what has to be the same for two ports to be joined.
 */
export function joinRuns<T extends PortRun>(ports: readonly T[], kind: (port: T) => string): readonly T[] {
  const joined = [...Map.groupBy(ports, (port) => `${port.hostPort === undefined} ${kind(port)}`).values()];
  return joined.flatMap((alike) => {
    const wide = alike.filter(({ count = 1 }) => count > 1);
    const single = alike.filter(({ count = 1 }) => count === 1).sort(byNumber);
    return [...wide, ...rowsOf(single)];
  });
}

function byNumber(a: PortRun, b: PortRun): number {
  return (a.hostPort ?? 0) - (b.hostPort ?? 0) || a.containerPort - b.containerPort;
}

function rowsOf<T extends PortRun>(sorted: readonly T[]): readonly T[] {
  const found: T[] = [];
  let row: T[] = [];
  const close = (): void => {
    const [first] = row;
    if (first === undefined) return;
    if (row.length < shortestRun) found.push(...row);
    else found.push({ ...first, count: row.length });
    row = [];
  };
  for (const port of sorted) {
    const last = row.at(-1);
    if (last !== undefined && !follows(port, last)) close();
    row.push(port);
  }
  close();
  return found;
}

function follows(port: PortRun, last: PortRun): boolean {
  const host = port.hostPort === undefined || port.hostPort === (last.hostPort ?? 0) + 1;
  return host && port.containerPort === last.containerPort + 1;
}

/**
 * As few runs as hold the same host ports, for claims that are closed or too many to be told apart: which container port is behind which
 * is lost.
 * @param kind what has to be the same for two to be one.
 */
export function unionOf<T extends PortRun>(ports: readonly T[], kind: (port: T) => string): readonly T[] {
  return [...Map.groupBy(ports, kind).values()].flatMap((alike) => {
    const found: { first: T; from: number; to: number }[] = [];
    for (const first of alike.toSorted((a, b) => (a.hostPort ?? 0) - (b.hostPort ?? 0))) {
      const range = hostPortsOf(first);
      const last = found.at(-1);
      if (range === undefined) continue;
      if (last !== undefined && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
      else found.push({ first, ...range });
    }
    return found.map(({ first, from, to }): T => {
      const { count: _, ...rest } = first;
      return {
        ...rest,
        hostPort: from,
        oneOf: true,
        ...(to === from ? {} : { count: to - from + 1 }),
      } as unknown as T;
    });
  });
}
