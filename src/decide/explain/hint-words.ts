import { familyOf } from '../net/network.ts';
import { hostPortsOf, includes, portAt, portText } from '../net/port-run.ts';
import { shorten } from '../net/show.ts';
import type { Service, ServicePort } from '../policy/model.ts';
import { isUnheld, unheldText } from '../policy/unheld.ts';
import type { Circumstances } from './circumstances.ts';
import type { Hint } from './model.ts';

/** What a service publishes, short: `8080->80/tcp, 443/tcp`. */
export function publishedWords({ ports }: Pick<Service, 'ports'>): string {
  const number = ({ hostPort, containerPort }: ServicePort): number => hostPort ?? containerPort;
  const sorted = ports.toSorted((a, b) => number(a) - number(b));
  const words = [...new Set(sorted.map(portText))];
  const shown = words.slice(0, 8);
  const more = words.length > shown.length ? ', ...' : '';
  return shown.length === 0 ? 'no port' : shown.join(', ') + more;
}

/** Networks of a service that nothing filters. */
export function notProtected({ name, unprotected }: Service): readonly Hint[] {
  return unprotected.map((network) => ({
    kind: 'not protected',
    text: `${shorten(name)} is on the network ${shorten(network)}: packets to its own address there never pass this host's firewall, so nothing filters them`,
  }));
}

/** Running containers that claim the port that was asked for, and do not hold it. */
export function notHeld({ asked: { packet }, moment }: Circumstances): readonly Hint[] {
  if (packet.towards !== 'host') return [];
  return moment.policy.services.flatMap((service) =>
    service.ports.flatMap((run): readonly Hint[] => {
      const { family, protocol, address } = run;
      const here =
        family === familyOf(packet.source) &&
        protocol === packet.protocol &&
        (address === 'any' || address === packet.destination) &&
        includes(hostPortsOf(run), packet.port);
      const port = here && isUnheld(service, run) ? portAt(run, 'host', packet.port) : undefined;
      return port === undefined ? [] : [{ kind: 'not held', text: unheldText(service, [port]) }];
    }),
  );
}
