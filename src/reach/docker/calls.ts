import type { DockerClient } from './client.ts';

/** A call that dockwall makes: always GET. */
export interface Call {
  /** How its errors begin. */
  readonly what: string;
  /** Without the version that goes before it; `{id}` is one part. */
  readonly path: string;
  /** The variable of docker-socket-proxy that allows it. */
  readonly variable: string;
}

/** Every call that dockwall makes of Docker; docs/security.md has the same list, for whoever sets up a proxy before the socket. */
export const calls: Readonly<Record<keyof DockerClient | 'ping', Call>> = {
  ping: { what: 'asking Docker for its API version', path: '/_ping', variable: 'PING' },
  info: { what: 'asking Docker about itself', path: '/info', variable: 'INFO' },
  version: { what: 'asking Docker for its version', path: '/version', variable: 'VERSION' },
  containers: { what: 'listing containers', path: '/containers/json', variable: 'CONTAINERS' },
  inspect: { what: 'inspecting container', path: '/containers/{id}/json', variable: 'CONTAINERS' },
  networks: { what: 'listing networks', path: '/networks', variable: 'NETWORKS' },
  network: { what: 'inspecting network', path: '/networks/{id}', variable: 'NETWORKS' },
  services: { what: 'listing services', path: '/services', variable: 'SERVICES' },
  watch: { what: 'opening the event stream', path: '/events', variable: 'EVENTS' },
};

/** The call that a request is, as a strict proxy would look for it; undefined for any other. */
export function callOf(method: string, url: string): Call | undefined {
  const asked = url.replace(/\?.*$/, '').replace(/^\/v\d+\.\d+(?=\/)/, '');
  const fits = ({ path }: Call): boolean => new RegExp(`^${path.replace('{id}', '[^/]+')}$`).test(asked);
  return method === 'GET' ? Object.values(calls).find(fits) : undefined;
}
