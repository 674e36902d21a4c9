import type { Listener } from '../inventory/model.ts';
import { eachHostPort } from '../net/port-run.ts';
import type { Policy } from '../policy/model.ts';

/** The host ports that containers have, as the guard asks. A port that is the host's own again (lapsed) is none of them. */
export function publishedPorts({ services }: Policy): readonly Listener[] {
  return services.flatMap(({ ports }) =>
    ports.flatMap((port) => (port.lapsed || port.loopback ? [] : eachHostPort(port))),
  );
}
