import { expect } from 'vitest';
import type { Lab } from '../lab.ts';

/** Rules, chains and sets of somebody else, some with names near to ours: they must never change by a byte. */
const rules = [
  // an engine with "iptables": false has none
  'iptables -n -L DOCKER-USER >/dev/null 2>&1 || iptables -N DOCKER-USER',
  'iptables -A DOCKER-USER -s 198.51.100.99 -m comment --comment foreign -j DROP',
  'iptables -I DOCKER-USER -p tcp --dport 12345 -m comment --comment foreign -j DROP',
  ...['iptables', 'ip6tables'].flatMap((program) => [
    `${program} -N DOCKWALL`,
    `${program} -A DOCKWALL -p udp --dport 7 -m comment --comment foreign -j RETURN`,
    `${program} -A INPUT -p tcp --dport 2222 -m comment --comment foreign -j ACCEPT`,
    `${program} -A INPUT -m comment --comment foreign -j DOCKWALL`,
    `${program} -t mangle -A PREROUTING -p tcp --dport 9 -m comment --comment foreign -j MARK --set-xmark 0x1/0x1`,
    `${program} -t mangle -A FORWARD -m comment --comment foreign -j RETURN`,
  ]),
  'ipset create foreign-admins hash:net comment',
  // not as arguments: ipset 7.22 (trixie) reads memory that is not its own for a comment there, and may crash
  'echo add foreign-admins 198.51.100.0/26 comment office | ipset restore',
  'ipset create dockwall-foreign hash:ip timeout 0',
  'ipset add dockwall-foreign 203.0.113.66',
  'iptables -A INPUT -m set --match-set foreign-admins src -m comment --comment foreign -j ACCEPT',
];

/** What takes the same away again, as far as it is still there. */
const weeds = [
  ...rules.filter((line) => / -[AI] /.test(line)).map((line) => line.replace(/ -[AI] /, ' -D ')),
  ...['iptables', 'ip6tables'].flatMap((program) => [`${program} -F DOCKWALL`, `${program} -X DOCKWALL`]),
  ...['foreign-admins', 'dockwall-foreign'].map((set) => `ipset destroy ${set}`),
].map((line) => `${line} 2>/dev/null || :`);

export class Foreign {
  readonly #lab: Lab;
  #planted: string;

  private constructor(lab: Lab, planted: string) {
    this.#lab = lab;
    this.#planted = planted;
  }

  static async plant(lab: Lab): Promise<Foreign> {
    await lab.host.exec(['sh', '-ec', rules.join('\n')]);
    return new Foreign(lab, await read(lab));
  }

  /** For a scenario in which somebody takes rules away (`iptables -F`): what is left goes, and all of it is planted anew. */
  async replant(): Promise<void> {
    await this.#lab.host.exec(['sh', '-ec', [...weeds, ...rules].join('\n')]);
    this.#planted = await read(this.#lab);
  }

  async read(): Promise<string> {
    return read(this.#lab);
  }

  expectUntouched(text: string): void {
    expect(text).toBe(this.#planted);
  }
}

/** In the order of the tables' names: the kernel's is that in which they were made. */
async function read(lab: Lab): Promise<string> {
  const saved = await Promise.all(
    [['iptables-save'], ['ip6tables-save'], ['ipset', 'save']].map(async (argv) => lab.host.exec(argv)),
  );
  return saved
    .flatMap(({ stdout }) => stdout.split(/^(?=\*)/m).toSorted())
    .flatMap((table) => table.split('\n'))
    .filter((line) => line.includes('foreign') || line.startsWith(':DOCKWALL '))
    .map((line) => line.replace(/ \[\d+:\d+\]$/, ''))
    .join('\n');
}
