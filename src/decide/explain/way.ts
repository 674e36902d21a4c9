import type { Backend, Observed } from '../diff/model.ts';
import { findTable, place } from '../diff/placement.ts';
import { familyOf } from '../net/network.ts';
import { shorten } from '../net/show.ts';
import type { Door, Packet } from '../policy/verdict.ts';
import type { Moment, Path, Step } from './model.ts';

/** Where a packet goes after the gate. */
export function wayOf(
  packet: Packet,
  { verdict, door }: { readonly verdict: Path['verdict']; readonly door: Door | undefined },
  moment: Moment,
): readonly Step[] {
  if (packet.towards === 'elsewhere') return [];
  if (verdict === 'denied') return [{ kind: 'gate' }];
  const served = servedBy(packet, door, moment);
  const front =
    (served.kind === 'DNAT' || served.kind === 'routed') && frontBackend(packet, moment) !== undefined;
  const lock = moment.kernel?.observed.lock?.kind === 'stands';
  return [
    { kind: 'gate' },
    ...(lock ? [{ kind: 'lock' } as const] : []),
    served,
    ...(front ? [{ kind: 'front' } as const] : []),
  ];
}

function servedBy(packet: Packet, door: Door | undefined, moment: Moment): Step {
  if (packet.towards === 'bridge') return { kind: 'routed', to: packet.destination };
  if (door === undefined) return { kind: 'host' };
  const container = moment.inventory.containers.find(({ id }) => id === door.service.containerId);
  // a mesh that only the configuration has told of is in no inventory
  const mode = container?.networkMode.kind ?? 'mesh';
  if (mode === 'host') return { kind: 'host network' };
  if (mode === 'mesh') return { kind: 'mesh' };
  // docker-proxy serves clients with link-local addresses itself: Docker's DNAT leaves them out (libnetwork, bridge driver)
  if (packet.source.startsWith('fe80:')) return { kind: 'docker-proxy' };
  const observed = moment.kernel?.observed;
  if (observed === undefined) return { kind: 'Docker' };
  const to = translated(packet, door, observed);
  if (to !== undefined) return { kind: 'DNAT', to };
  // without a DOCKER chain in either family Docker writes its rules elsewhere (nftables), or none at all
  const writes = observed.families.some((family) => place(observed, family).front !== undefined);
  return writes ? { kind: 'docker-proxy' } : { kind: 'Docker' };
}

/** The address and port that Docker's own rule sends it to: `-d 192.0.2.10/32 ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80` */
function translated(packet: Packet, door: Door, observed: Observed): string | undefined {
  const family = familyOf(packet.source);
  const { front } = place(observed, family);
  if (front === undefined) return undefined;
  const rules = findTable(observed, { family, backend: front, table: 'nat' })?.chains.get('DOCKER') ?? [];
  const bound = door.port.address === 'any' ? undefined : `-d ${door.port.address}/`;
  const rule = rules.find(
    ({ spec, target }) =>
      target === 'DNAT' &&
      spec.includes(`-p ${packet.protocol} `) &&
      / --dport (\d+) /u.exec(spec)?.[1] === String(packet.port) &&
      (bound === undefined || spec.includes(bound)),
  );
  const to = /--to-destination (\S+)/u.exec(rule?.spec ?? '')?.[1];
  return to === undefined ? undefined : shorten(to);
}

function frontBackend({ source }: Packet, { kernel }: Moment): Backend | undefined {
  return kernel && place(kernel.observed, familyOf(source)).front;
}
