import type { AddressInfo } from 'node:net';
import { diff } from '../../src/decide/diff/diff.ts';
import type { Inventory } from '../../src/decide/inventory/model.ts';
import type { Config } from '../../src/decide/policy/config.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import type { Health } from '../../src/decide/report/health.ts';
import type { Refusal } from '../../src/decide/report/status.ts';
import { render } from '../../src/decide/wall/render.ts';
import type { Explain } from '../../src/faces/web/explain.ts';
import { LastLook } from '../../src/faces/web/last-look.ts';
import { listen, type Listener } from '../../src/faces/web/listener.ts';
import type { Look } from '../../src/faces/web/read-page.ts';
import { routes } from '../../src/faces/web/routes.ts';
import { createPageServer } from '../../src/faces/web/server.ts';
import { fakeWorld } from '../contract/world.ts';

/** What runs on the staged host. */
export interface Scene {
  readonly inventory: Inventory;
  readonly config: Config;
  readonly blocked?: readonly Refusal[];
  readonly lists?: Look['status']['sources'];
}

const well: Health = { healthy: true, problems: [], drift: {} };

/** The real server on loopback, over a policy and a kernel (the fake one) that the test sets. */
export class PageStage {
  health = well;
  /** Before the first pass there is nothing to see. */
  started = true;
  readonly url: string;
  readonly #world: ReturnType<typeof fakeWorld>;
  readonly #looks: LastLook;
  readonly #listener: Listener;
  #scene: Scene | undefined;
  #now = 0;

  private constructor(parts: {
    world: ReturnType<typeof fakeWorld>;
    looks: LastLook;
    listener: Listener;
    url: string;
    self: { stage?: PageStage };
  }) {
    this.#world = parts.world;
    this.#looks = parts.looks;
    this.#listener = parts.listener;
    this.url = parts.url;
    parts.self.stage = this;
  }

  /** @param explain who answers the form; nobody, and there is none. */
  static async open(scene: Scene, explain?: Explain): Promise<PageStage> {
    const world = fakeWorld();
    await dockerChains(world);
    const self: { stage?: PageStage } = {};
    const looks = new LastLook({
      observe: async () => world.kernel.observe(),
      clock: { now: () => (self.stage ? (self.stage.#now += 10_000) : 0), after: () => () => {} },
      today: () => new Date('2026-03-01T10:31:02Z'),
    });
    const handler = routes({
      host: () => 'nas.example.org',
      health: () => self.stage?.health ?? well,
      look: async () => {
        const look = self.stage?.started === false ? undefined : await looks.look();
        return look && self.stage?.withStaged(look);
      },
      explain,
    });
    const server = createPageServer(handler, { kind: 'tcp', names: [] });
    const listener = await listen(server, { host: '127.0.0.1', port: 0 });
    const { port } = server.address() as AddressInfo;
    const stage = new PageStage({ world, looks, listener, url: `http://127.0.0.1:${port}/`, self });
    await stage.pass(scene);
    return stage;
  }

  /** Who was turned away and how lists are, which neither the fake kernel nor the policy knows. */
  private withStaged(look: Look): Look {
    const { blocked, lists = [] } = this.#scene ?? {};
    return { ...look, blocked, status: { ...look.status, sources: lists } };
  }

  /** A pass on this scene, written to the kernel. */
  async pass(scene: Scene): Promise<void> {
    const { inventory, config } = scene;
    const { kernel } = this.#world;
    const policy = resolve(inventory, config);
    const ruleset = render(policy, 'asked');
    const plan = diff(ruleset, await kernel.observe());
    await kernel.apply(plan);
    const observed = await kernel.observe();
    this.#scene = scene;
    this.#looks.passed({ observed, policy, ruleset, plan, engine, foreign: [] });
  }

  /** Somebody takes rules away. */
  async flush(): Promise<void> {
    await this.#world.run({
      program: 'iptables-nft-restore',
      args: ['--noflush'],
      input: '*mangle\n-F PREROUTING\nCOMMIT\n',
      timeoutMs: 1000,
    });
  }

  async close(): Promise<void> {
    await this.#listener.close();
  }
}

const engine = {
  facts: {
    version: '29.7.2',
    apiVersion: '1.55',
    firewall: 'iptables',
    rootless: false,
    osType: 'linux',
    desktop: false,
    liveRestore: true,
    swarm: 'no',
  },
  findings: [],
} as const;

async function dockerChains(world: ReturnType<typeof fakeWorld>): Promise<void> {
  for (const program of ['iptables-nft-restore', 'ip6tables-nft-restore']) {
    for (const input of [
      '*filter\n:DOCKER - [0:0]\nCOMMIT\n',
      '*nat\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\nCOMMIT\n',
    ])
      await world.run({ program, args: ['--noflush'], input, timeoutMs: 1000 });
  }
}
