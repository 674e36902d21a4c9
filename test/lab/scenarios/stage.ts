import { expect } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import type { Client } from '../client.ts';
import { type Dockwall, type DockwallOptions, runDockwall, startDockwall, writeConfig } from '../dockwall.ts';
import type { EngineOptions } from '../engine-options.ts';
import { Lab } from '../lab.ts';
import { until } from '../poll.ts';
import { way } from '../started-as.ts';
import { Foreign } from './foreign.ts';
import type { EngineSetup } from './matrix.ts';
import { readRuleText } from './rule-text.ts';

/** T is trusted, G is in the group `web`, everybody else (X, and the neighbour N) is forbidden. */
export const usualConfig = `
logLevel: debug
trusted: [198.51.100.10, "2001:db8:a::10"]
groups:
  web: [203.0.113.20, "2001:db8:b::20"]
`;

/** One engine with dockwall beside it, for a whole test file; rules and sets of somebody else are there from the start. */
export class Stage {
  readonly lab: Lab;
  readonly setup: EngineSetup;
  readonly foreign: Foreign;
  /** Every rule and set before dockwall ever ran here. */
  readonly #untouched: string;
  #rearranged = false;
  #dockwall: Dockwall | undefined;

  private constructor(lab: Lab, setup: EngineSetup, before: { foreign: Foreign; rules: string }) {
    this.lab = lab;
    this.setup = setup;
    this.foreign = before.foreign;
    this.#untouched = before.rules;
  }

  static async open(setup: EngineSetup, options: Partial<EngineOptions> = {}): Promise<Stage> {
    const { title: _, ...engine } = setup;
    const name = `scen${engine.version}${Math.random().toString(36).slice(2, 7)}`;
    // Docker has no swarm with live-restore
    const manager = way() === 'swarm' ? { liveRestore: false } : {};
    const lab = await Lab.start({ name, engine: { ...engine, ...options, ...manager } });
    if (way() === 'swarm') await beManager(lab);
    const foreign = await Foreign.plant(lab);
    return new Stage(lab, setup, { foreign, rules: await readRuleText(lab) });
  }

  get host(): Lab['host'] {
    return this.lab.host;
  }

