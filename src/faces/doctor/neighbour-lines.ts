import { missingJumps } from '../../decide/diff/docker-rules.ts';
import type { Observed } from '../../decide/diff/model.ts';
import { hookedChains } from '../../decide/wall/hooks.ts';
import { isOwnedChain } from '../../decide/wall/names.ts';
import type { HostView, Line } from './model.ts';

/** What is seen of the rules of others: names only. */
interface Seen {
  readonly chains: readonly string[];
  readonly sets: readonly string[];
  /** Sets of others that refuse, as dockwall is configured. */
  readonly denied: ReadonlySet<string>;
  readonly nft: readonly string[];
  readonly interfaces: readonly string[];
  /** What rules in DOCKER-USER jump to; empty text where one jumps nowhere. */
  readonly dockerUser: readonly string[];
}

/** What a neighbour means here; a note unless told. */
type Said = Pick<Line, 'text' | 'advice'> & { readonly kind?: 'ok' };

interface Neighbour {
  readonly name: string;
  /** Nothing where it is not there. Chains, tables and sets are named as by Debian 13's packages. */
  readonly find: (seen: Seen) => Said | undefined;
}

const reload =
  "each start, reload and stop of it takes every rule of iptables away, Docker's and dockwall's too: public ports are shut until the gate is back, and where no lock stands all of them are open";

/** Programs that people have beside Docker, by what they leave in the kernel. */
const neighbours: readonly Neighbour[] = [
  {
    name: 'ufw-docker',
    find: ({ dockerUser }) =>
      when(
        dockerUser.some((target) => /^ufw6?-(?:docker|user-forward)/.test(target)),
        {
          text: 'ufw rules in DOCKER-USER: they drop what dockwall opens, until `ufw route allow` opens it once more',
          advice:
            'keep one of the two: take its block out of /etc/ufw/after.rules and empty DOCKER-USER (iptables -F DOCKER-USER), or use it alone',
        },
      ),
  },
  {
    name: 'ufw',
    // its other chains stay where it was disabled or reset, empty
    find: ({ chains }) =>
      when(
        chains.some((chain) => /^ufw6?-user-input$/.test(chain)),
        {
          text: "it guards the host's own services; published ports pass it by, and are dockwall's, but for what docker-proxy serves (IPv6 to networks that have IPv4 only): that goes through INPUT, where ufw's default deny shuts it",
          advice:
            'dockwall explain ADDRESS PORT names the rule that stops it; `ufw allow PORT` lets it through',
        },
      ),
  },
  { name: 'firewalld', find: firewalld },
  {
    name: 'fail2ban',
    find: (seen) =>
      bans(seen, /^f2b-/, {
        table: /^inet f2b-table$/,
        how: 'banaction = iptables-ipset in jail.local',
        names: 'f2b-JAIL}, {ipset: f2b-JAIL6',
      }),
  },
  {
    name: 'crowdsec',
    find: (seen) =>
      bans(seen, /^crowdsec/i, {
        table: /^ip6? crowdsec6?$/,
        how: 'mode: iptables in crowdsec-firewall-bouncer.yaml.local',
        names: 'crowdsec-blacklists}, {ipset: crowdsec6-blacklists',
      }),
  },
  {
    name: 'kubernetes',
    find: ({ chains }) =>
      when(
        chains.some((chain) => chain.startsWith('KUBE-')),
        {
          text: 'its ports are not published by Docker: dockwall has no say in them',
        },
      ),
  },
  {
    name: 'calico',
    find: ({ chains }) =>
      when(
        chains.some((chain) => chain.startsWith('cali-')),
        {
          text: 'it uses bits of the packet mark: compare with the line "mark"',
        },
      ),
  },
  {
    name: 'tailscale',
    find: ({ chains }) =>
      when(
        chains.some((chain) => chain.startsWith('ts-')),
        {
          text: 'who arrives by tailscale0 is outside like anybody; trusted: ["interface:tailscale0"] lets them in',
        },
      ),
  },
  {
    name: 'libvirt',
    find: ({ chains, nft, interfaces }) =>
      when(
        chains.includes('LIBVIRT_INP') ||
          nft.some((table) => table.endsWith(' libvirt_network')) ||
          interfaces.some((name) => /^virbr\d+$/.test(name)),
        guests('virbr0'),
      ),
  },
  {
    name: 'lxc',
    find: ({ nft, interfaces }) =>
      when(nft.includes('inet lxc') || interfaces.includes('lxcbr0'), guests('lxcbr0')),
  },
];

