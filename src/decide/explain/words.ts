import { rangeText } from '../net/port-run.ts';
import { isSourceWord } from '../net/source-word.ts';
import { spanText } from '../net/span.ts';
import type { Agreement, Because, Member, MemberOrigin, Path, Step, Stop } from './model.ts';

/** An explanation's parts as words for people: the same on a terminal and on a page. */

export const verdictWords: Readonly<Record<Path['verdict'], string>> = {
  allowed: 'allowed',
  denied: 'denied',
  'not managed': 'not managed by dockwall',
};

/** The verdict of dockwall, and where others surely stop what it lets in, that. */
export function outcomeWords({ verdict, others }: Pick<Path, 'verdict' | 'others'>): string {
  const stopped = verdict === 'allowed' && others.some(({ certain }) => certain);
  return stopped ? 'allowed by dockwall, STOPPED BY OTHERS' : verdictWords[verdict];
}

/** A rule of others on the way: `stopped by DOCKER-USER (filter, IPv4, nft): -i eth0 -j DROP`. */
export function stopWords({ certain, does, where, rule }: Stop): string {
  const what =
    does === 'drops' ? (certain ? 'stopped' : 'may be stopped') : certain ? 'taken' : 'may be taken';
  return `${what} by ${where}: ${rule}`;
}

/** `203.0.113.7 (home.example.org) -> nginx-proxy, port 443/tcp` */
export function pathWords(path: Path): string {
  return pathsWords(path, [path]);
}

/** The same of paths that differ from the first by port and family only: `... -> nginx-proxy, ports 80/tcp and 443/tcp`. */
export function pathsWords(path: Path, all: readonly Path[]): string {
  const sources = [...new Set(all.map(({ source }) => source))].join(' and ');
  const by = path.interface === undefined ? '' : ` by ${path.interface}`;
  const name = path.sourceName === undefined ? '' : ` (${path.sourceName})`;
  const { destination } = path;
  const ports = portsWords(all, destination === undefined);
  const address = destination?.includes(':') === true ? `[${destination}]` : destination;
  const where = address === undefined ? ports : `${address}:${ports}`;
  const service = path.service === undefined ? '' : `${path.service}, `;
  return `${sources}${name}${by} -> ${service}${where}`;
}

/** `port 80/tcp`, `ports 80/tcp, 443/tcp and 443/udp`, `ports 8000-8099/tcp` */
function portsWords(paths: readonly Path[], named: boolean): string {
  const runs: { from: number; to: number; readonly protocol: string }[] = [];
  for (const { port, protocol } of paths.toSorted(byPort)) {
    const last = runs.at(-1);
    if (last?.protocol === protocol && port <= last.to + 1) last.to = port;
    else runs.push({ from: port, to: port, protocol });
  }
  const texts = runs.map(({ from, to, protocol }) => `${rangeText({ from, to })}/${protocol}`);
  const shown = texts.slice(0, mostRuns);
  const more = texts.length - shown.length;
  const words = listWords(more === 0 ? shown : [...shown, `${more} more`]);
  if (!named) return words;
  const single = runs.length === 1 && runs[0]?.from === runs[0]?.to;
  return `${single ? 'port' : 'ports'} ${words}`;
}

const mostRuns = 12;

function byPort(a: Path, b: Path): number {
  return a.protocol === b.protocol ? a.port - b.port : a.protocol < b.protocol ? -1 : 1;
}

function listWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** The label, key or default that decides, and the member of a list that matched. */
export function becauseWords(because: Because): string {
  switch (because.kind) {
    case 'trusted':
      return `trusted: ${memberWords(because.member)}`;
    case 'public':
      return `${reasonWords(because.reason)}: everybody`;
    case 'allowed':
    case 'denied by a label':
      return `${reasonWords(because.reason)}: ${memberWords(because.member)}`;
    case 'denied':
      return `deny in the configuration: ${memberWords(because.member)}`;
    case 'closed':
      return 'published, and nothing lets this source in';
    case 'loopback':
      return 'bound to loopback: nothing from outside is let through to it';
    case 'unpublished':
      return "a container's own address, where nothing is open to this source";
    case 'not published':
      return "no container publishes this port; the host's own firewall decides";
    case 'elsewhere':
      return 'not an address of this host or of a container on it';
    case 'inside':
      return 'never filtered: ask from another machine';
    case 'other interface':
      return `what comes in by ${because.interface} is not judged`;
    case 'not protected':
      return `NOT PROTECTED: ${because.network}`;
  }
}

function reasonWords({ label, value }: { readonly label: string; readonly value: string }): string {
  return label === 'default' ? `default: ${value} in the configuration` : `${label}=${value}`;
}

function memberWords({ group, text, origin }: Member): string {
  const from = originWords(origin);
  // a DNS name or an interface that a label names is a group of its own
  if (group === undefined || group === text) return `${text} (${from})`;
  const word = isSourceWord(group) ? group : `group ${group}`;
  return `${word}, ${text} (${from})`;
}

function originWords(origin: MemberOrigin): string {
  switch (origin.kind) {
    case 'configuration':
      return 'written in the configuration';
    case 'label':
      return 'written in the label';
    case 'built-in':
      return 'a built-in group';
    case 'interface':
      return 'everything that arrives there';
    case 'ipset':
      return `in the ipset ${origin.name}, which something else keeps`;
    case 'for a while':
      return `for a while, ${spanText(Math.max(1, origin.secondsLeft))} left${origin.note === undefined ? '' : `: ${origin.note}`}`;
    case 'source':
      switch (origin.source.kind) {
        case 'name':
          return `an address of the DNS name ${origin.source.name}`;
        case 'url':
          return `from the list ${origin.source.url}`;
        case 'file':
          return `from the file ${origin.source.path}`;
      }
  }
}

/** Where the packet goes: `gate, Docker's DNAT to 172.17.0.2:80, front`. */
export function wayWords(way: readonly Step[]): string {
  return way.map(stepWords).join(', ');
}

function stepWords(step: Step): string {
  switch (step.kind) {
    case 'gate':
    case 'lock':
    case 'front':
    case 'docker-proxy':
      return step.kind;
    case 'DNAT':
      return step.to === undefined ? "Docker's DNAT" : `Docker's DNAT to ${step.to}`;
    case 'Docker':
      return "Docker's DNAT or docker-proxy";
    case 'routed':
      return `routed to ${step.to}`;
    case 'host network':
      return "the host's network, which the container shares";
    case 'mesh':
      return "Swarm's mesh";
    case 'host':
      return 'the host itself';
  }
}

/** Whether what stands of our rules agrees; empty where nothing is to be said. @param all paths of which the same is said, by rules of their own */
export function kernelWords(kernel: Agreement, all: readonly { readonly kernel: Agreement }[] = []): string {
  switch (kernel.kind) {
    case 'not asked':
    case 'no rule':
      return '';
    case 'agrees': {
      const rules = [kernel, ...all.map((one) => one.kernel)].flatMap((one) =>
        one.kind === 'agrees' && one.rule !== undefined ? [`"${one.rule.note}" in ${one.rule.chain}`] : [],
      );
      const each = [...new Set(rules)];
      if (each.length === 0) return "dockwall's rules in the kernel agree";
      return `dockwall's rules in the kernel agree (${each.length === 1 ? 'rule' : 'rules'} ${listWords(each)})`;
    }
    case 'differs': {
      const what = kernel.missing.length === 0 ? '' : `: ${kernel.missing.join('; ')}`;
      return `THE KERNEL DIFFERS, there it is ${verdictWords[kernel.does]} now${what} (dockwall plan shows what a pass would change)`;
    }
  }
}
