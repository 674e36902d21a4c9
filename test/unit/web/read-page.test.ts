import { describe, expect, it } from 'vitest';
import { diff } from '../../../src/decide/diff/diff.ts';
import type { Inventory } from '../../../src/decide/inventory/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import type { Health } from '../../../src/decide/report/health.ts';
import { render } from '../../../src/decide/wall/render.ts';
import { LastLook } from '../../../src/faces/web/last-look.ts';
import type { PageModel } from '../../../src/faces/web/page-model.ts';
import { statusPage } from '../../../src/faces/web/page.ts';
import { familyText, hostText } from '../../../src/faces/web/port-text.ts';
import { readPage } from '../../../src/faces/web/read-page.ts';
import { fakeWorld, type World } from '../../contract/world.ts';
import { FakeClock } from '../daemon/fake-clock.ts';
import {
  groupsOf,
  makeConfig,
  makeContainer,
  makeInventory,
  peerList,
  ports,
} from '../policy/inventories.ts';

const well: Health = { healthy: true, problems: [], drift: {} };
const today = new Date('2026-03-01T10:00:00Z');
const config = makeConfig({
  trusted: peerList(['192.0.2.1'], ['office']),
  deny: peerList(['203.0.113.0/24']),
  groups: groupsOf({ office: ['198.51.100.1', '198.51.100.3', '198.51.100.5', '198.51.100.7'], empty: [] }),
});

interface Desk {
  readonly world: World;
  readonly clock: FakeClock;
  /** How often the kernel was looked at for the page, whether it cannot be, and what it has counted of each member. */
  readonly kernel: { looks: number; fails: boolean; counts: number };
  readonly pass: (inventory: Inventory) => Promise<void>;
  readonly page: (health?: Health) => Promise<PageModel>;
}

