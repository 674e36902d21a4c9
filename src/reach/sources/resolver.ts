import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { findInHosts } from './hosts-file.ts';
import type { FamilyAnswer, ResolveName } from './names.ts';

/** Of one question to one server, ms; asked twice. Two dead servers in resolv.conf cost 6 s and 12 s. */
const patience = { timeout: 2000, tries: 2, maxTimeout: 4000 };

/** How long what /etc/hosts says holds, seconds. */
const hostsTtl = 30;

/**
 * Asks /etc/hosts, as every program does first (compose's `extra_hosts` are there), then the servers of /etc/resolv.conf. Each
 * question has a resolver of its own: a resolver reads resolv.conf once, and remembers answers.
 */
export const resolveName: ResolveName = async (name, family, signal) => {
  const hosts = findInHosts(await readFile('/etc/hosts', 'utf8').catch(() => ''), name);
  if (hosts.length > 0) {
    const addresses = hosts.filter((address) => address.includes(':') === (family === 6));
    return addresses.length === 0 ? { kind: 'none' } : { kind: 'addresses', addresses, ttl: hostsTtl };
  }
  const resolver = new Resolver(patience);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const records = await (family === 4
      ? resolver.resolve4(name, { ttl: true })
      : resolver.resolve6(name, { ttl: true }));
    if (records.length === 0) return { kind: 'none' };
    return {
      kind: 'addresses',
      addresses: records.map(({ address }) => address),
      ttl: Math.min(...records.map(({ ttl }) => ttl)),
    };
  } catch (error) {
    signal.throwIfAborted();
    return failure(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  } finally {
    signal.removeEventListener('abort', cancel);
  }
};

/** The codes are those of c-ares, without `ARES_`. */
function failure(code: string): FamilyAnswer {
  if (code === 'ENOTFOUND' || code === 'ENODATA') return { kind: 'none' };
  return { kind: 'failed', reason: reasons[code] ?? `the name server's answer cannot be used (${code})` };
}

const reasons: Readonly<Record<string, string>> = {
  ETIMEOUT: 'no name server answers',
  ECONNREFUSED: 'no name server listens where /etc/resolv.conf says',
  ESERVFAIL: 'the name server cannot find it out (SERVFAIL)',
  EREFUSED: 'the name server refuses to answer (REFUSED)',
};
