import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { skipWithoutLab } from '../requirements.ts';
import { countAnew, countedCalls, countingPath } from './counting.ts';
import { engines } from './matrix.ts';
import { readRuleText } from './rule-text.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// What dockwall writes, how often it does, and what it leaves behind: S18, S19, live sets, the cost of a pass.

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('traces, Docker $title', (setup) => {
  let stage: Stage;
  let before: string;
  let counted: string;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await run('public', 8001, { 'dockwall.public': '*' });
    await run('allowed', 8002, { 'dockwall.allow': 'web' });
    before = await readRuleText(stage.lab);
    counted = countingPath(stage.lab);
    await stage.guard({ env: { PATH: counted } });
  });
  afterAll(async () => stage.close());

  it('a pass costs the same for 2 containers and for 20, and a steady one writes nothing', async () => {
    // One pass and no other: the daemon's own would be counted too.
    await stage.dockwall.stop();
    const few = await callsOfPasses();
    const more = Array.from({ length: 18 }, (_, index) => index + 3);
    await Promise.all(
      more.map(async (n) => run(`c${n}`, 8000 + n, n % 2 ? { 'dockwall.allow': 'web' } : {})),
    );
    const many = await callsOfPasses();
    expect(many).toEqual(few);
    expect(few.writing.filter((call) => call.includes('restore')).length).toBeGreaterThan(0);
    expect(few.steady.length).toBeGreaterThan(0);
    expect(few.steady.filter((call) => call.includes('restore'))).toEqual([]);
    await stage.lab.engine.docker('rm', '--force', ...more.map((n) => `c${n}`));
    await stage.guard({ env: { PATH: counted } });
  });

  it('a source is let in and taken out by its set alone', async () => {
    await watching({ stage, who: ['N'], closed: stage.both(8002) }, async (watch) => {
      await watch.keepServed('G', 8002);
      const rules = await ruleText();
      const x = stage.client('X');
      await stage.expectClosed('X', 8002);
      await stage.print('ipset', 'add', 'dockwall4-trusted', x.v4, 'timeout', '60');
      await stage.print('ipset', 'add', 'dockwall6-trusted', x.v6);
      await stage.expectOpen('X', 8002);
      expect(await ruleText()).toBe(rules);
      const from = stage.dockwall.lines.length;
      await stage.pass();
      const warning = await stage.dockwall.waitForLog(({ level }) => level === 40, 5000, from);
      expect(warning).toMatchObject({ set: 'dockwall6-trusted', member: x.v6 });
      expect(warning['msg']).toMatch(/^removed the permanent member/);
      expect(await x.connect(stage.host.v4, 8002)).toBe('open');
      expect(await x.connect(stage.host.v6, 8002)).not.toBe('open');
      expect(await ruleText()).toBe(rules);
      await stage.print('ipset', 'del', 'dockwall4-trusted', x.v4);
      await stage.expectClosed('X', 8002);
    });
  });

  it('a source that leaves the configuration loses its running sessions', async () => {
    const g = stage.client('G');
    const t = stage.client('T');
    const [through, proxied, kept] = await Promise.all([
      g.stream({ proto: 'tcp', ip: stage.host.v4, port: 8002 }),
      // through docker-proxy, where there is one
      g.stream({ proto: 'tcp', ip: stage.served(8002).at(-1)?.ip ?? '', port: 8002 }),
      t.stream({ proto: 'tcp', ip: stage.host.v4, port: 8002 }),
    ]);
    for (const stream of [through, proxied, kept]) await stream.waitFlowing();
    await stage.configure(usualConfig.replace(/web: .*/, 'web: []'));
    for (const stream of [through, proxied]) await stream.waitSilent(500, 5000);
    await stage.expectClosed('G', 8002);
    const { echoed } = await kept.look();
    await kept.waitFlowing();
    expect((await kept.look()).echoed).toBeGreaterThanOrEqual(echoed);
    expect((await kept.look()).silentFor).toBeLessThan(500);
    for (const stream of [through, proxied, kept]) await stream.close();
    await stage.configure(usualConfig);
    await stage.expectOpen('G', 8002);
  });

  it('S18: a second one finds nothing to do', async () => {
    const text = await readRuleText(stage.lab);
    await stage.dockwall.stop();
    const daemon = await stage.guard();
    const passes = daemon.lines.filter(
      ({ msg }) => msg === 'nothing to do' || msg === 'brought the kernel up to date',
    );
    // the lock had no owner any more: it is written as it was, and is this one's now
    const changed = passes.flatMap(({ changes = [] }) => changes as readonly string[]);
    expect(changed.filter((change) => !change.includes('dockwall-lock'))).toEqual([]);
    expect(passes.slice(1).map(({ msg }) => msg)).toEqual(passes.slice(1).map(() => 'nothing to do'));
    expect(daemon.text).toContain('the gate was standing');
    expect(await readRuleText(stage.lab)).toBe(text);
    expect(await runDockwall(stage.lab, ['plan', '--check'])).toMatchObject({ exitCode: 0 });
  });

  it('S18, S19: down leaves every table and set as if dockwall had never run', async () => {
    stage.foreign.expectUntouched(await stage.foreign.read());
    expect(await runDockwall(stage.lab, ['down'])).toMatchObject({ exitCode: 1 });
    await stage.dockwall.stop();
    const down = await runDockwall(stage.lab, ['down']);
    expect(down).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(
        /^- the front .*\n- the gate .*\n- the lock: the whole table\n- \d+ sets; .*\nEvery published port is open again as Docker left it\.$/,
      ),
    });
    expect(await readRuleText(stage.lab)).toBe(before);
    await stage.expectOpen('X', 8002);
  });

  async function run(name: string, port: number, labels: Record<string, string>): Promise<void> {
    await runService(stage.lab.engine, { name, publish: [`${port}:80`], labels });
  }

  async function ruleText(): Promise<string> {
    const saved = await Promise.all(
      ['iptables-save', 'ip6tables-save'].map(async (name) => stage.print(name)),
    );
    return saved.join('\n').replaceAll(/^#.*$|\[\d+:\d+\]/gm, '');
  }

  /** The programs that one pass starts, sorted: one that has everything to write, and one after it. */
  async function callsOfPasses(): Promise<{ writing: readonly string[]; steady: readonly string[] }> {
    expect(await runDockwall(stage.lab, ['down'])).toMatchObject({ exitCode: 0 });
    return { writing: await callsOfPass(), steady: await callsOfPass() };
  }

  async function callsOfPass(): Promise<readonly string[]> {
    countAnew(stage.lab);
    expect(await runDockwall(stage.lab, ['apply'], { env: { PATH: counted } })).toMatchObject({
      exitCode: 0,
    });
    return countedCalls(stage.lab).toSorted();
  }
});
