import type { Lab } from '../lab.ts';

const saves = ['iptables-nft', 'iptables-legacy', 'ip6tables-nft', 'ip6tables-legacy'].map(
  (name) => `${name}-save`,
);

/** A table with nothing in it: the tools make one when they first write there, or only look (Docker 28 does so with raw). */
const emptyTable = /^\*\w+\n(?::\w+ ACCEPT\n)+COMMIT\n/gm;

/** All tables of all backends and all sets, a line each, without counters and what passes with time. */
export async function readRuleText(lab: Lab): Promise<string> {
  const texts = await Promise.all([
    ...saves.map(async (name) => `${name}\n${(await lab.host.exec([name])).stdout}`),
    lab.host.exec(['ipset', 'save']).then(({ stdout }) => stdout),
    lab.host.exec(['nft', 'list', 'tables', 'inet']).then(({ stdout }) => stdout),
  ]);
  return texts
    .join('\n')
    .split('\n')
    .filter(
      (line) =>
        !line.startsWith('#') &&
        !/^add dockwall\d-(?:guard|listening|cut|refused|turned-away|turned-away-last|unheard|unheard-last|asked) /.test(
          line,
        ),
    )
    .map((line) => line.replace(/ \[\d+:\d+\]$| packets \d+ bytes \d+$/, ''))
    .join('\n')
    .replaceAll(emptyTable, '')
    .replaceAll(/^\n/gm, '');
}
