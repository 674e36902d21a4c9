import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { decisionFor, makeMetrics } from './scraping.ts';

// The files that people load into Prometheus and Grafana, held against what dockwall exports.

const docs = new URL('../../../docs/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, docs), 'utf8');
const rules = read('monitoring/dockwall.rules.yml');
const text = read('monitoring/dockwall.dashboard.json');

const target = z.object({ expr: z.string(), datasource: z.object({ uid: z.literal('${datasource}') }) });
const dashboard = z
  .object({
    uid: z.string(),
    templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
    panels: z.array(
      z.object({
        id: z.int(),
        title: z.string(),
        datasource: z.object({ uid: z.literal('${datasource}') }),
        gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
        targets: z.array(target),
      }),
    ),
  })
  .parse(JSON.parse(text));

const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

function named(source: string): ReadonlySet<string> {
  const names = source.match(/\b(?:dockwall|process)_[a-z_]+/g) ?? [];
  return new Set(names.map((name) => name.replace(/_(?:bucket|sum|count)$/, '')));
}

async function exported(): Promise<ReadonlySet<string>> {
  const metrics = makeMetrics();
  metrics.passed(decisionFor('web'), 1);
  return new Set(
    [...(await metrics.metricsText()).matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name),
  );
}

/** Debian's package `prometheus` has it. */
function hasPromtool(): boolean {
  if (spawnSync('promtool', ['--version']).error === undefined) return true;
  const why = 'alert rules cannot be tested: promtool is not installed';
  if (process.env['CI'] === 'true') throw new Error(why);
  console.warn(`SKIPPED: ${why}`);
  return false;
}

function promtool(args: readonly string[], input?: string): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', input });
  return { status, said: stdout + stderr };
}

describe('what is monitored', () => {
  it('is exported: every metric that a rule or a panel names', async () => {
    const known = await exported();
    for (const name of [...named(rules), ...named(expressions.join('\n'))])
      expect([...known]).toContain(name);
  });

  it('is explained: every metric stands in docs/monitoring.md', async () => {
    const explained = named(read('monitoring.md'));
    for (const name of await exported()) expect([...explained]).toContain(name);
  });

  it('loads into Grafana without edits: the data source is a variable, and panels do not lie on each other', () => {
    expect(text).not.toMatch(/__inputs|DS_PROMETHEUS/);
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});

describe.skipIf(!hasPromtool())('promtool', () => {
  it('finds nothing wrong with the alerts, which come when they should and not before', () => {
    const file = new URL('monitoring/dockwall.rules.yml', docs).pathname;
    expect(promtool(['check', 'rules', file])).toMatchObject({ status: 0 });
    const tests = new URL('./dockwall.rules.test.yml', import.meta.url).pathname;
    expect(promtool(['test', 'rules', tests])).toEqual({
      status: 0,
      said: expect.stringContaining('SUCCESS'),
    });
  });

  it('can read every query of the dashboard', () => {
    const queries = expressions.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }));
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'dockwall-panels-')), 'panels.yml');
    writeFileSync(file, stringify({ groups: [{ name: 'panels', rules: queries }] }));
    expect(promtool(['check', 'rules', file])).toMatchObject({ status: 0 });
  });

  it('likes a scrape', async () => {
    const metrics = makeMetrics();
    metrics.passed(decisionFor('web'), 1);
    expect(promtool(['check', 'metrics'], await metrics.metricsText())).toEqual({ status: 0, said: '' });
  });
});
