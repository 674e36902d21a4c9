import type { CountStatus, PortStatus, ServiceStatus } from '../../decide/report/status-services.ts';
import { columns, countText, harmless } from '../../decide/report/text.ts';

type Row = readonly string[];

/** How many members each group has. */
export type GroupSizes = ReadonlyMap<string, number>;

/** From this width on a line has room for every port, and why. */
export const wide = 130;

/** A line for each port, with everything that is known of it; on a screen that is not wide a line for all that the same people reach. */
export function serviceTable(
  services: readonly ServiceStatus[],
  sizes: GroupSizes,
  width: number | undefined,
): string {
  if (width === undefined || width >= wide)
    return columns([wideHead, ...services.flatMap((service) => serviceRows(service, sizes))]);
  const plain = services.flatMap((service) => groupedRows(service, new Map()));
  const room = Math.max(...[narrowHead, ...plain].map((row) => row[2]?.length ?? 0));
  // where a line is short of room, how large groups are goes first
  const rows = services
    .flatMap((service) => groupedRows(service, sizes))
    .map((row, index) => ((row[2]?.length ?? 0) > room ? (plain[index] ?? row) : row));
  return columns([narrowHead, ...rows], { width, flexible: [0, 1, 2] });
}

const wideHead = [
  'SERVICE',
  'HOST PORT',
  'CONTAINER',
  'WHO MAY REACH IT',
  'PACKETS',
  'NEW',
  'REFUSED',
  'BECAUSE',
];
const narrowHead = ['SERVICE', 'PORTS', 'WHO MAY REACH THEM', 'LET IN', 'NEW', 'REFUSED'];

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

function groupedRows(service: ServiceStatus, sizes: GroupSizes): readonly Row[] {
  const groups = Map.groupBy(service.ports, ({ held, reach, allow, deny }) =>
    JSON.stringify([held, reach, allow, deny]),
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
  return harmless(name, 120) + (running ? '' : ' (stopped)');
}

/** `80,443,443/udp`, `8000-8010`. */
function portsText(ports: readonly PortStatus[]): string {
  const runs: { from: string; to: string; protocol: string }[] = [];
  for (const { hostPort, protocol } of ports) {
    const text = hostPort ?? '(chosen later)';
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
    const last = runs.findLast((run) => run.protocol === protocol);
    if (last !== undefined && from !== undefined && to !== undefined && Number(from) === Number(last.to) + 1)
      last.to = to;
    else runs.push({ from: from ?? text, to: to ?? text, protocol });
  }
  return runs
    .map(({ from, to, protocol }) => {
      const range = from === to ? from : `${from}-${to}`;
      return protocol === 'tcp' ? range : `${range}/${protocol}`;
    })
    .join(',');
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

/** A list of very many would push the rest off the screen: `explain` and `--json` have them all. */
const mostNamed = 8;

function whoText({ reach, allow, deny }: PortStatus, sizes: GroupSizes): string {
  const named = (name: string): string => {
    const size = sizes.get(name);
    return harmless(name, 60) + (size === undefined ? '' : ` (${size})`);
  };
  const list = (names: readonly string[]): string => {
    const more = names.length - mostNamed;
    return [...names.slice(0, mostNamed).map(named), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  };
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
