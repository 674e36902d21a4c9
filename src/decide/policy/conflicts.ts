import type { Inventory } from '../inventory/model.ts';
import { Sayings } from './agreement.ts';
import { HostHolds } from './lapses.ts';
import type { Service, ServicePort } from './model.ts';
import { closed } from './peers.ts';
import { type Claim, type Outcome, type Quality, qualityOf, type Rivals, Sweep } from './sweep.ts';

/**
 * Several containers may claim one host port: at most one of them runs, the others are stopped, or made and
 * not yet started. The port is opened as the running one says; where none runs, only as far as all of
 * them say. So a stopped container never opens a port for the next one that takes it. `unknown`: there is a new container
 * whose ports Docker does not tell yet. It may claim any, so no stopped one has anything open. Neither has one that only declares its ports
 * (a container on the host's network): nobody knows whether it listens, so what it opens ends with the first claim of one that publishes.
 * What the configuration declares for one that runs is stronger than that: it ends where another one runs and Docker has given it the port.
 */
export function settleConflicts(
  services: readonly Service[],
  { hostListeners, judgedListeners }: Pick<Inventory, 'hostListeners' | 'judgedListeners'>,
  unknown: boolean,
): readonly Service[] {
  const known = new HostHolds(hostListeners);
  const judged = new HostHolds(judgedListeners);
  const sayings = new Sayings();
  // what is bound to loopback is in nobody's way from outside
  const claims = services.flatMap((service) =>
    service.ports.filter(({ loopback }) => !loopback).map((port) => ({ service, port })),
  );
  const settled = new Map<ServicePort, readonly ServicePort[]>();
  for (const alike of Map.groupBy(claims, rowsOf).values()) {
    const protocol = alike[0]?.port.protocol ?? 'tcp';
    const sweep = new Sweep(alike, {
      sayings,
      heldPorts: [...known.portsOf(protocol), ...judged.portsOf(protocol)],
      decide: (quality, rivals) => decide(quality, rivals, unknown),
      lapses: (claim, port, run) => lapses(claim, port, { known, judged, run }),
    });
    for (const [origin, pieces] of sweep.settle()) settled.set(origin, pieces);
  }
  return services.map((service) => ({
    ...service,
    ports: service.ports.flatMap((port) => settled.get(port) ?? [port]),
  }));
}

/** Claims to one family's ports of one protocol have nothing to do with others. */
function rowsOf({ port: { family, protocol } }: Claim): string {
  return `${family} ${protocol}`;
}

/** Of claims that are as good as each other. Some open nothing, whatever labels say, and where somebody else has the port deny nothing either. */
function decide(
  { runs, from }: Quality,
  { run, given, publish, configured, agreed }: Rivals,
  unknown: boolean,
): Outcome {
  const isLabel = from === 'label';
  const isOthers = (!runs && run) || (from !== 'docker' && given) || (isLabel && configured);
  if (isOthers || (isLabel && publish) || (unknown && (isLabel || !runs)))
    return { reach: closed, denies: !isOthers };
  // What others deny here their own claims say.
  return { reach: agreed ?? closed, denies: true };
}

interface Around {
  /** See {@link Inventory}: `hostListeners` and `judgedListeners`. */
  readonly known: HostHolds;
  readonly judged: HostHolds;
  /** A container that runs has a claim to the port. */
  readonly run: boolean;
}

/**
 * A container with an endpoint is being started: what was not known to be the host's own before may be Docker's own listener. Of one that
 * runs on the host's network only what was known before is the host's own, and what the configuration declares is the container's: who
 * wrote that knows.
 */
function lapses(claim: Claim, port: number, { known, judged, run }: Around): boolean {
  const { service } = claim;
  const { endpoints, portsFrom, ports } = service;
  const isKnown = known.keepsOut(claim.port, port, ports);
  if (qualityOf(claim).runs) return portsFrom === 'label' && isKnown;
  if (isKnown) return true;
  // of one that runs without the port no listener is Docker's
  const starts = endpoints.length > 0 && claim.port.unbound !== 'runs';
  return !starts && !run && judged.keepsOut(claim.port, port, ports);
}
