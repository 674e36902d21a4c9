import { calls } from './calls.ts';

/**
 * What to say of a 401, 403 or 405: Docker itself gives none to its socket, so a proxy before it does, with a page for browsers
 * (haproxy's in docker-socket-proxy). Undefined for any other status.
 */
export function refusalOf(what: string, status: number | undefined): string | undefined {
  if (status === undefined || ![401, 403, 405].includes(status)) return undefined;
  const said = `${what}: refused (HTTP ${status}) by a proxy before Docker's socket`;
  const call = Object.values(calls).find((one) => what.startsWith(one.what));
  return call === undefined
    ? said
    : `${said}; have it allow GET /${call.path.split('/')[1]} (docker-socket-proxy: ${call.variable}=1)`;
}
