import { createHash, type Hash } from 'node:crypto';
import type { Backend } from '../../decide/diff/model.ts';
import { type Family, families } from '../../decide/net/network.ts';
import { hookedChains } from '../../decide/wall/hooks.ts';
import { isFilledByRules, isOwnedChain, isOwnedSet } from '../../decide/wall/names.ts';
import { programOf } from './backend.ts';
import type { ReadLines } from './reader.ts';

/** What is looked at besides the sets. */
export interface FingerprintScope {
  readonly families: readonly Family[];
  readonly backends: readonly Backend[];
}

/**
 * More than this from `ipset save`, and its members are only counted the next time: 100,000 take 70 ms to print. Who was turned
 * away does not count here: that is bounded, and nobody outside may choose how closely we look.
 */
const mostOutput = 256 * 1024;
/** Fewer than this, and they are looked at again. */
const fewMembers = 4000;

/**
 * A hash of all that is ours in the kernel, for noticing that it is no longer what it was: cheap enough for every few
 * seconds, and of no other meaning. Counters and members that expire by themselves are left out. Where the host's sets are
 * large, members are counted and not compared.
 */
export class Fingerprint {
  private readonly readLines: ReadLines;
  private readonly foreign: () => ReadonlySet<string>;
  private countOnly = false;

  /**
   * @param foreign the external sets that are looked into, by name: that they are there, and of which type, belongs to what is ours.
   * What they hold does not.
   */
  constructor(readLines: ReadLines, foreign: () => ReadonlySet<string>) {
    this.readLines = readLines;
    this.foreign = foreign;
  }

  /** Rejects where a program fails. */
  async take(scope: FingerprintScope): Promise<string> {
    const sides = scope.backends.flatMap((backend) =>
      families.filter((family) => scope.families.includes(family)).map((family) => ({ family, backend })),
    );
    const foreign = this.foreign();
    const parts = await Promise.all([
      this.countOnly ? this.countSets(foreign) : this.readSets(foreign),
      ...sides.map(async (side) => this.digest([programOf(side, 'save')], rulesOf)),
    ]);
    return parts.join(' ');
  }

  private async readSets(foreign: ReadonlySet<string>): Promise<string> {
    let size = 0;
    let passedOver = 0;
    const reader = (hash: Hash): ((line: string) => void) => {
      const read = membersOf(hash, foreign);
      return (line) => {
        if (isFilledByRules(nameIn(line))) passedOver += line.length + 1;
        else read(line);
      };
    };
    const text = await this.digest(['ipset', 'save'], reader, (all) => (size = all));
    this.countOnly = size - passedOver > mostOutput;
    return text;
  }

  private async countSets(foreign: ReadonlySet<string>): Promise<string> {
    let members = 0;
    const text = await this.digest(['ipset', 'list', '-t'], (hash) => {
      const read = headersOf(hash, foreign);
      let blocked = false;
      return (line) => {
        if (line.startsWith('Name: ')) blocked = isFilledByRules(line.slice('Name: '.length));
        if (blocked) return;
        members += Number(/^Number of entries: (\d+)/.exec(line)?.[1] ?? 0);
        read(line);
      };
    });
    this.countOnly = members >= fewMembers;
    return text;
  }

  private async digest(
    argv: readonly [string, ...string[]],
    reader: (hash: Hash) => (line: string) => void,
    onSize: (size: number) => void = () => {},
  ): Promise<string> {
    const hash = createHash('sha256');
    onSize(await this.readLines(argv, reader(hash)));
    return hash.digest('base64url');
  }
}

function nameIn(line: string): string {
  return line.split(' ', 2)[1] ?? '';
}

/**
 * `ipset save`: `create NAME TYPE ...` without sizes that grow, `add NAME MEMBER [timeout N] [packets N bytes N]` without
 * counters, but for what expires. Of external sets that are looked into, the shape; and the members, where they are sets.
 */
function membersOf(hash: Hash, foreign: ReadonlySet<string>): (line: string) => void {
  const lists = new Set<string>();
  return (line) => {
    const name = nameIn(line);
    const created = line.startsWith('create ');
    if (foreign.has(name) && created && line.includes(' list:set ')) lists.add(name);
    if (!isOwnedSet(name) && !lists.has(name) && !(foreign.has(name) && created)) return;
    if (created) add(hash, line.replace(/ (?:hashsize|bucketsize|initval) \S+/g, ''));
    else if (!/ timeout [1-9]/.test(line)) add(hash, line.replace(/ packets \d+ bytes \d+/, ''));
  };
}

/** `ipset list -t`: a header of lines for each set. */
function headersOf(hash: Hash, foreign: ReadonlySet<string>): (line: string) => void {
  let wanted = noLine;
  return (line) => {
    if (line.startsWith('Name: ')) wanted = wantedLines(line.slice('Name: '.length), foreign);
    if (wanted.test(line)) add(hash, line.replace(/ (?:hashsize|bucketsize|initval) \S+/g, ''));
  };
}

function wantedLines(name: string, foreign: ReadonlySet<string>): RegExp {
  if (isOwnedSet(name)) return /^(?:Name|Type|References|Number of entries):/;
  return foreign.has(name) ? /^(?:Name|Type|Header):/ : noLine;
}

const noLine = /(?!)/;

/** `iptables-save`: our chains, every rule that names one, and the first rule of each chain we are to be first in. */
function rulesOf(hash: Hash): (line: string) => void {
  let table = '';
  const seen = new Set<string>();
  return (line) => {
    if (line.startsWith('*')) table = line;
    const [verb = '', chain = ''] = line.split(' ', 2);
    if (verb.startsWith(':') && isOwnedChain(verb.slice(1))) add(hash, `${table} ${verb}`);
    if (verb !== '-A') return;
    const place = `${table} ${chain}`;
    const first = !seen.has(place) && hookedChains(table.slice(1)).includes(chain);
    seen.add(place);
    if (first || line.includes('DOCKWALL-')) add(hash, `${table} ${line}`);
  };
}

function add(hash: Hash, line: string): void {
  hash.update(`${line}\n`);
}
