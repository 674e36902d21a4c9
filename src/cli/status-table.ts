import type { CountStatus, PortStatus, ServiceStatus } from './status-services.ts';
import { countText, fit, harmless } from './text.ts';

type Row = readonly string[];

/** How many members each group has. */
export type GroupSizes = ReadonlyMap<string, number>;

/** A line for each port, with everything that is known of it. */
export function wideRows(services: readonly ServiceStatus[], sizes: GroupSizes): readonly Row[] {
  const head = [
    'SERVICE',
    'HOST PORT',
    'CONTAINER',
    'WHO MAY REACH IT',
    'PACKETS',
    'NEW',
    'REFUSED',
    'BECAUSE',
  ];
  return [head, ...services.flatMap((service) => serviceRows(service, sizes))];
}

function serviceRows(service: ServiceStatus, sizes: GroupSizes): readonly Row[] {
  const name = nameText(service);
  return [
    ...service.ports.map((port) => [
      name,
      hostPortText(port),
      `${port.containerPort}/${port.protocol}`,
      reachText(port, sizes),
      ...countCells(port.counts),
      harmless(port.because ?? '', 60),
    ]),
    ...service.notProtected.map((network) => [name, '', '', 'NOT PROTECTED', harmless(network, 60)]),
  ];
}

const narrowHead = ['SERVICE', 'PORTS', 'WHO MAY REACH THEM', 'LET IN', 'NEW', 'REFUSED'];
const longestCells = { name: 20, ports: 16, count: 7 };

/**
 * A line for all ports of a service that the same people reach, and lines below it where that needs more room; none is longer than
 * `width`, 70 at least.
 */
export function narrowRows(
  services: readonly ServiceStatus[],
  sizes: GroupSizes,
  width: number,
): readonly Row[] {
  const rows = services.flatMap((service) => groupedRows(service, sizes));
  // where a line is short of room, how large groups are goes first
  const plain = services.flatMap((service) => groupedRows(service, new Map()));
  const longest = (column: number, most: number): number =>
    Math.min(most, Math.max(...[narrowHead, ...rows].map((row) => row[column]?.length ?? 0)));
  const name = longest(0, longestCells.name);
  const ports = longest(1, longestCells.ports);
  const counts = [3, 4, 5].map((column) => longest(column, longestCells.count));
  const taken = name + ports + counts.reduce((sum, one) => sum + one, 0) + 5 * 2;
  const reach = Math.max(12, width - taken);
  return [narrowHead, ...rows].flatMap(([first = '', second = '', third = '', ...rest], index) => {
    const shorter = plain[index - 1]?.[2] ?? third;
    const [who = '', ...more] = lines(third.length <= reach ? third : shorter, reach);
    const row = [fit(first, name), fit(second, ports), who, ...rest];
    return [row, ...more.map((line) => ['', '', line, ...rest.map(() => '')])];
  });
}

/** As many lines of a cell are shown: who gets in must not be cut, and a list of very many would push the rest off the screen. */
const mostLines = 3;

/** A cell broken between words. */
function lines(text: string, width: number): readonly string[] {
  const all: string[] = [];
  for (const word of text.split(' ')) {
    const last = all.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) all[all.length - 1] = `${last} ${word}`;
    else all.push(fit(word, width));
  }
  if (all.length <= mostLines) return all;
  return [...all.slice(0, mostLines - 1), fit(all.slice(mostLines - 1).join(' '), width)];
}

function groupedRows(service: ServiceStatus, sizes: GroupSizes): readonly Row[] {
  const groups = Map.groupBy(service.ports, (port) =>
    JSON.stringify([reachText(port, sizes), port.protocol]),
  );
  return [
    ...[...groups.values()].map((ports) => [
      nameText(service),
      portsText(ports),
      ports[0] === undefined ? '' : reachText(ports[0], sizes),
      ...countCells(sumCounts(ports.map(({ counts }) => counts))),
    ]),
    ...service.notProtected.map((network) => [
      nameText(service),
      '',
      `NOT PROTECTED: ${harmless(network, 60)}`,
      '',
      '',
      '',
    ]),
  ];
}

function sumCounts(all: readonly (CountStatus | null)[]): CountStatus | null {
  const known = all.filter((one) => one !== null);
  if (known.length === 0) return null;
  return known.reduce((a, b) => ({
    accepted: a.accepted + b.accepted,
    connections: a.connections + b.connections,
    refused: a.refused + b.refused,
  }));
}

function countCells(counts: CountStatus | null): Row {
  if (counts === null) return ['-', '-', '-'];
  return [counts.accepted, counts.connections, counts.refused].map(countText);
}

function nameText({ name, running }: ServiceStatus): string {
  return harmless(name, 40) + (running ? '' : ' (stopped)');
}

/** `80,443`, `8000-8010`, `53/udp`. */
function portsText(ports: readonly PortStatus[]): string {
  const protocol = ports[0]?.protocol ?? 'tcp';
  const texts = ports.map(({ hostPort }) => hostPort ?? '(chosen later)');
  const runs: { from: string; to: string }[] = [];
  for (const text of texts) {
    const last = runs.at(-1);
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
    if (last !== undefined && from !== undefined && to !== undefined && Number(from) === Number(last.to) + 1)
      last.to = to;
    else runs.push({ from: from ?? text, to: to ?? text });
  }
  const list = runs.map(({ from, to }) => (from === to ? from : `${from}-${to}`)).join(',');
  return protocol === 'tcp' ? list : `${list}/${protocol}`;
}

function hostPortText({ hostPort, routed, families }: PortStatus): string {
  if (hostPort === null) return routed ? 'routed' : 'not chosen yet';
  const family = families.length === 1 && !hostPort.includes(':') ? ` (IPv${families[0]})` : '';
  return hostPort + family;
}

function reachText(port: PortStatus, sizes: GroupSizes): string {
  const text = whoText(port, sizes);
  if (port.held) return text;
  return port.reach === 'trusted' ? 'claimed, not held' : `claimed, not held; ${text}`;
}

function whoText({ reach, allow, deny }: PortStatus, sizes: GroupSizes): string {
  const named = (name: string): string => {
    const size = sizes.get(name);
    return harmless(name, 60) + (size === undefined ? '' : ` (${size})`);
  };
  const list = (names: readonly string[]): string => names.map(named).join(', ');
  const but = deny.length === 0 ? '' : `, never ${list(deny)}`;
  switch (reach) {
    case 'everybody':
      return `everybody${but}`;
    case 'some':
      return `trusted, ${list(allow)}${but}`;
    case 'trusted':
      return `trusted only${but}`;
    case 'loopback':
      return 'this host only';
    case 'host-service':
      return 'a service of the host listens there';
  }
}
