import { expect } from 'vitest';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { longestGap, openFor } from '../prober.ts';
import { record, recordProbes } from './record.ts';
import { readRuleText } from './rule-text.ts';
import type { Stage } from './stage.ts';
import { reaching } from './watch.ts';

/** All rules, sets and tables that are not dockwall's, without counters and what passes with time. */
export async function readOthers(stage: Stage): Promise<string> {
  const rules = await readRuleText(stage.lab);
  const listed = await stage.host.exec(['nft', 'list', 'tables'], { allowFailure: true });
  const tables = [...listed.stdout.matchAll(/^table (\S+) (\S+)/gm)].filter(
    ([, , name = '']) => !/^(?:raw|mangle|nat|filter|security|broute|dockwall.*)$/.test(name),
  );
  const texts = await Promise.all(
    tables.map(async ([, family = '', name = '']) => {
      const { stdout } = await stage.host.exec(['nft', '--stateless', 'list', 'table', family, name]);
      return stdout.replaceAll(/ expires \S+/g, '');
    }),
  );
  const others = rules.split('\n').filter((line) => !/DOCKWALL-|dockwall[46:]|dockwall-lock/.test(line));
  return [...others, ...texts].join('\n').replaceAll(/ timeout \d+/g, '');
}

/** Dockwall looks, finds nothing more to do, and has changed nothing of anybody's. */
export async function expectAtPeace(stage: Stage): Promise<void> {
  const others = await readOthers(stage);
  await stage.pass();
  expect(await runDockwall(stage.lab, ['plan', '--check'])).toMatchObject({ exitCode: 0 });
  expect(await readOthers(stage)).toBe(others);
}

/** What others have, line by line, when nobody writes any more: Docker writes its rules anew some time after firewalld has said that it is done. */
export async function settled(stage: Stage): Promise<readonly string[]> {
  let last = '';
  await until({ what: 'the rules of others to stay as they are', ms: 10_000, every: 400 }, async () => {
    const before = last;
    last = await readOthers(stage);
    return last === before;
  });
  return last.split('\n');
}

/** What doctor says, by topic: `kind: text`; nothing for a topic of which it says nothing. */
export async function askDoctor(stage: Stage): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await runDockwall(stage.lab, ['doctor', '--json']);
  const { lines } = JSON.parse(stdout) as { lines: readonly Readonly<Record<string, string>>[] };
  const said: Record<string, string> = {};
  for (const { topic = '', kind, text } of lines) {
    said[topic] = [...(said[topic] ? [said[topic]] : []), `${kind}: ${text}`].join('\n');
  }
  return said;
}

/** What somebody does to our rules or sets, and to which ports. */
interface Act {
  /** Shut for X. */
  readonly closed: number;
  /** Public, where it stays published by Docker. */
  readonly open?: number;
  readonly act: () => Promise<unknown>;
}

/**
 * Somebody takes our rules away, or puts old members into our sets, while X tries: how long it got in, and how long it did not get into
 * the public port, are written down for the campaign's table. When this is done, the walls are whole again; gives the first of both, ms.
 */
export async function measureOpen(stage: Stage, { closed, open, act }: Act): Promise<number> {
  const prober = await stage.client('X').probe(stage.both(closed), { every: 1 });
  const targets = open === undefined ? [] : stage.served(open).slice(0, 1);
  const visitor = await stage.client('N').probe(targets, { every: 2, patience: 100 });
  await act();
  // not by a pass that we ask for: it would mend what dockwall has to see by itself
  let left = '';
  await until({ what: 'the walls to be whole again', ms: 20_000, every: 100 }, async () => {
    const { exitCode, stdout } = await runDockwall(stage.lab, ['plan', '--check']);
    left = stdout;
    return exitCode === 0;
  }).catch((error: Error) => {
    throw new Error(`${error.message}; a pass would still change:\n${left}`, { cause: error });
  });
  await stage.pass();
  await stage.expectClosed('X', closed);
  if (open !== undefined) await reaching(stage, 'N', targets);
  const report = await prober.stop();
  const shown = await visitor.stop();
  if (openFor(report) === 0) recordProbes(stage, [report]);
  record(stage, 'open for', openFor(report));
  const gaps = shown.targets.map((target) => longestGap(target, shown.duration));
  if (open !== undefined) record(stage, 'shut for', Math.max(...gaps));
  console.info(`${expect.getState().currentTestName}: open ${openFor(report)} ms, shut ${gaps.join()} ms`);
  return openFor(report);
}
