import { containerPortsOf, hostPortsOf } from '../net/port-run.ts';
import type { PortRange, Protocol } from '../net/port.ts';
import type { Policy } from './model.ts';
import { isDoor } from './peers.ts';
import { judge } from './verdict.ts';

/** A connection that is under way, by what the side that opened it asked for. */
export interface Session {
  readonly protocol: Protocol;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
}

/** The ports that a session has to go to for the policy to have a say: those that something publishes. */
export function sessionPorts({ services }: Policy): ReadonlySet<number> {
  const found = new Set<number>();
  const add = (range: PortRange | undefined): void => {
    if (range !== undefined) for (let port = range.from; port <= range.to; port += 1) found.add(port);
  };
  for (const { ports, endpoints } of services) {
    const routed = endpoints.some(isDoor);
    for (const port of ports) {
      if (port.loopback) continue;
      if (!port.lapsed) add(hostPortsOf(port));
      if (routed) add(containerPortsOf(port));
    }
  }
  return found;
}

/**
 * Whether a session is refused now. From outside only: what the host itself and containers have opened is none of ours. And
 * only to the host's own addresses or to a container's: a router's forwarded sessions may have any port.
 * @param own the host's addresses.
 * @param observing only what is denied is refused then.
 */
export function refuses(
  policy: Policy,
  own: ReadonlySet<string>,
  observing = false,
): (session: Session) => boolean {
  const decide = judge(policy);
  // By which interface a session came in is not known: it goes on where any of them lets it in.
  const interfaces = [undefined, ...namedInterfaces(policy)];
  const containers = new Set<string>(
    policy.services.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
  );
  return (session) => {
    const { source, destination } = session;
    if (own.has(source) || containers.has(source)) return false;
    const towards = own.has(destination) ? 'host' : containers.has(destination) ? 'bridge' : undefined;
    if (towards === undefined) return false;
    return interfaces.every((name) => {
      const verdict = decide({ ...session, towards, interface: name });
      return verdict.kind === 'denied' && !(observing && verdict.because === 'published');
    });
  };
}

function namedInterfaces({ trusted, deny, groups }: Policy): readonly string[] {
  return [...new Set([trusted, deny, ...groups.values()].flatMap((members) => members.interfaces))];
}
