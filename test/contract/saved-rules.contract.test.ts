import { afterEach, describe, expect, it } from 'vitest';
import { diff } from '../../src/decide/diff/diff.ts';
import type { Backend } from '../../src/decide/diff/model.ts';
import { families } from '../../src/decide/net/network.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import { renderBoot } from '../../src/decide/wall/boot.ts';
import { render } from '../../src/decide/wall/render.ts';
import { bootSetsText } from '../../src/faces/cli/boot-sets-text.ts';
import { bootUnitText } from '../../src/faces/cli/boot-unit-text.ts';
import type { Output } from '../../src/reach/kernel/command.ts';
import { unitCommands } from '../lab/systemd.ts';
import { groupsOf, makeConfig, makeContainer, makeInventory, ports } from '../unit/policy/inventories.ts';
import { canTestRealKernel } from './namespace.ts';
import { realWorld, type World } from './world.ts';

// Rules that somebody saves while the walls are up (iptables-save, netfilter-persistent save), loaded at the next boot: a namespace with
// nothing in it. The real programs, for the question is what they refuse.

const timeoutMs = 10_000;
const dockers =
  '*nat\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n*filter\n:DOCKER - [0:0]\n-A FORWARD -j DOCKER\nCOMMIT\n';
const others = '*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -i eth9 -j DROP\nCOMMIT\n';

const container = makeContainer('web', {
  labels: { 'dockwall.allow': 'office,198.51.100.7', 'dockwall.deny': 'office' },
  ports: ports('8001:80', '192.0.2.1:8002:80'),
});
const config = makeConfig({ groups: groupsOf({ office: ['198.51.100.0/24'] }) });
const policy = resolve(makeInventory([container]), config);
const ruleset = render(policy, 'asked');

describe.skipIf(!canTestRealKernel()).each(['nft', 'legacy'] as const)(
  'saved rules, iptables-%s',
  (backend) => {
    const worlds: World[] = [];
    const boot = (): World => {
      const world = realWorld();
      worlds.push(world);
      return world;
    };
    afterEach(() => {
      for (const world of worlds.splice(0)) world.close();
    });

    const call = async (
      world: World,
      program: string,
      args: readonly string[],
      input = '',
    ): Promise<Output> => world.run({ program, args, input, timeoutMs });
    const load = async (world: World, text: string): Promise<Output> =>
      call(world, `iptables-${backend}-restore`, [], text);
    const show = async (world: World): Promise<string> =>
      (await call(world, `iptables-${backend}-save`, [])).stdout;
    const play = async (world: World, unit: string): Promise<void> => {
      for (const { argv } of unitCommands(unit, 'ExecStart')) {
        const [program = '', ...args] = argv;
        expect(await call(world, program, args)).toMatchObject({ exitCode: 0, stderr: '' });
      }
    };

    /** A host with rules of its own and both walls. */
    async function walled(): Promise<World> {
      const world = boot();
      await load(world, dockers);
      await call(world, `iptables-${backend}-restore`, ['--noflush'], others);
      await world.kernel.apply(diff(ruleset, await world.kernel.observe()));
      expect(await show(world)).toContain('-j DOCKWALL-SERVICES');
      return world;
    }

    it('do not load where our sets are missing; without our lines they do', async () => {
      const text = await show(await walled());
      const refused = await load(boot(), text);
      expect(refused.exitCode).not.toBe(0);
      expect(refused.stderr).toMatch(/Set dockwall4-\S+ doesn't exist/);
      const world = boot();
      const { stdout } = await call(world, 'grep', ['-v', 'DOCKWALL'], text);
      expect(await load(world, stdout)).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await show(world)).toContain('-A INPUT -i eth9 -j DROP');
      expect(await show(world)).not.toMatch(/dockwall/i);
    });

    it('load with the sets of the unit, and nobody gets in until the first pass has mended them', async () => {
      const text = await show(await walled());
      const world = boot();
      await play(world, bootSetsText(ruleset.sets));
      expect(await load(world, text)).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await show(world)).toContain('-A INPUT -i eth9 -j DROP');
      await play(world, wall(backend));
      const loaded = await show(world);
      for (const chain of ['INPUT', 'FORWARD']) {
        const first = new RegExp(`-A ${chain} .*`).exec(loaded.slice(loaded.indexOf('*mangle')))?.[0];
        expect(first).toContain(`-j DOCKWALL-BOOT-${chain}`);
      }
      await world.kernel.apply(diff(ruleset, await world.kernel.observe()));
      const { sets } = await world.kernel.observe();
      expect(sets.map(({ name }) => name).toSorted()).toEqual(
        ruleset.sets.map(({ name }) => name as string).toSorted(),
      );
      expect(await show(world)).not.toContain('DOCKWALL-BOOT');
    });

    it('saved with their members (ipset-persistent) they are no wall to count on: the wall of the boot stands before them', async () => {
      const before = await walled();
      const sets = (await call(before, 'ipset', ['save'])).stdout;
      const text = await show(before);
      const world = boot();
      expect(await call(world, 'ipset', ['restore', '-exist'], sets)).toMatchObject({ exitCode: 0 });
      expect(await load(world, text)).toMatchObject({ exitCode: 0 });
      await play(world, wall(backend));
      expect(await show(world)).toMatch(/-A INPUT .*-j DOCKWALL-BOOT-INPUT\n-A INPUT .*-j DOCKWALL-INPUT/);
    });

    it('the units change nothing where the walls stand and Docker runs', async () => {
      const world = await walled();
      await call(world, 'ip', ['link', 'add', 'docker0', 'type', 'bridge']);
      const before = [await show(world), (await call(world, 'ipset', ['save'])).stdout];
      await play(world, bootSetsText(ruleset.sets));
      await play(world, wall(backend));
      const after = [await show(world), (await call(world, 'ipset', ['save'])).stdout];
      const plain = (texts: readonly string[]): string =>
        texts.join('\n').replaceAll(/^#.*$|\[\d+:\d+\]/gm, '');
      expect(plain(after)).toBe(plain(before));
    });
  },
);

function wall(backend: Backend): string {
  const walls = families.map((family) => ({ table: renderBoot(policy, [], family), backend }));
  return bootUnitText({ kept: [], left: [], walls });
}