  get dockwall(): Dockwall {
    if (!this.#dockwall) throw new Error('dockwall was not started on this stage');
    return this.#dockwall;
  }

  get guarded(): boolean {
    return this.#dockwall?.running === true;
  }

  client(name: string): Client {
    return this.lab.client(name);
  }

  /** Starts dockwall and waits until it is well. */
  async guard(options: DockwallOptions = {}): Promise<Dockwall> {
    const daemon = await this.guardOnly({ config: usualConfig, ...options });
    await daemon.waitHealthy();
    // healthy is the first pass; the event stream may open a moment later
    await this.pass();
    return daemon;
  }

  /** Starts dockwall and returns at once. */
  async guardOnly(options: DockwallOptions): Promise<Dockwall> {
    if (this.#dockwall?.running) throw new Error('dockwall is running on this stage');
    this.#dockwall = await startDockwall(this.lab, options);
    return this.#dockwall;
  }

  /** Another configuration, in force when this is done. */
  async configure(text: string): Promise<void> {
    writeConfig(this.lab, text);
    await this.pass();
  }

  /** Waits until a pass has ended that began after this call. */
  async pass(): Promise<void> {
    // The line that the first signal brings may be of a pass that was under way; the next one's pass began after it.
    for (let i = 0; i < 2; i++) {
      const from = this.dockwall.lines.length;
      this.dockwall.reload();
      await this.dockwall.waitForLog(({ msg }) => isPass(msg), 15_000, from);
    }
  }

  /** How many passes dockwall has ended; its log level has to be `debug`. */
  get passes(): number {
    return this.dockwall.lines.filter(({ msg }) => isPass(msg)).length;
  }

  /** S19: nothing foreign has changed. Then every container and network of the scenario goes; the next one starts on a clean host. */
  async clear(): Promise<void> {
    this.foreign.expectUntouched(await this.foreign.read());
    await this.#clear();
  }

  async #clear(): Promise<void> {
    const { engine } = this.lab;
    // a test that failed half way may have left it down, and the docker command waits for an activation socket without an end
    if (!engine.running) await engine.start();
    const all = (await engine.docker('ps', '--all', '--quiet')).split('\n').filter(Boolean);
    if (all.length > 0) await engine.docker('rm', '--force', ...all);
    await engine.docker('network', 'prune', '--force');
  }

  /** What a rule program prints on the Docker host, written to the backend that Docker uses. */
  async print(program: string, ...args: readonly string[]): Promise<string> {
    // legacy has one lock for all, and who does not say so does not wait for it
    const wait = program === 'iptables' || program === 'ip6tables' ? ['-w', '5'] : [];
    return (await this.host.exec([program, ...wait, ...args])).stdout;
  }

  /**
   * Call after a scenario has had somebody take rules or sets away (`iptables -F`): the foreign ones are planted anew, and from
   * now on only what is ours is looked for at the end, since Docker may not have put its own back as they were.
   */
  async flushed(): Promise<void> {
    this.rearranged();
    await this.foreign.replant();
  }

  /** Call where a scenario gives the host or its Docker other rules of their own, for the same reason. */
  rearranged(): void {
    this.#rearranged = true;
  }

  /** S18 and S19 at the end of every file: nothing foreign has changed, and `down` leaves no trace. */
  async close(): Promise<void> {
    try {
      if (this.#dockwall?.running) await this.#dockwall.kill();
      this.foreign.expectUntouched(await this.foreign.read());
      if (this.#dockwall) await this.#expectNoTrace();
    } finally {
      await this.lab.down();
    }
  }

  async #expectNoTrace(): Promise<void> {
    if (!this.lab.engine.running) await this.lab.engine.start();
    await this.#clear();
    expect(await runDockwall(this.lab, ['down'])).toMatchObject({ exitCode: 0 });
    const text = await readRuleText(this.lab);
    if (this.#rearranged) expect(text).not.toMatch(/DOCKWALL-|dockwall:|dockwall[46]-/);
    // sorted: an engine that has restarted with live-restore has put its own jumps in another order (26.1)
    else expect(text.split('\n').toSorted()).toEqual(this.#untouched.split('\n').toSorted());
  }

  /** The same port on the host's IPv4 and IPv6 address. */
  both(port: number, proto: Target['proto'] = 'tcp'): readonly Target[] {
    return [this.host.v4, this.host.v6].map((ip) => ({ proto, ip, port }));
  }

  /** The same port where Docker itself serves it, for a container on the default bridge. */
  served(port: number, proto: Target['proto'] = 'tcp'): readonly Target[] {
    return this.both(port, proto).filter((_, index) => this.#serves[index]);
  }

  /** Both families, one question each. */
  async connect(who: string, port: number): Promise<readonly string[]> {
    const { v4, v6 } = this.host;
    return Promise.all([v4, v6].map(async (ip) => this.client(who).connect(ip, port)));
  }

  /** Waits until this client gets in over every family that Docker serves. */
  async waitOpen(who: string, port: number, ms = 10_000): Promise<void> {
    let seen: readonly string[] = [];
    await until({ what: `${who} to reach port ${port}`, ms }, async () => {
      seen = await this.connect(who, port);
      return this.#isOpen(seen);
    }).catch((error: Error) => {
      throw new Error(`${error.message} (IPv4, IPv6: ${seen.join(', ')})`, { cause: error });
    });
  }

  async expectOpen(who: string, ...ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      const seen = await this.connect(who, port);
      const wanted = seen.map((verdict, index) => (this.#serves[index] ? 'open' : verdict));
      expect([who, port, ...seen]).toEqual([who, port, ...wanted]);
    }
  }

  /** The default bridge has IPv4 only; IPv6 to it is docker-proxy's. */
  get #serves(): readonly [boolean, boolean] {
    return [true, this.lab.engine.options.userlandProxy];
  }

  #isOpen(verdicts: readonly string[]): boolean {
    return verdicts.every((verdict, index) => verdict === 'open' || !this.#serves[index]);
  }

  /** A family that nobody serves is not published either: a refusal there is the host's own word. */
  async expectClosed(who: string, ...ports: readonly number[]): Promise<void> {
    const seen = await Promise.all(ports.map(async (port) => [port, await this.connect(who, port)] as const));
    const closed = (verdict: string, index: number): string =>
      verdict === 'refused' && !this.#serves[index] ? verdict : 'timeout';
    expect(seen.map(([port, verdicts]) => [who, port, ...verdicts])).toEqual(
      seen.map(([port, verdicts]) => [who, port, ...verdicts.map(closed)]),
    );
  }
}

/** Its rules are there as well when this is done. */
async function beManager({ engine, host }: Lab): Promise<void> {
  await engine.docker('swarm', 'init', '--advertise-addr', host.v4);
  await until({ what: 'the sandbox of the mesh', ms: 20_000 }, async () => {
    const inspect = ['docker', 'network', 'inspect', 'docker_gwbridge'];
    return (await engine.exec(inspect, { allowFailure: true })).stdout.includes('"ingress-sbox"');
  });
}

function isPass(message: unknown): boolean {
  return message === 'nothing to do' || message === 'brought the kernel up to date';
}
