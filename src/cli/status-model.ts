import { isEmpty } from '../diff/diff.ts';
import type { Backend } from '../diff/model.ts';
import { gateStands, place } from '../diff/placement.ts';
import { findTable } from '../diff/placement.ts';
import type { EngineFacts } from '../inventory/engine.ts';
import type { Family } from '../net/network.ts';
import type { Policy, Reach, Service, ServicePort } from '../policy/model.ts';
import type { Decision } from '../reconciler/pass.ts';
import { isOwnedChain } from '../ruleset/names.ts';
import { privateNotes } from './group-table.ts';
import { problemLine } from './problems.ts';

/** What `status --json` prints. `version` rises when a field changes its meaning. */
export interface Status {
  readonly version: 1;
  /** Undefined where Docker says nothing of itself. */
  readonly engine: EngineFacts | undefined;
  readonly walls: readonly WallStatus[];
  readonly upToDate: boolean;
  readonly services: readonly ServiceStatus[];
  readonly problems: readonly string[];
  /** What there is to know of the engine, the worst first. */
  readonly notes: readonly string[];
}

export interface WallStatus {
  readonly family: Family;
  readonly gate: { readonly backend: Backend; readonly inPlace: boolean };
  /** Undefined: Docker keeps no DOCKER chain in this family; the gate stands alone. */
  readonly front: { readonly backend: Backend; readonly inPlace: boolean } | undefined;
}

export interface ServiceStatus {
  readonly name: string;
  readonly running: boolean;
  readonly description: string;
  readonly ports: readonly PortStatus[];
  /** Networks on which this host's netfilter sees nothing. */
  readonly notProtected: readonly string[];
}

export interface PortStatus {
  /** `443`, `192.0.2.1:443`, or undefined while Docker has still to choose. */
  readonly hostPort: string | undefined;
  readonly containerPort: number;
  readonly protocol: string;
  readonly families: readonly Family[];
  readonly reach: 'everybody' | 'some' | 'trusted' | 'loopback' | 'host-service';
  /** Groups and addresses besides the trusted. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** The label or config key that opens it. */
  readonly because: string | undefined;
}

/** The state of the walls and of each service, from one look. */
export function readStatus({ observed, policy, plan, engine }: Decision): Status {
  return {
    version: 1,
    engine: engine.facts,
    walls: observed.families.map((family): WallStatus => {
      const { gate, front } = place(observed, family);
      const docker =
        front && findTable(observed, { family, backend: front, table: 'filter' })?.chains.get('DOCKER')?.[0];
      return {
        family,
        gate: { backend: gate, inPlace: gateStands(observed, family, gate) },
        front: front && { backend: front, inPlace: isOwnedChain(docker?.target ?? '') },
      };
    }),
    upToDate: isEmpty(plan),
    services: policy.services
      .filter(
        ({ ports, unprotected, undeclared }) => ports.length > 0 || unprotected.length > 0 || undeclared,
      )
      .map(serviceStatus),
    problems: policy.problems.map(problemLine),
    notes: [...engine.findings.map(({ text }) => text), ...privateNotes(namesOf(policy))],
  };
}

function namesOf(policy: Policy): Parameters<typeof privateNotes>[0] {
  const lists = [policy.trusted, policy.deny, ...policy.groups.values()];
  const names = lists.flatMap(({ origins }) =>
    origins.flatMap(({ source, networks }) =>
      source?.kind === 'name' ? [[source.name, networks] as const] : [],
    ),
  );
  return Array.from(new Map(names), ([name, networks]) => ({ name, networks }));
}

function serviceStatus(service: Service): ServiceStatus {
  const ports = new Map<string, PortStatus>();
  for (const port of service.ports) {
    const status = portStatus(port);
    const key = JSON.stringify({ ...status, families: [] });
    const seen = ports.get(key);
    ports.set(
      key,
      seen === undefined ? status : { ...seen, families: [...seen.families, ...status.families] },
    );
  }
  return {
    name: service.name,
    running: service.active,
    description: service.description,
    ports: [...ports.values()],
    notProtected: [
      ...service.unprotected,
      ...(service.undeclared ? ['host network, no dockwall.ports'] : []),
    ],
  };
}

function portStatus(port: ServicePort): PortStatus {
  const host = port.hostPort === undefined ? undefined : String(port.hostPort);
  return {
    hostPort: host === undefined || port.address === 'any' ? host : hostAndPort(port.address, host),
    containerPort: port.containerPort,
    protocol: port.protocol,
    families: [port.family],
    reach: reachWord(port),
    allow: [
      ...new Set(port.reach.allow.map(({ peer }) => (peer.kind === 'group' ? peer.name : peer.network))),
    ],
    deny: [...new Set(port.reach.deny.map(({ peer }) => (peer.kind === 'group' ? peer.name : peer.network)))],
    because: because(port.reach),
  };
}

function hostAndPort(address: string, port: string): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function reachWord({ loopback, lapsed, reach }: ServicePort): PortStatus['reach'] {
  if (loopback) return 'loopback';
  if (lapsed) return 'host-service';
  if (reach.everyone !== undefined) return 'everybody';
  return reach.allow.length > 0 ? 'some' : 'trusted';
}

function because({ everyone, allow }: Reach): string | undefined {
  const reason = everyone ?? allow[0]?.reason;
  return reason === undefined ? undefined : `${reason.label}=${reason.value}`;
}
