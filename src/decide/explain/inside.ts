import { shorten } from '../net/show.ts';
import type { Inside, Asker, Moment } from './model.ts';
import { interfacesOf, isLoopback } from './packets.ts';

/** Undefined for an asker outside. Packets of the host itself and of containers are never filtered, so they prove nothing. */
export function insideOf({ address }: Asker, { policy, inventory, own }: Moment): Inside | undefined {
  if (isLoopback(address)) return { kind: 'loopback' };
  if (own.has(address)) return { kind: 'host' };
  const container = policy.services.find(({ endpoints }) =>
    endpoints.some((endpoint) => endpoint.address === address),
  );
  if (container !== undefined) return { kind: 'container', name: shorten(container.name) };
  const bridge = interfacesOf(address, inventory).find((name) => policy.inside.includes(name));
  if (bridge === undefined) return undefined;
  const network = policy.networks.find((one) => one.bridge === bridge);
  return { kind: 'bridge', network: shorten(network?.name ?? bridge) };
}
