import { portText } from '../net/port-run.ts';
import { shorten } from '../net/show.ts';
import type { Policy, Service, ServicePort } from './model.ts';
import { opens, routedIn } from './peers.ts';

/**
 * Whether the container runs and claims a host port that it does not hold: Docker has not given it that. Not where a service of the host has
 * it, which is told by itself, nor in a routed network, where Docker gives no host port and the container is reached at its own address.
 */
export function isUnheld({ active, endpoints }: Service, port: ServicePort): boolean {
  const { unbound, hostPort, loopback, lapsed, family } = port;
  if (!active || unbound === undefined || hostPort === undefined || loopback || lapsed) return false;
  return routedIn(endpoints, family).length === 0;
}

/** A line names so many ports at most. */
const shownPorts = 8;

/** What containers claim and do not hold, a line for each container, and two where some of it counts all the same. */
export function unheldNotes({ services }: Pick<Policy, 'services'>): readonly string[] {
  return services.flatMap((service) => {
    const unheld = service.ports.filter((port) => isUnheld(service, port));
    const parts = [unheld.filter((port) => !counts(port)), unheld.filter(counts)];
    return parts.flatMap((ports) => (ports.length === 0 ? [] : [unheldText(service, ports)]));
  });
}

/** @param ports of that service, at least one, all of which count or none. */
export function unheldText({ name }: Pick<Service, 'name'>, ports: readonly ServicePort[]): string {
  const words = [...new Set(ports.map(portText))];
  const more = words.length > shownPorts ? ', ...' : '';
  const it = words.length === 1 && ports[0]?.count === undefined ? 'it' : 'them';
  const why = ports.some(({ unbound }) => unbound === 'restarts') ? 'restarts and ' : '';
  const now = why === '' ? '' : ' now';
  const effect = ports.some(counts)
    ? `as no running container has ${it}, what its labels say holds there`
    : `nothing of ${it} counts`;
  return `${words.slice(0, shownPorts).join(', ')}${more}: claimed by ${shorten(name)}, which ${why}does not hold ${it}${now}; ${effect}`;
}

/** Whether labels open or refuse something there: they do where nobody else has a better claim. */
export function counts({ reach }: Pick<ServicePort, 'reach'>): boolean {
  return opens(reach) || reach.deny.length > 0;
}
