import { missingJumps } from '../../decide/diff/docker-rules.ts';
import type { Observed } from '../../decide/diff/model.ts';
import { hookedChains } from '../../decide/wall/hooks.ts';
import { isOwnedChain } from '../../decide/wall/names.ts';
import type { HostView, Line } from './model.ts';

/** What is seen of the rules of others: names only. */
interface Seen {
  readonly chains: readonly string[];
  readonly sets: readonly string[];
  readonly nft: readonly string[];
  /** What rules in DOCKER-USER jump to; empty text where one jumps nowhere. */
  readonly dockerUser: readonly string[];
}

interface Neighbour {
  readonly name: string;
  readonly is: (seen: Seen) => boolean;
  readonly text: string;
  readonly advice?: string;
}

const banAdvice =
  'let dockwall look into its set: deny: [{ipset: NAME}]; see docs/how-it-works.md, "External sets"';

/** Programs that people have beside Docker, by what they leave in the kernel. */
const neighbours: readonly Neighbour[] = [
  {
    name: 'ufw-docker',
    is: ({ dockerUser }) => dockerUser.some((target) => /^ufw6?-(?:docker|user-forward)/.test(target)),
    text: 'ufw rules in DOCKER-USER: they drop what dockwall opens, until `ufw route allow` opens it once more',
    advice: 'keep one of the two: take its block out of /etc/ufw/after.rules, or use it alone',
  },
  {
    name: 'ufw',
    is: ({ chains }) => chains.some((chain) => /^ufw6?-/.test(chain)),
    text: "it guards the host's own services; published ports pass it by, and are dockwall's, but for what docker-proxy serves (IPv6 to networks that have IPv4 only): that goes through INPUT, where ufw's default deny shuts it",
    advice: 'dockwall explain ADDRESS PORT names the rule that stops it; `ufw allow PORT` lets it through',
  },
  {
    name: 'firewalld',
    is: ({ chains, nft }) => nft.includes('inet firewalld') || chains.includes('INPUT_ZONES'),
    text: 'each reload of it has Docker write its rules anew; the gate stands meanwhile',
  },
  {
    name: 'fail2ban',
    is: ({ chains, sets, nft }) =>
      [...chains, ...sets].some((one) => one.startsWith('f2b-')) ||
      nft.some((one) => one.endsWith(' f2b-table')),
    text: 'it bans in INPUT, which published ports do not pass',
    advice: banAdvice,
  },
  {
    name: 'crowdsec',
    is: ({ chains, sets, nft }) => [...chains, ...sets, ...nft].some((one) => /crowdsec/i.test(one)),
    text: 'its bouncer bans by sets of its own',
    advice: banAdvice,
  },
  {
    name: 'kubernetes',
    is: ({ chains }) => chains.some((chain) => chain.startsWith('KUBE-')),
    text: 'its ports are not published by Docker: dockwall has no say in them',
  },
  {
    name: 'calico',
    is: ({ chains }) => chains.some((chain) => chain.startsWith('cali-')),
    text: 'it uses bits of the packet mark: compare with the line "mark"',
  },
  {
    name: 'tailscale',
    is: ({ chains }) => chains.some((chain) => chain.startsWith('ts-')),
    text: 'who arrives by tailscale0 is outside like anybody; trusted: ["interface:tailscale0"] lets them in',
  },
];

/** Other tools, and rules of others where they matter. */
export function neighbourLines({ netfilter, nftTables }: HostView): readonly Line[] {
  if (netfilter.kind === 'failed') return [];
  const seen = look(netfilter.observed, nftTables ?? []);
  const found = neighbours
    .filter(({ is }) => is(seen))
    .map(({ name, text, advice }): Line => ({
      topic: name,
      kind: 'note',
      text,
      ...(advice === undefined ? {} : { advice }),
    }));
  return [
    ...(found.length === 0
      ? [{ topic: 'others', kind: 'ok', text: 'no firewall tool that dockwall knows' } as const]
      : found),
    ...ruleLines(netfilter.observed),
    ...([4, 6] as const)
      .flatMap((family) => missingJumps(netfilter.observed, family))
      .map((text): Line => ({
        topic: 'docker',
        kind: 'problem',
        text,
        advice: 'restart Docker, which writes its rules again',
      })),
  ];
}

function look({ tables, foreign }: Observed, nft: readonly string[]): Seen {
  const chains = tables.flatMap((table) => [...table.chains.keys()]);
  const dockerUser = tables.flatMap((table) => table.chains.get('DOCKER-USER') ?? []);
  return {
    chains,
    sets: foreign === 'unsupported' ? [] : foreign.map(({ name }) => name),
    nft,
    dockerUser: dockerUser.map(({ target }) => target ?? ''),
  };
}

/** Where others decide besides dockwall. Docker up to 28 ends DOCKER-USER with a RETURN of its own. */
function ruleLines({ tables }: Observed): readonly Line[] {
  const user = tables
    .filter(({ table }) => table === 'filter')
    .flatMap(({ chains }) => chains.get('DOCKER-USER') ?? [])
    .filter(({ spec }) => spec !== '-j RETURN');
  const before = tables
    .filter(({ table }) => table === 'mangle')
    .flatMap(({ chains }) => hookedChains('mangle').map((chain) => chains.get(chain) ?? []))
    .flatMap((rules) => {
      const ours = rules.findIndex(({ target }) => isOwnedChain(target ?? ''));
      return ours === -1 ? [] : rules.slice(0, ours);
    });
  return [
    ...counted(user.length, 'in DOCKER-USER: what they drop stays out, also where dockwall opens a port'),
    ...counted(before.length, "before the gate's jumps (mangle): it does not see what they accept or drop"),
  ];
}

function counted(count: number, text: string): readonly Line[] {
  if (count === 0) return [];
  const words = count === 1 ? '1 rule of others' : `${count} rules of others`;
  return [{ topic: 'others', kind: 'note', text: `${words} ${text}` }];
}
