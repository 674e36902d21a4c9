import { type Claim, clash, isAt, type Place } from './claims.ts';
import type { ContainerSpec } from './docker.ts';
import type { Invaded } from './invade.ts';
import type { World } from './world.ts';

// The exceptions that the documentation names, and no others: when somebody else's port may be treated in another way than before.

export const excuses = [
  /** Nobody else has to do with the port: it is the hostile owner's own. */
  'own port',
  /** Everybody else who claims it is stopped, and the hostile one runs: it is his. */
  'taken over',
  /** All who claim it are stopped: as far as all of them agree. */
  'all stopped',
  /** It was only declared, by a label of a container on the host's network, and the hostile one claims it too. */
  'only declared',
  /** In Swarm's mesh and published on this node as well: Docker hands it to the mesh. */
  'in the mesh too',
  /** A container joined the network of the one that has the port, and speaks for it. */
  'joined',
  /** Docker does not tell yet what a new container wants: nobody who is stopped, or only declares, has anything open. */
  'unknown',
] as const;

/** Why a port may be treated in another way, and how: a `closing` one may turn away more, and never lets in more. */
export interface Excuse {
  readonly name: (typeof excuses)[number];
  readonly closing: boolean;
}

interface Parties {
  readonly world: World;
  /** Of everybody else. */
  readonly claims: readonly Claim[];
  readonly invaded: Invaded;
}

/** The exceptions for packets to one place of the host. */
export function excusesAt(place: Place, { world, claims, invaded }: Parties): readonly Excuse[] {
  const theirs = claims.filter((claim) => isAt(claim, place));
  const joined = invaded.containers.some(
    (one) => isActive(one) && theirs.some(({ owner }) => joins(one, owner)),
  );
  return [
    ...(joined ? [{ name: 'joined', closing: false } as const] : []),
    ...claimExcuses(theirs, invaded.claims, { place, world }),
    ...unknownExcuses(theirs, invaded),
  ];
}

/**
 * The exception for packets of the trusted to one place of the host: what somebody who does not have the port denies there, he denies
 * until somebody else has it.
 */
export function excusesOfTrusted(place: Place, { world, claims, invaded }: Parties): readonly Excuse[] {
  const theirs = claims.filter((claim) => isAt(claim, place));
  const his = invaded.claims.filter((claim) => isAt(claim, place));
  const bound = theirs.some(({ by, runs }) => by !== 'declaration' && runs);
  if (bound || isHeld(place, world) || !his.some(({ runs }) => runs)) return [];
  return theirs.length === 0 ? [] : [{ name: 'taken over', closing: false }];
}

/** The exceptions for packets to a container's own address. */
export function excusesBehind(container: string, { invaded }: Parties): readonly Excuse[] {
  const joined = invaded.containers.some((one) => isActive(one) && joins(one, container));
  return joined ? [{ name: 'joined', closing: false }] : [];
}

function claimExcuses(
  theirs: readonly Claim[],
  all: readonly Claim[],
  { place, world }: { readonly place: Place; readonly world: World },
): readonly Excuse[] {
  const his = all.filter((claim) => isAt(claim, place));
  // what a service of the host holds nobody can have, but for Swarm, whose rules translate it before anybody listens
  if (isHeld(place, world))
    return his.some(({ by }) => by === 'mesh') ? [{ name: 'in the mesh too', closing: false }] : [];
  if (theirs.length === 0) return his.length === 0 ? [] : [{ name: 'own port', closing: false }];
  const bound = (claim: Claim): boolean => claim.by !== 'declaration' && claim.runs;
  if (theirs.some(bound))
    return his.some(({ by }) => by === 'mesh') ? [{ name: 'in the mesh too', closing: true }] : [];
  if (his.some(bound)) return [{ name: 'taken over', closing: false }];
  // what the configuration declares for one that runs nobody takes who is not given the port, or is meant by such an entry himself
  const firm = (claim: Claim): boolean => claim.configured === true && claim.runs;
  if (theirs.some(firm) && !his.some(firm)) return [];
  // one on another address keeps one that is meant for all from starting; on loopback it may too, and opens and closes nothing
  const rivals = all.filter((claim) => !isLoopback(claim) && theirs.some((one) => clash(claim, one)));
  if (rivals.length === 0) return [];
  if (theirs.some(({ by }) => by !== 'declaration')) return [{ name: 'all stopped', closing: true }];
  const onlyDeclared = rivals.every(({ by }) => by === 'declaration');
  if (onlyDeclared && !theirs.some(({ runs }) => runs) && rivals.some(({ runs }) => runs))
    return [{ name: 'taken over', closing: false }];
  return [{ name: 'only declared', closing: true }];
}

/** It may want any port that nobody is known to hold. */
function unknownExcuses(theirs: readonly Claim[], { containers }: Invaded): readonly Excuse[] {
  const unknown = containers.some((one) => !isActive(one) && isUntold(one));
  const firm = theirs.some(({ by, configured, runs }) => (by !== 'declaration' || configured) && runs);
  return unknown && theirs.length > 0 && !firm ? [{ name: 'unknown', closing: true }] : [];
}

function isUntold({ told, odd }: ContainerSpec): boolean {
  return !told || odd !== undefined;
}

function isActive({ state }: ContainerSpec): boolean {
  return ['running', 'paused', 'restarting'].includes(state);
}

/** A name there is nobody's: Docker writes the id down. */
function joins({ mode }: ContainerSpec, id: string): boolean {
  return mode === `container:${id}`;
}

function isLoopback({ address }: Claim): boolean {
  return address === '::1' || address.startsWith('127.');
}

function isHeld({ protocol, port }: Place, { listens }: World): boolean {
  return listens.some((one) => one.protocol === protocol && one.port === port);
}
