import { readFile } from 'node:fs/promises';
import { Refresh } from '../../src/daemon/refresh.ts';
import type { Cidr } from '../../src/decide/net/network.ts';
import { decide } from '../../src/decide/pass/decide.ts';
import { type LiveSource, type SourceKey, sourceKey } from '../../src/decide/policy/config.ts';
import type { Answers } from '../../src/decide/policy/model.ts';
import { loadConfig } from '../../src/reach/config/load.ts';
import { ArmedRun } from '../../src/reach/kernel/armed.ts';
import { runCommand } from '../../src/reach/kernel/command.ts';
import { createKernel } from '../../src/reach/kernel/kernel.ts';
import { parseList } from '../../src/reach/sources/list-text.ts';
import { type Case, took } from './case.ts';
import { longList, scratch, write } from './lists.ts';

// How long lists get into a set: the way that an answer of a source goes in the daemon, against ipset by hand.

const byHand = 'by-hand';
const ours = 'dockwall4-src-web';
const shape = ['hash:net', 'family', 'inet', 'maxelem', '1048576', 'timeout', '0', 'comment'];
const source: LiveSource = { kind: 'file', path: 'list.txt', format: { kind: 'lines' }, mayShrink: false };

async function ipset(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await runCommand({ program: 'ipset', args, timeoutMs: 60_000 });
  if (exitCode !== 0) throw new Error(`ipset ${args.join(' ')}: ${stderr}`);
}

/** An empty set, as somebody has made it who asked for nothing special. */
async function renew(name: string): Promise<void> {
  await ipset('create', '-exist', name, ...shape);
  await ipset('flush', name);
  await ipset('destroy', name);
  await ipset('create', name, ...shape);
}

/** The part of the daemon between an answer and the kernel. */
class Way {
  answers: Answers = new Map();
  private readonly armed = new ArmedRun(runCommand);
  private readonly kernel = createKernel(this.armed.run);
  private readonly refresh: Refresh;

  constructor() {
    const loaded = loadConfig({ env: { DOCKWALL_CONFIG: 'groups: {web: [{file: list.txt}]}' } });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const inForce = { config: loaded.config, lockedDown: false };
    const snapshot = { containers: [], networks: [], details: new Map() };
    const observed = { backends: ['nft'], families: [4, 6], tables: [], sets: [], foreign: [] } as const;
    this.refresh = new Refresh({
      answers: () => this.answers,
      inForce: () => inForce,
      write: async (sets) => this.kernel.apply({ sets, tables: [], destroy: [] }),
      done: () => {},
    });
    const host = { interfaces: [], listeners: [] };
    this.refresh.passed(decide({ snapshot, host, observed, answers: this.answers }, inForce));
    this.armed.arm();
  }

  async answer(networks: readonly Cidr[]): Promise<void> {
    this.answers = new Map<SourceKey, readonly Cidr[]>([[sourceKey(source), networks]]);
    await this.refresh.changed();
  }

  close(): void {
    this.armed.disarm();
  }
}

/** As the daemon reads a list: from its text to merged networks. */
async function read(text: string): Promise<readonly Cidr[]> {
  const parsed = await parseList(text, { kind: 'lines' });
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.networks;
}

/** From the text of the list to the set that has it. */
export function loading(): Case {
  const folder = scratch();
  const list = write(folder, 'list.txt', longList());
  const commands = write(
    folder,
    'restore.txt',
    longList().map((network) => `add ${byHand} ${network}`),
  );
  return {
    name: 'loading 100,000 networks',
    against: 'ipset restore of the same file',
    unit: 'ms',
    rounds: 5,
    promise: { times: 1.5 },
    ours: async () => {
      await renew(ours);
      const way = new Way();
      const time = await took(async () => way.answer(await read(await readFile(list, 'utf8'))));
      way.close();
      return time;
    },
    theirs: async () => {
      await renew(byHand);
      return took(async () => ipset('restore', '-file', commands));
    },
  };
}

/** From an answer with five networks less and five others to the set that has them. */
export async function changing(): Promise<Case> {
  const folder = scratch();
  const way = new Way();
  await renew(ours);
  await renew(byHand);
  const list = longList();
  await way.answer(await read(list.join('\n')));
  await ipset(
    'restore',
    '-file',
    write(
      folder,
      'all.txt',
      list.map((network) => `add ${byHand} ${network}`),
    ),
  );
  const sorted = [...(way.answers.get(sourceKey(source)) ?? [])];
  let round = 0;
  const others = (at: number): readonly string[] =>
    [0, 1, 2, 3, 4].map((one) => `203.0.${at}.${one * 16}/29`);
  const listAt = (at: number): string =>
    at === 0 ? sorted.join('\n') : [...sorted.slice(5 * at), ...others(at)].join('\n');
  return {
    name: 'changing ten of them',
    against: 'ten commands in one ipset restore',
    unit: 'ms',
    rounds: 21,
    promise: { times: 3 },
    ours: async () => {
      round += 1;
      // as another download is: other strings, and the same but for ten
      const answer = await read(listAt(round));
      return took(async () => way.answer(answer));
    },
    theirs: async () => {
      const gone = sorted
        .slice(5 * (round - 1), 5 * round)
        .map((network) => `del -exist ${byHand} ${network}`);
      const fresh = others(round).map((network) => `add -exist ${byHand} ${network}`);
      const file = write(folder, 'ten.txt', [...gone, ...fresh]);
      return took(async () => ipset('restore', '-file', file));
    },
    close: async () => way.close(),
  };
}
