import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inCampaign } from '../campaign/record.ts';
import { runService } from '../containers.ts';
import { type Dockwall, type DockwallOptions, runDockwall, startDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { expectNothingOpened, type Prober } from '../prober.ts';
import { childrenOf } from '../processes.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { recordProbes } from './record.ts';
import { Stage } from './stage.ts';

// S33: somebody takes the gate away and nobody puts it back: the lock stands behind it, and everything published is shut.

/** How long the gate is away, ms. */
const away = 500;
/** How long somebody flushes without a pause, ms. */
const flushing = inCampaign ? 60_000 : 4000;

/** The gate, and the front: what is left is the lock. */
const takeGate = ['iptables', 'ip6tables']
  .map((name) => `${name} -w 5 -t mangle -F; ${name} -w 5 -F DOCKWALL-SERVICES 2>/dev/null`)
  .join('; ');
const publicPort = 8003;
const closedPort = 8002;

describe.skipIf(skipWithoutLab()).each(engines('nft'))('the lock, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await runService(stage.lab.engine, { name: 'closed', publish: ['8002:80'] });
    const labels = { 'dockwall.public': 'http' };
    await runService(stage.lab.engine, { name: 'open', publish: ['8003:80'], labels });
  });
  beforeEach(async () => {
    if (!stage.guarded) await stage.guard();
  });
  afterEach(async () => {
    if (stage.guarded) {
      stage.dockwall.signal('SIGCONT');
      await stage.dockwall.stop();
    }
    await runDockwall(stage.lab, ['down']);
    await stage.flushed();
  });
  afterAll(async () => stage.close());

  async function shell(script: string): Promise<void> {
    await stage.host.exec(['sh', '-c', script], { allowFailure: true });
  }
  const nft = async (...args: readonly string[]): Promise<string> =>
    (await stage.host.exec(['nft', ...args], { allowFailure: true })).stdout;
  /** nft 1.0.6 (bookworm) knows no `persist`, and prints what it does not know as nothing. */
  const isOwned = async (): Promise<boolean> =>
    (await nft('list', 'table', 'inet', 'dockwall-lock')).includes('flags owner');
  const probing = async (port: number): Promise<Prober> =>
    stage.client('X').probe(stage.served(port), { every: 1, patience: 400 });

  /** Takes the gate away while nobody can put it back; whether X got in where he may not, and whether he gets in where all may. */
  async function withoutGate(): Promise<void> {
    const [forbidden, allowed] = await Promise.all([probing(closedPort), probing(publicPort)]);
    await shell(takeGate);
    const before = await allowed.look();
    await sleep(away);
    const [report, open] = await Promise.all([forbidden.stop(), allowed.stop()]);
    recordProbes(stage, [report]);
    expectNothingOpened(report);
    // shut too: a handshake that was under way may still end
    open.targets.forEach((one, index) => {
      expect(one.attempts).toBeGreaterThan((before.targets[index]?.attempts ?? 0) + 10);
      expect(one.opened.length - (before.targets[index]?.opened.length ?? 0)).toBeLessThan(10);
    });
  }

  it('S33: a dockwall that hangs has its gate taken away, and nobody gets in', async () => {
    expect(await isOwned()).toBe(true);
    stage.dockwall.signal('SIGSTOP');
    await withoutGate();
    await stage.host.exec(['nft', 'flush', 'ruleset'], { allowFailure: true });
    await stage.expectClosed('X', closedPort);
    stage.dockwall.signal('SIGCONT');
    await stage.waitOpen('X', publicPort);
    await stage.expectClosed('X', closedPort);
  });

  it('S33: a dockwall that was killed leaves its lock; the next one takes it, and opens what is public', async () => {
    await stage.dockwall.kill();
    await until({ what: 'the lock without an owner', ms: 5000 }, async () => !(await isOwned()));
    expect(await nft('list', 'tables')).toContain('dockwall-lock');
    await stage.expectOpen('X', publicPort);
    await withoutGate();
    await stage.guard();
    await stage.waitOpen('X', publicPort);
    expect(await isOwned()).toBe(true);
    stage.dockwall.signal('SIGSTOP');
    await withoutGate();
  });

  it('S33: flushed again and again', async () => {
    const prober = await stage.client('X').probe(stage.both(closedPort), { every: 1 });
    const all = 'nft flush ruleset; iptables -t mangle -F; ip6tables -t mangle -F';
    await shell(`end=$(($(date +%s) + ${flushing / 1000})); while [ $(date +%s) -lt $end ]; do ${all}; done`);
    const report = await prober.stop();
    recordProbes(stage, [report]);
    expectNothingOpened(report);
  });

  it('S33: its program is killed: another takes the lock', async () => {
    const holders = (): readonly number[] =>
      childrenOf(stage.dockwall.pid).flatMap(({ pid, args }) =>
        args.join(' ').trim() === 'nft -i' ? [pid] : [],
      );
    const [held = 0, ...more] = holders();
    expect([held > 0, more]).toEqual([true, []]);
    const passes = stage.passes;
    process.kill(held, 'SIGKILL');
    await until({ what: 'another program', ms: 10_000 }, () => {
      const [now] = holders();
      return now !== undefined && now !== held;
    });
    await stage.pass();
    expect(stage.passes).toBeGreaterThan(passes);
    expect(await isOwned()).toBe(true);
    stage.dockwall.signal('SIGSTOP');
    await withoutGate();
  });

  it("S33: replaced while it runs: the lock is the first one's until that ends, and public ports stay open", async () => {
    const allowed = await probing(publicPort);
    const next = await startDockwall(stage.lab, { env: { DOCKWALL_RUNTIME_DIR: '/tmp/dockwall' } });
    try {
      const told = await next.waitForLog(({ msg }) =>
        String(msg).startsWith('the lock belongs to another process'),
      );
      expect(told['level']).toBeDefined();
      await stage.dockwall.stop();
      await until({ what: 'the second to hold the lock', ms: 40_000 }, async () => {
        next.reload();
        await sleep(200);
        return isOwned();
      });
      const report = await allowed.stop();
      for (const one of report.targets) expect(one.opened.length).toBe(one.attempts);
      next.signal('SIGSTOP');
      await withoutGate();
    } finally {
      next.signal('SIGCONT');
      await next.kill();
    }
  });

  it('S33: taken away on purpose, when dockwall is gone', async () => {
    await stage.dockwall.kill();
    await shell('nft delete table inet dockwall-lock');
    expect(await nft('list', 'tables')).not.toContain('dockwall-lock');
    await shell(takeGate);
    await stage.expectOpen('X', publicPort, closedPort);
  });

  /** dockwall with another nft: `script` reads each line of what is written, and hands on what it likes. */
  async function guardWith(script: string, options: DockwallOptions = {}): Promise<Dockwall> {
    const file = path.join(stage.lab.disk, 'nft');
    const real = '/usr/sbin/nft';
    writeFileSync(
      file,
      `#!/bin/sh\n[ "$1" = -i ] || exec ${real} "$@"\nwhile read -r line; do case "$line" in ${script}\n*) printf '%s\\n' "$line";; esac; done | ${real} -i\n`,
    );
    chmodSync(file, 0o755);
    const mounts = [{ from: file, to: '/usr/local/sbin/nft', readOnly: true }];
    if (stage.guarded) await stage.dockwall.stop();
    await runDockwall(stage.lab, ['down']);
    return stage.guard({ ...options, mounts });
  }
  const refuse = (words: string): string =>
    `*${words}*) echo "Error: Could not process rule: Operation not supported" >&2;;`;

  it('S33: without the lock, X gets in where the gate is taken away', async () => {
    await guardWith(refuse('dockwall-lock'));
    await stage.dockwall.waitForLog(({ msg }) => String(msg).startsWith('the lock cannot be put up here'));
    expect(await nft('list', 'tables')).not.toContain('dockwall-lock');
    stage.dockwall.signal('SIGSTOP');
    await shell(takeGate);
    await stage.expectOpen('X', publicPort, closedPort);
  });

  it('S33: on a kernel without persist the lock is there while dockwall is, and goes with it', async () => {
    await guardWith(refuse('persist'));
    expect(await isOwned()).toBe(true);
    stage.dockwall.signal('SIGSTOP');
    await withoutGate();
    stage.dockwall.signal('SIGCONT');
    await stage.waitOpen('X', publicPort);
    await stage.pass();
    await stage.dockwall.kill();
    await until(
      { what: 'the lock to go', ms: 5000 },
      async () => !(await nft('list', 'tables')).includes('dockwall-lock'),
    );
    await stage.expectClosed('X', closedPort);
    await stage.expectOpen('X', publicPort);
  });
});
