import { mkdirSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { routerAddress } from './addresses.ts';
import { cellArgv, spawnDetached } from './cell.ts';
import type { Lab } from './lab.ts';
import { namespaceName } from './network.ts';
import { nodeBinary } from './paths.ts';
import { until } from './poll.ts';
import { isAlive, type ProcessRef, signal } from './processes.ts';
import { rootFs } from './root-fs.ts';

/** Records of the zone `example.org`, as zone files have them: `home 5 A 203.0.113.20`. */
export type Zone = readonly string[];

/** NSD on the router, where the sidecar's /etc/resolv.conf points: answers and TTLs are what the test says. */
export class NameServer {
  readonly #lab: Lab;
  readonly #dir: string;
  #serial = 0;
  #process: ProcessRef | undefined;

  private constructor(lab: Lab, dir: string) {
    this.#lab = lab;
    this.#dir = dir;
  }

  static async start(lab: Lab, zone: Zone): Promise<NameServer> {
    const dir = path.join(lab.disk, 'names');
    mkdirSync(dir, { recursive: true });
    const server = new NameServer(lab, dir);
    await server.revive(zone);
    return server;
  }

  /** Other answers, which it gives when this is done. */
  async answer(zone: Zone): Promise<void> {
    this.#write(zone);
    if (this.#process) signal(this.#process, 'SIGHUP');
    await this.#answering();
  }

  /** Whoever asks hears nothing, until `speak`. */
  async silence(): Promise<void> {
    await this.#filter('-I');
  }

  async speak(): Promise<void> {
    await this.#filter('-D');
  }

  /** Nobody listens any more: whoever asks is told so. */
  async die(): Promise<void> {
    const ended = this.#process;
    if (ended === undefined) return;
    signal(ended, 'SIGKILL');
    await until({ what: 'the name server to be gone', ms: 5000 }, () => !isAlive(ended));
    this.#process = undefined;
  }

  async revive(zone: Zone): Promise<void> {
    await this.die();
    this.#write(zone);
    const spec = {
      netns: namespaceName(this.#lab.id, 'inet'),
      root: await rootFs('names'),
      scratch: mkdtempSync(path.join(this.#dir, 'cell-')),
      mounts: [{ from: this.#dir, to: '/names' }],
    };
    const log = openSync(path.join(this.#dir, 'log'), 'a');
    this.#process = await spawnDetached(cellArgv(spec, ['nsd', '-d', '-c', '/names/nsd.conf']), log);
    this.#lab.rememberCell(this.#process);
    await this.#answering();
  }

  #write(zone: Zone): void {
    this.#serial += 1;
    const soa = `@ 5 SOA ns.example.org. root.example.org. ${this.#serial} 60 60 86400 5`;
    const text = ['$ORIGIN example.org.', soa, '@ 5 NS ns', `ns 5 A ${routerAddress.v4}`, ...zone, ''];
    writeFileSync(path.join(this.#dir, 'zone'), text.join('\n'));
    writeFileSync(path.join(this.#dir, 'nsd.conf'), configuration);
  }

  async #answering(): Promise<void> {
    const script = `const { Resolver } = require('node:dns/promises');
      const resolver = new Resolver({ timeout: 300, tries: 1 });
      resolver.setServers(['${routerAddress.v4}']);
      resolver.resolveSoa('example.org').then(({ serial }) => console.log(serial), () => undefined);`;
    await until({ what: 'the name server to answer', ms: 15_000, every: 20 }, async () => {
      const said = await this.#lab.internet.exec([nodeBinary(), '-e', script]);
      return Number(said.stdout) === this.#serial;
    });
  }

  async #filter(how: '-I' | '-D'): Promise<void> {
    await this.#lab.internet.exec(['iptables', how, 'INPUT', '-p', 'udp', '--dport', '53', '-j', 'DROP']);
  }
}

const configuration = `server:
  ip-address: ${routerAddress.v4}
  ip-address: ${routerAddress.v6}
  username: ""
  zonesdir: "/names"
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "/tmp/zone.list"
  cookie-secret-file: ""
  server-count: 1
  zonefiles-check: yes
remote-control:
  control-enable: no
zone:
  name: example.org
  zonefile: zone
`;
