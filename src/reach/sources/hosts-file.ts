import { isIP } from 'node:net';

/**
 * The addresses that /etc/hosts gives a name. Loopback ones do not count: Debian writes a machine's own name beside 127.0.1.1, and
 * nothing from outside ever comes from there.
 */
export function findInHosts(text: string, name: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/u, '').trim().toLowerCase().split(/\s+/u);
    const counts = isIP(address) !== 0 && !address.startsWith('127.') && address !== '::1';
    return counts && names.some((one) => one.replace(/\.$/u, '') === name) ? [address] : [];
  });
}
