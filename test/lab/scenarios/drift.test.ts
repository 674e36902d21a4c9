import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProbeReport } from '../agent/protocol.ts';
import { inCampaign } from '../campaign/record.ts';
import { runService } from '../containers.ts';
import type { LogLine } from '../dockwall.ts';
import { longestGap, openFor } from '../prober.ts';
import { ticksOf } from '../processes.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { record, recordProbes } from './record.ts';
import { Stage, usualConfig } from './stage.ts';

// S9: others take away what is ours. Nobody gets in, also where the gate itself goes: the lock stands behind it. How long public ports
// are shut then is measured from outside.

/** How often each is played; for a distribution, more. */
const runs = Number(process.env['DOCKWALL_DRIFT_RUNS'] ?? '1');

/** The longest check interval that nothing but a busy machine would exceed, ms. */
const driftCheck = 3000;
const slack = 2000;

const guarded = `${usualConfig}\ndriftCheck: ${driftCheck}ms\n`;

/** How long processor time is counted, ms. */
const idle = Number(process.env['DOCKWALL_DRIFT_IDLE'] ?? '12000');

interface Played {
  /** From the damage to the repair, ms. */
  readonly after: number;
  /** Of the forbidden, and of somebody at a public port. */
  readonly report: ProbeReport;
  readonly publicReport: ProbeReport | undefined;
}

interface Damage {
  readonly what: string;
  /** For `sh -c`, in the engine's root. `iptables` is the backend that Docker uses. */
  readonly script: string;
  /** Where the gate goes, the lock shuts what is public too. */
  readonly gate: 'stands' | 'goes';
  /** Foreign lines that the damage itself takes. */
  readonly takes?: RegExp;
  /** Docker's own chains go too. */
  readonly takesDocker?: true;
  /** What is said of it; nothing where only the front is moved, which Docker does too. */
  readonly found?: RegExp;
  readonly only?: 'nft';
  /** Played once with legacy, however many runs are asked for. */
  readonly once?: true;
}

const both = (rest: string): string => `iptables ${rest}; ip6tables ${rest}`;
const ours = 'ipset list -n | grep "^dockwall[46]-"';

const damages: readonly Damage[] = [
  {
    what: 'iptables -F',
    script: both('-F'),
    gate: 'stands',
    takes: /^-A (?:INPUT|DOCKER-USER|DOCKWALL) /,
    found: /chain DOCKWALL-SERVICES \(filter, IPv4, \w+\): \+ /,
  },
  {
    what: 'iptables -t mangle -F',
    script: both('-t mangle -F'),
    gate: 'goes',
    takes: /^-A (?:PREROUTING|FORWARD) /,
    found: /chain PREROUTING \(mangle, IPv6, \w+\): \+ at the top: go to DOCKWALL-GATE/,
  },
  {
    what: 'iptables -t mangle -F and -X',
    script: `${both('-t mangle -F')}; ${both('-t mangle -X')}`,
    gate: 'goes',
    takes: /^-A (?:PREROUTING|FORWARD) /,
    found: /chain DOCKWALL-GATE \(mangle, IPv6, \w+\): \+ a new chain|chain PREROUTING/,
  },
  {
    what: 'iptables -t mangle -I PREROUTING',
    script: both('-t mangle -I PREROUTING -p tcp --dport 9 -j ACCEPT'),
    gate: 'stands',
    found: /chain PREROUTING \(mangle, IPv4, \w+\): - the gate; \+ at the top: go to DOCKWALL-GATE/,
  },
  {
    what: 'nft flush ruleset',
    takesDocker: true,
    script: 'nft flush ruleset',
    gate: 'goes',
    takes: /^(?:-A |:DOCKWALL )/,
    found: /chain DOCKWALL-GATE \(mangle, IPv4, nft\): \+ a new chain/,
    only: 'nft',
  },
  {
    what: 'ipset flush',
    script: `for set in $(${ours}); do ipset flush $set; done`,
    gate: 'goes',
    found: /set dockwall[46]-published: \+ /,
  },
  {
    what: 'ipset destroy, after -F',
    script: `${both('-F')}; ${both('-t mangle -F')}; for set in $(${ours}); do ipset destroy $set; done || true`,
    gate: 'goes',
    takes: /^-A /,
    found: /chain PREROUTING|set dockwall[46]-published: \+ a new set/,
  },
  {
    what: 'iptables-restore of a file without dockwall',
    script: ['iptables', 'ip6tables']
      .map((name) => `${name}-save | grep -v DOCKWALL- | ${name}-restore`)
      .join('; '),
    gate: 'goes',
    found: /chain DOCKWALL-GATE \(mangle, IPv6, \w+\): \+ a new chain/,
  },
  // last: with Docker's chains gone from legacy, the gate is put up in nft, and stays there
  {
    what: 'iptables -F and -X, all tables',
    takesDocker: true,
    script: ['filter', 'nat', 'mangle', 'raw']
      .map((t) => `${both(`-t ${t} -F`)}; ${both(`-t ${t} -X`)}`)
      .join('; '),
    gate: 'goes',
    takes: /^(?:-A (?:INPUT|DOCKER-USER|DOCKWALL|PREROUTING|FORWARD) |:DOCKWALL )/,
    found: /mangle/,
    once: true,
  },
];

