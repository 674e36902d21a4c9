import type { HostPortRun } from '../decide/inventory/host-port.ts';
import type { Policy } from '../decide/policy/model.ts';
import type { Claims } from './adopted-ports.ts';

/**
 * The host ports of containers, as the book of listeners asks. A port that is the host's own (lapsed) is held by none of them, and
 * neither is that of a container that is stopped, or made and not yet started, or runs without it: what listens there now is not its docker-proxy.
 */
export function claimsOf({ services }: Policy): Claims {
  const all = services.flatMap(({ ports, active, endpoints }) =>
    ports
      .filter(({ hostPort, loopback }) => hostPort !== undefined && !loopback)
      .map((port) => ({
        port,
        holds: (active || endpoints.length > 0) && !port.lapsed && port.unbound !== 'runs',
      })),
  );
  return {
    held: all.flatMap(({ port, holds }) => (holds ? [port] : [])),
    all: all.map(({ port }) => port),
  };
}

/** Ports of the host that a container declares which runs on the host's network, and does not get: somebody was there before. */
export function heldAgainst({ services }: Policy): readonly HostPortRun[] {
  return services.flatMap(({ active, ports }) =>
    active ? ports.filter(({ lapsed, unbound }) => lapsed && unbound === undefined) : [],
  );
}