function when(there: boolean, said: Said): Said | undefined {
  return there ? said : undefined;
}

function guests(bridge: string): Said {
  return {
    text: `its guests' own traffic is not touched; at published ports they are outside like anybody; trusted: ["interface:${bridge}"] lets them in`,
  };
}

/** By FirewallBackend in firewalld.conf: a table of its own, or chains of iptables. */
function firewalld({ chains, nft }: Seen): Said | undefined {
  // _ZONES up to firewalld 0.9, _POLICIES since
  if (chains.some((chain) => /^INPUT_(?:ZONES|POLICIES)$/.test(chain)))
    return {
      text: reload,
      advice:
        'FirewallBackend=nftables in /etc/firewalld/firewalld.conf: reloads leave the rules of others alone then',
    };
  return when(nft.includes('inet firewalld'), {
    text: "it guards the host's own services, in a table of its own; a reload leaves Docker's rules and dockwall's alone; what docker-proxy serves (IPv6 to networks that have IPv4 only) goes through its zones too",
    advice: '`firewall-cmd --add-port=PORT/tcp` lets it through',
  });
}

/** A program that bans: by sets that dockwall can look into, or by what it cannot. */
function bans(
  { chains, sets, nft, denied }: Seen,
  its: RegExp,
  { table, how, names }: { readonly table: RegExp; readonly how: string; readonly names: string },
): Said | undefined {
  const own = sets.filter((set) => its.test(set));
  const used = own.filter((set) => denied.has(set));
  const advice = `deny: [{ipset: ${names}}]; ipset list -n shows the names; see docs/neighbours.md`;
  const input = 'it bans in INPUT, which published ports do not pass';
  if (own.length > 0 && used.length === own.length)
    return {
      kind: 'ok',
      text: `who it bans is refused at published ports too, by ${own.length} of its sets`,
    };
  if (own.length > 0)
    return { text: `${input}; dockwall looks into ${used.length} of its ${own.length} sets`, advice };
  if (nft.some((one) => table.test(one)))
    return {
      text: `${input}, by sets of nftables, which dockwall cannot look into`,
      advice: `have it ban by ipset (${how}), then ${advice}`,
    };
  return when(
    chains.some((chain) => its.test(chain)),
    {
      text: input,
      advice: `have it ban by ipset (${how}), then ${advice}`,
    },
  );
}

/** Other tools, and rules of others where they matter. */
export function neighbourLines(view: HostView): readonly Line[] {
  const { netfilter } = view;
  if (netfilter.kind === 'failed') return [];
  const seen = look(netfilter.observed, view);
  const found = neighbours.flatMap(({ name, find }): readonly Line[] => {
    const said = find(seen);
    return said === undefined ? [] : [{ topic: name, kind: 'note', ...said }];
  });
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

function look({ tables, foreign }: Observed, { nftTables, interfaces, decided }: HostView): Seen {
  const chains = tables.flatMap((table) => [...table.chains.keys()]);
  const dockerUser = tables.flatMap((table) => table.chains.get('DOCKER-USER') ?? []);
  return {
    chains,
    sets: foreign === 'unsupported' ? [] : foreign.map(({ name }) => name),
    denied: new Set(
      (decided?.foreign ?? [])
        .filter(({ closes, state }) => closes && state.kind === 'found')
        .map(({ name }) => name),
    ),
    nft: nftTables ?? [],
    interfaces,
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
