import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { configDir } from '../dockwall.ts';
import type { Lab } from '../lab.ts';

/** The programs that read and write the kernel's rules. */
export const rulePrograms = ['iptables-nft', 'iptables-legacy', 'ip6tables-nft', 'ip6tables-legacy'].flatMap(
  (name) => [`${name}-save`, `${name}-restore`, name],
);

// Writes its own name and arguments down, and becomes the program.
const counting = `#!/bin/sh
echo "\${0##*/} $*" >>/etc/dockwall/calls
exec "/usr/sbin/\${0##*/}" "$@"
`;

/** A PATH whose first folder writes down what is run; dockwall sees its config folder as /etc/dockwall. */
export function countingPath(lab: Lab): string {
  const dir = path.join(configDir(lab), 'counting');
  if (!existsSync(dir)) {
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, 'ipset'), counting, { mode: 0o755 });
    for (const name of rulePrograms) symlinkSync('ipset', path.join(dir, name));
  }
  return '/etc/dockwall/counting:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
}

/** Forgets what was run so far. */
export function countAnew(lab: Lab): void {
  writeFileSync(path.join(configDir(lab), 'calls'), '');
}

/** What was run since, in its order: `ipset restore -exist`. */
export function countedCalls(lab: Lab): readonly string[] {
  return readFileSync(path.join(configDir(lab), 'calls'), 'utf8')
    .split('\n')
    .filter(Boolean);
}
