/** The calls that dockwall makes, by how its errors begin, and the variables of docker-socket-proxy that allow them. */
const calls = [
  ['asking Docker about itself', '/info', 'INFO'],
  ['asking Docker for its version', '/version', 'VERSION'],
  ['listing containers', '/containers', 'CONTAINERS'],
  ['inspecting container', '/containers', 'CONTAINERS'],
  ['listing networks', '/networks', 'NETWORKS'],
  ['inspecting network', '/networks', 'NETWORKS'],
  ['listing services', '/services', 'SERVICES'],
  ['opening the event stream', '/events', 'EVENTS'],
] as const;

/**
 * What to say of a 401, 403 or 405: Docker itself gives none to its socket, so a proxy before it does, with a page for browsers
 * (haproxy's in docker-socket-proxy). Undefined for any other status.
 */
export function refusalOf(what: string, status: number | undefined): string | undefined {
  if (status === undefined || ![401, 403, 405].includes(status)) return undefined;
  const said = `${what}: refused (HTTP ${status}) by a proxy before Docker's socket`;
  const call = calls.find(([beginning]) => what.startsWith(beginning));
  return call === undefined
    ? said
    : `${said}; have it allow GET ${call[1]} (docker-socket-proxy: ${call[2]}=1)`;
}