function desk(): Desk {
  const world = fakeWorld();
  const clock = new FakeClock();
  const kernel = { looks: 0, fails: false, counts: 0 };
  const observe: World['kernel']['observe'] = async () => {
    kernel.looks += 1;
    if (kernel.fails) throw new Error('no netlink');
    const observed = await world.kernel.observe();
    const counted = (members: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
      new Map([...members.keys()].map((member) => [member, kernel.counts]));
    return {
      ...observed,
      sets: observed.sets.map((set) =>
        set.packets === undefined ? set : { ...set, packets: counted(set.members) },
      ),
    };
  };
  const looks = new LastLook({ observe, clock, today: () => today });
  return {
    world,
    clock,
    kernel,
    pass: async (inventory) => {
      const policy = resolve(inventory, config);
      const ruleset = render(policy, 'asked');
      const observed = await world.kernel.observe();
      const plan = diff(ruleset, observed);
      await world.kernel.apply(plan);
      looks.passed({
        observed,
        policy,
        ruleset,
        plan,
        engine: { facts: undefined, findings: [] },
        foreign: [],
      });
    },
    page: async (health = well) =>
      readPage({ host: 'nas', health, look: await looks.look(), explains: false }),
  };
}

const inventory = makeInventory([
  makeContainer('wiki', {
    labels: { 'dockwall.allow': 'office', 'dockwall.description': 'the wiki' },
    ports: ports('8080:80', '53:53/udp', '192.0.2.1:81:81', ':82'),
  }),
]);

describe('the page', () => {
  it('says before the first pass that nothing is known', async () => {
    expect(await desk().page()).toMatchObject({
      state: { kind: 'starting', text: 'The gate is up; Docker has not been asked yet', passed: undefined },
      services: [],
    });
  });

  it('says that the walls are up as soon as the pass is done that has put them up', async () => {
    const { pass, page } = desk();
    await pass(inventory);
    expect(await page()).toMatchObject({
      state: { kind: 'up', text: 'The walls are up', passed: today },
      problems: [],
      services: [{ name: 'wiki', description: 'the wiki', running: true }],
    });
  });

  it('says of a port where it is, who reaches it and why', async () => {
    const { pass, page } = desk();
    await pass(inventory);
    const [wiki] = (await page()).services;
    const because = 'dockwall.allow=office';
    const rest = { held: true, reach: 'some', allow: ['office'], deny: [], because };
    const counts = { accepted: 0, connections: 0, refused: 0 };
    expect(wiki?.ports).toMatchObject([
      { hostPort: '8080', containerPort: '80', protocol: 'tcp', ...rest, counts },
      { hostPort: '53', containerPort: '53', protocol: 'udp', ...rest, counts },
      { hostPort: '192.0.2.1:81', containerPort: '81', protocol: 'tcp', ...rest, counts },
      { hostPort: null, containerPort: '82', protocol: 'tcp', ...rest, counts: null },
    ]);
    expect(wiki?.ports.map(hostText)).toEqual(['8080', '53/udp', '192.0.2.1:81', 'not chosen yet']);
    expect(wiki?.ports.map(familyText)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('says what was counted of each port', async () => {
    const { pass, page, kernel } = desk();
    kernel.counts = 600_000;
    await pass(inventory);
    // a port of every address is two members, and published in both families
    expect((await page()).services[0]?.ports.map(({ counts }) => counts)).toMatchObject([
      { connections: 2_400_000, refused: 2_400_000 },
      { connections: 2_400_000, refused: 2_400_000 },
      { connections: 600_000, refused: 600_000 },
      null,
    ]);
  });

  it('says who the sources are', async () => {
    const { pass, page } = desk();
    await pass(inventory);
    expect((await page()).sources).toEqual([
      { kind: 'trusted', name: 'trusted', who: 'office, 192.0.2.1' },
      { kind: 'denied', name: 'denied', who: '203.0.113.0/24' },
      { kind: 'group', name: 'empty', who: 'nobody now' },
      { kind: 'group', name: 'office', who: '4 networks' },
    ]);
  });

  it('shows when somebody has taken a wall away, and what dockwall says of itself', async () => {
    const { pass, page, clock, world } = desk();
    await pass(inventory);
    await page();
    const input = '*mangle\n-F PREROUTING\nCOMMIT\n';
    await world.run({ program: 'iptables-nft-restore', args: ['--noflush'], input, timeoutMs: 1000 });
    // what was seen serves all who ask within a second
    expect((await page()).state.kind).toBe('up');
    await clock.advance(1001);
    expect(await page()).toMatchObject({
      state: { kind: 'down', text: 'A wall is not in place' },
      problems: ['IPv4 gate: not in place; the next pass puts it back'],
    });
    expect((await page()).facts.filter(({ bad }) => bad)).toEqual([
      { name: 'IPv4 gate', text: 'not in place (nft)', bad: true },
    ]);
    await pass(inventory);
    const ill = { healthy: false, problems: ['Docker cannot be reached'], drift: {} };
    expect(await page(ill)).toMatchObject({
      state: { kind: 'trouble', text: 'The walls are up, and something is wrong' },
      problems: ['Docker cannot be reached'],
    });
  });

  it('does not say that all is well while strangers walk past the walls', async () => {
    const { pass, page } = desk();
    const host = { networkMode: { kind: 'host' } } as const;
    await pass(
      makeInventory([makeContainer('hass', host), makeContainer('off', { ...host, active: false })]),
    );
    expect(await page()).toMatchObject({
      state: { kind: 'trouble', text: 'The walls are up, and one service is not protected by them' },
      problems: [
        'Not protected: hass (host network, no dockwall.ports): every port that it listens on is open to whoever reaches this host; name its ports with the label dockwall.ports, or leave that empty where it has none',
      ],
    });
    await pass(makeInventory([makeContainer('hass', { ...host, labels: { 'dockwall.ports': '' } })]));
    expect((await page()).state).toMatchObject({ kind: 'up', text: 'The walls are up' });
  });

  it('looks at the kernel once for all who ask at the same time', async () => {
    const { pass, page, kernel } = desk();
    await pass(inventory);
    await Promise.all(Array.from({ length: 20 }, async () => page()));
    expect(kernel.looks).toBe(1);
  });

  it('says why the kernel could not be looked at, and shows what was', async () => {
    const { pass, page, clock, kernel } = desk();
    await pass(inventory);
    const services = (await page()).services.map((service) => ({
      ...service,
      // the pass has seen what was there before it
      ports: service.ports.map((port) => ({ ...port, counts: null })),
    }));
    kernel.fails = true;
    await clock.advance(1001);
    expect(await page()).toMatchObject({
      services,
      state: { kind: 'down' },
      problems: expect.arrayContaining([
        'the kernel could not be looked at; this is how it was before the last pass: Error: no netlink',
      ]),
    });
  });

  it('gives each service an id of its own', async () => {
    const { pass, page } = desk();
    const named = (name: string, id: string): ReturnType<typeof makeContainer> =>
      makeContainer(name, { id, ports: ports('80:80') });
    await pass(makeInventory([named('a', '1'), named('a', '2'), named('"><x', '3')]));
    const ids = (await page()).services.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^s-[0-9a-f]{10}(-\d+)?$/);
  });
});

describe('the list of who was turned away', () => {
  it('says "would be" while the walls only look', async () => {
    const at = desk();
    await at.pass(makeInventory([]));
    const model = { ...(await at.page()), blocked: [] };
    const heading = (observing: boolean): string | undefined =>
      /<h2[^>]*>([^<]*turned away)/i.exec(statusPage({ ...model, observing }).text)?.[1];
    expect(heading(false)).toBe('Turned away');
    expect(heading(true)).toBe('Would be turned away');
  });
});
