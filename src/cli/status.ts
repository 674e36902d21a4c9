import type { EngineFacts } from '../inventory/engine.ts';
import { plan } from '../reconciler/pass.ts';
import { type Context, openParts, requireConfig } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import {
  type PortStatus,
  readStatus,
  type ServiceStatus,
  type Status,
  type WallStatus,
} from './status-model.ts';
import { columns, harmless } from './text.ts';

/** `dockwall status`: who may reach what, whether the walls stand, and which labels are wrong. Writes nothing. */
export async function status(context: Context, options: { json?: boolean | undefined }): Promise<ExitCode> {
  const config = await requireConfig(context);
  const found = readStatus(await plan(await openParts(context, config)));
  context.print(options.json === true ? JSON.stringify(found, undefined, 2) : statusText(found));
  return exitCodes.ok;
}

/** The same as a table for a person. */
export function statusText(status: Status): string {
  const rows = status.services.flatMap(serviceRows);
  const table =
    rows.length === 0
      ? 'No container publishes a port.'
      : columns([['SERVICE', 'HOST PORT', 'CONTAINER', 'WHO MAY REACH IT', 'BECAUSE'], ...rows]);
  const problems =
    status.problems.length === 0
      ? []
      : ['', 'Problems (such a container opens nothing):', ...status.problems.map((line) => `  ${line}`)];
  const pending = status.upToDate ? [] : ['The kernel differs from what it should hold: see dockwall plan.'];
  const engine = status.engine === undefined ? [] : [engineText(status.engine)];
  const notes = status.notes.map((text) => `note: ${harmless(text, 400)}`);
  const walls = status.walls.map((wall) => wallText(wall, status.engine));
  return [...engine, ...walls, ...notes, ...pending, '', table, ...problems].join('\n');
}

function engineText({ version, apiVersion, firewall, liveRestore, swarm }: EngineFacts): string {
  const api = apiVersion === undefined ? [] : [`API ${apiVersion}`];
  const more = [
    ...api,
    ...(firewall === undefined ? [] : [firewall]),
    ...(liveRestore ? ['live-restore'] : []),
    ...(swarm === 'no' ? [] : [`Swarm ${swarm}`]),
  ];
  return harmless(`Docker ${version ?? '(version unknown)'}: ${more.join(', ')}`, 200);
}

function wallText({ family, gate, front }: WallStatus, engine: EngineFacts | undefined): string {
  const stands = (inPlace: boolean): string => (inPlace ? 'in place' : 'NOT IN PLACE');
  const why = engine?.firewall === 'nftables' ? " (Docker's nftables backend)" : '';
  const frontText =
    front === undefined
      ? `front: no DOCKER chain${why}, the gate stands alone`
      : `front ${stands(front.inPlace)} (${front.backend})`;
  return `IPv${family}: gate ${stands(gate.inPlace)} (${gate.backend}), ${frontText}`;
}

function serviceRows(service: ServiceStatus): readonly (readonly string[])[] {
  const name = harmless(service.name, 40) + (service.running ? '' : ' (stopped)');
  return [
    ...service.ports.map((port) => [
      name,
      hostPortText(port),
      `${port.containerPort}/${port.protocol}`,
      reachText(port),
      harmless(port.because ?? '', 60),
    ]),
    ...service.notProtected.map((network) => [name, '', '', 'NOT PROTECTED', harmless(network, 60)]),
  ];
}

function hostPortText({ hostPort, families }: PortStatus): string {
  if (hostPort === undefined) return 'not chosen yet';
  const family = families.length === 1 && !hostPort.includes(':') ? ` (IPv${families[0]})` : '';
  return hostPort + family;
}

function reachText({ reach, allow, deny }: PortStatus): string {
  const but = deny.length === 0 ? '' : `, never ${deny.join(', ')}`;
  switch (reach) {
    case 'everybody':
      return `everybody${but}`;
    case 'some':
      return `trusted, ${allow.join(', ')}${but}`;
    case 'trusted':
      return `trusted only${but}`;
    case 'loopback':
      return 'this host only (bound to loopback)';
    case 'host-service':
      return 'not ours now: a service of the host listens there';
  }
}
