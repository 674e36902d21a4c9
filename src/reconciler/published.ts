import type { Listener } from '../inventory/model.ts';
import type { Policy } from '../policy/model.ts';

/** The host ports that containers have, as the guard asks. A port that is the host's own again (lapsed) is none of them. */
export function publishedPorts({ services }: Policy): readonly Listener[] {
  return services.flatMap(({ ports }) =>
    ports.flatMap(({ protocol, hostPort, lapsed, loopback }) =>
      hostPort === undefined || lapsed || loopback ? [] : [{ protocol, port: hostPort }],
    ),
  );
}