describe.skipIf(skipWithoutLab()).each(engines('nft'))('drift, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard({ config: guarded });
    await runService(stage.lab.engine, { name: 'closed', publish: ['8002:80'] });
    await runService(stage.lab.engine, {
      name: 'open',
      publish: ['8003:80'],
      labels: { 'dockwall.public': 'http' },
    });
    await stage.pass();
  });
  afterAll(async () => stage.close());

  it.runIf(inCampaign)('costs next to nothing while nothing happens', async () => {
    const without = await idlePercent('off');
    const watching = await idlePercent(`${driftCheck}ms`);
    const watch = watching - without;
    const [cost, all] = [watch.toFixed(2), watching.toFixed(2)];
    console.info(
      `the watch of an idle host costs ${cost} % of a core, the whole daemon ${all} % (Docker ${setup.title})`,
    );
    // 0.5 is what it should be, alone; beside a busy lab each fork and exec costs twice and more
    expect(watch).toBeLessThan(1);
    expect(watching).toBeLessThan(2);
    await stage.configure(guarded);
  });

  /** Processor time of the daemon and what it starts, per cent of a core, while nothing happens. */
  async function idlePercent(check: string): Promise<number> {
    // the schedule's passes are not the watch's
    await stage.configure(`${usualConfig}\nschedule: "0 0 4 1 1 *"\ndriftCheck: ${check}\n`);
    // two looks at the state that is left: the first may ask for a pass
    await sleep(2 * driftCheck);
    const before = ticksOf(stage.dockwall.pid);
    await sleep(idle);
    return ((ticksOf(stage.dockwall.pid) - before) * 10 * 100) / idle;
  }

  const played = damages.filter(({ only }) => only === undefined || only === setup.backend);

  it.each(played)('S9: $what', async (damage) => {
    const shut: number[] = [];
    const repaired: number[] = [];
    const times = damage.once && setup.backend === 'legacy' ? 1 : runs;
    for (let run = 0; run < times; run += 1) {
      const { after, report, publicReport } = await play(damage);
      repaired.push(after);
      if (publicReport !== undefined) shut.push(shutFor(publicReport));
      record(stage, 'repaired after', after);
      if (damage.gate === 'goes') {
        record(stage, 'open for', openFor(report));
        if (publicReport !== undefined) record(stage, 'shut for', shut.at(-1) ?? 0);
      }
      recordProbes(stage, [report]);
      expect(openFor(report)).toBe(0);
      expect(after).toBeLessThan(
        setup.backend === 'nft' && !damage.what.startsWith('ipset flush') ? slack : driftCheck + slack,
      );
    }
    console.info(
      `S9 ${damage.what}: public ports shut ${shut.length === 0 ? 'as long as Docker leaves them' : `${median(shut)} ms`}, repaired after ${median(repaired)} ms (Docker ${setup.title}; ${times} runs, longest ${Math.max(...shut)} and ${Math.max(...repaired)} ms)`,
    );
  });

  /** Does the damage while X tries; what is ours must come back, and nothing else change. */
  async function play(damage: Damage): Promise<Played> {
    await stage.pass();
    const before = await saved();
    const planted = await stage.foreign.read();
    const prober = await stage.client('X').probe(stage.both(8002), { every: 1 });
    const visitor = await stage.client('N').probe(stage.served(8003), { every: 2, patience: 100 });
    const from = stage.dockwall.lines.length;
    const start = Date.now();
    try {
      await stage.host.exec(['sh', '-c', damage.script], { allowFailure: true });
      const told = await stage.dockwall.waitForLog(
        (line) => isDrift(line) && (damage.found?.test(JSON.stringify(line['found'])) ?? true),
        driftCheck + slack,
        from,
      );
      const after = Date.parse(String(told['time'])) - start;
      await stage.pass();
      await stage.expectClosed('X', 8002);
      // without docker-proxy a port whose DNAT is gone is Docker's to mend
      const served = damage.takesDocker !== true || stage.lab.engine.options.userlandProxy;
      if (served) await stage.waitOpen('X', 8003);
      const report = await prober.stop();
      const shown = await visitor.stop();
      const publicReport = served ? shown : undefined;
      const left = await stage.foreign.read();
      const survivors = planted.split('\n').filter((line) => damage.takes?.test(line) !== true);
      for (const line of survivors) expect(left).toContain(line);
      return { after, report, publicReport };
    } finally {
      for (const [save, text] of before) await restore(save, text);
      await stage.pass();
      stage.foreign.expectUntouched(await stage.foreign.read());
      await stage.expectOpen('T', 8002);
    }
  }

  /** What everybody has in the tables of the engine's backend; by program. */
  async function saved(): Promise<readonly (readonly [string, string])[]> {
    const read = async (name: string) => [name, await stage.print(`${name}-save`)] as const;
    return Promise.all(['iptables', 'ip6tables'].map(read));
  }

  async function restore(name: string, text: string): Promise<void> {
    await stage.host.exec([`${name}-restore`], { input: text });
  }
});

function isDrift(line: LogLine): boolean {
  // the same again is told on the debug level
  return line['msg'] === 'somebody changed our rules or sets; they are put back' || line['msg'] === 'drift';
}

/** The longest time without an answer of a public port, ms. */
function shutFor({ targets, duration }: ProbeReport): number {
  return Math.ceil(Math.max(0, ...targets.map((one) => longestGap(one, duration))));
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
