import { expect } from 'vitest';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { openFor } from '../prober.ts';
import { record } from './record.ts';
import { readRuleText } from './rule-text.ts';
import type { Stage } from './stage.ts';

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
  const others = rules.split('\n').filter((line) => !/DOCKWALL-|dockwall[46:]/.test(line));
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

/**
 * Somebody takes our rules away, or puts old members into our sets, while X tries: how long it got in is written down for the campaign's
 * table, ms. When this is done, the walls are whole again.
 */
export async function measureOpen(stage: Stage, port: number, act: () => Promise<unknown>): Promise<number> {
  const prober = await stage.client('X').probe(stage.both(port), { every: 1 });
  await act();
  // not by a pass that we ask for: it would mend what dockwall has to see by itself
  await until({ what: 'the walls to be whole again', ms: 8000, every: 100 }, async () => {
    return (await runDockwall(stage.lab, ['plan', '--check'])).exitCode === 0;
  });
  await stage.pass();
  await stage.expectClosed('X', port);
  const open = openFor(await prober.stop());
  record(stage, 'open for', open);
  console.info(`${expect.getState().currentTestName}: open ${open} ms`);
  return open;
}
