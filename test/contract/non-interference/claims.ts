import { type Family, families } from '../../../src/decide/net/network.ts';
import { type ContainerSpec, type DockerSpec, holdsPorts, runs as isRunning } from './docker.ts';

// Who claims which port of the host: read from what was asked of Docker, and not by the code that is under test.

/** Ports in a row that somebody claims. */
export interface Claim {
  /** The container's id, or the service's. */
  readonly owner: string;
  readonly family: Family;
  readonly address: string;
  readonly protocol: string;
  readonly from: number;
  readonly to: number;
  /** Published by Docker; in Swarm's mesh; or only said to be so, of a container on the host's network. */
  readonly by: 'docker' | 'mesh' | 'declaration';
  /** It is the configuration that declares it, by the container's name. */
  readonly configured?: true;
  /** Docker has bound it; of one that is only declared: its container runs. */
  readonly runs: boolean;
}

/** Where a packet goes, on the host. */
export interface Place {
  readonly family: Family;
  readonly address: string;
  readonly protocol: string;
  readonly port: number;
}

/** What declares ports: the container's own label, or an entry of the configuration by name. */
export type Declared = (
  spec: ContainerSpec,
) => { readonly ports: string; readonly configured?: true } | undefined;

export function claimsOf({ containers, services }: DockerSpec, declared: Declared): readonly Claim[] {
  return [
    ...containers.flatMap((spec) => claimsOfContainer(spec, declared)),
    ...services.flatMap(({ id, ports }) =>
      ports.flatMap(({ protocol, published }) =>
        families.map((family): Claim => ({
          owner: id,
          family,
          address: 'any',
          protocol,
          from: published,
          to: published,
          by: 'mesh',
          runs: true,
        })),
      ),
    ),
  ];
}

function claimsOfContainer(spec: ContainerSpec, declared: Declared): readonly Claim[] {
  if (spec.mode === 'host') return declaredClaims(spec, declared(spec) ?? { ports: '' });
  if (spec.mode.startsWith('container:')) return [];
  const runs = holdsPorts(spec);
  // of one that runs and has bound none, and whose inspect does not answer, nobody knows that it asked for any
  if (!runs && isRunning(spec) && !spec.told) return [];
  const chosen = (spec.publishAll ?? []).map((port) => ({ port, hostIp: '', hostPort: '' }));
  return [...spec.bindings, ...chosen].flatMap(({ port, hostIp, hostPort }, index) => {
    const [, protocol = 'tcp'] = /^\d+(?:\/(tcp|udp|sctp))?$/.exec(port.toLowerCase()) ?? ['', ''];
    const [, first, last = first] = /^([1-9]\d*)(?:-(\d+))?$/.exec(hostPort) ?? [];
    const from = first === undefined && runs ? 49_153 + index : Number(first);
    if (protocol === '' || !(from <= 65_535)) return [];
    // of a range Docker takes one; the others are nobody's while it runs
    const to = runs ? from : Math.min(Number(last), 65_535);
    return addressesOf(hostIp).map(([family, address]): Claim => ({
      owner: spec.id,
      family,
      address,
      protocol,
      from,
      to,
      by: 'docker',
      runs,
    }));
  });
}

/** One that nobody can read may be any. */
function addressesOf(hostIp: string): readonly (readonly [Family, string])[] {
  if (hostIp === '0.0.0.0') return [[4, 'any']];
  if (hostIp === '::') return [[6, 'any']];
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostIp)) return [[4, hostIp]];
  if (/^[0-9a-f:]+$/.test(hostIp)) return [[6, hostIp]];
  return families.map((family) => [family, 'any'] as const);
}

function declaredClaims(
  spec: ContainerSpec,
  { ports, ...configured }: NonNullable<ReturnType<Declared>>,
): readonly Claim[] {
  const words = ports.split(/[\s,]+/).filter((word) => word !== '');
  const parsed = words.map((word) => /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(word));
  if (parsed.includes(null)) return [];
  const runs = isRunning(spec) || spec.state === 'restarting';
  return parsed.flatMap((found) => {
    const [, from, to = from, named] = found ?? [];
    return (named === undefined ? ['tcp', 'udp'] : [named]).flatMap((protocol) =>
      families.map((family): Claim => ({
        owner: spec.id,
        family,
        address: 'any',
        protocol,
        from: Number(from),
        to: Number(to),
        by: 'declaration',
        ...configured,
        runs,
      })),
    );
  });
}

export function isAt(claim: Claim, { family, address, protocol, port }: Place): boolean {
  return (
    claim.family === family &&
    claim.protocol === protocol &&
    claim.from <= port &&
    port <= claim.to &&
    (claim.address === 'any' || claim.address === address)
  );
}

/** Whether Docker could not bind both. */
export function clash(a: Claim, b: Claim): boolean {
  return (
    a.family === b.family &&
    a.protocol === b.protocol &&
    a.from <= b.to &&
    b.from <= a.to &&
    (a.address === 'any' || b.address === 'any' || a.address === b.address)
  );
}

/**
 * The same containers, none of them running with a port that another one, earlier in the list, or a service of the host has: Docker would not
 * have started it.
 */
export function asDockerLets(
  containers: readonly ContainerSpec[],
  hostPorts: readonly { readonly protocol: string; readonly port: number }[],
): readonly ContainerSpec[] {
  const bound: Claim[] = [];
  return containers.map((spec) => {
    const claims = claimsOfContainer(spec, () => undefined).filter(({ runs }) => runs);
    const isTaken = claims.some(
      (claim) =>
        bound.some((other) => clash(claim, other)) ||
        hostPorts.some(
          ({ protocol, port }) => claim.protocol === protocol && claim.from <= port && port <= claim.to,
        ),
    );
    if (isTaken) return { ...spec, state: 'created' };
    bound.push(...claims);
    return spec;
  });
}
