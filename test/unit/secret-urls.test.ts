import { afterEach, expect, test, vi } from 'vitest';
import { diff } from '../../src/decide/diff/diff.ts';
import { foreignStates } from '../../src/decide/diff/foreign.ts';
import { tell } from '../../src/decide/explain/told.ts';
import { safeUrl } from '../../src/decide/net/safe-url.ts';
import type { Decision } from '../../src/decide/pass/decide.ts';
import { type Config, type LiveSource, sourceKey } from '../../src/decide/policy/config.ts';
import { readStatus } from '../../src/decide/report/status.ts';
import { explanationText } from '../../src/faces/cli/explanation-text.ts';
import { checkGroups, groupTable } from '../../src/faces/cli/group-table.ts';
import { changesText } from '../../src/faces/cli/plan.ts';
import { statusText } from '../../src/faces/cli/status-text.ts';
import { openInsight } from '../../src/faces/metrics/insight.ts';
import { LastLook } from '../../src/faces/web/last-look.ts';
import { explainPage, statusPage } from '../../src/faces/web/page.ts';
import { readPage } from '../../src/faces/web/read-page.ts';
import { Sources } from '../../src/reach/sources/sources.ts';
import { readUrl } from '../../src/reach/sources/url.ts';
import { config, lines, problems } from './config/loading.ts';
import { FakeClock, settle } from './daemon/fake-clock.ts';
import { ask, hostOf } from './explain/moments.ts';
import { makeMetrics } from './metrics/scraping.ts';
import { cidr, makeContainer, ports } from './policy/inventories.ts';

const secret = 'hunter2';
const url = `https://example.org/list?token=${secret}&more=1`;

const loaded: Config = config(
  `groups:\n  office:\n    - {url: "${url}"}\n  empty:\n    - {url: "${url}2"}\n`,
);
const source = (name: string): LiveSource => {
  const found = [...loaded.groups].find(([group]) => group === name)?.[1].sources[0];
  if (found === undefined) throw new Error(`no source in ${name}`);
  return found;
};

afterEach(() => void vi.unstubAllGlobals());

async function host(): ReturnType<typeof hostOf> {
  return hostOf({
    containers: [
      makeContainer('wiki', { labels: { 'dockwall.allow': 'office empty' }, ports: ports('8080:80') }),
    ],
    config: loaded,
    answers: new Map([[sourceKey(source('office')), [cidr('203.0.113.0/24')]]]),
  });
}

async function decision(): Promise<Decision> {
  const { policy, kernel } = await (await host()).look();
  if (kernel === undefined) throw new Error('no kernel');
  const { observed, ruleset } = kernel;
  const plan = diff(ruleset, { ...observed, sets: [], tables: [] });
  const engine = { facts: undefined, findings: [] };
  return { observed, policy, ruleset, plan, engine, foreign: foreignStates(ruleset, observed) };
}

/** What every verb, the page, the log and the metrics say of a host with two such lists, one of which never answered. */
const outputs: Readonly<Record<string, () => Promise<string>>> = {
  explain: async () => {
    const { look } = await host();
    const told = ['203.0.113.7', '198.51.100.7'].map(async (asker) => {
      const explanation = ask(await look(), asker, '8080');
      const answer = { kind: 'answer', told: tell(explanation), json: {} } as const;
      const page = explainPage('nas', { source: asker, target: '8080' }, answer).text;
      return [JSON.stringify(explanation), explanationText(explanation), page];
    });
    return (await Promise.all(told)).flat().join('\n');
  },
  'status without a daemon': async () => {
    const status = readStatus(await decision(), { now: Date.now() });
    return JSON.stringify(status) + statusText(status);
  },
  check: async () => {
    const groups = checkGroups(
      { config: loaded, policy: (await decision()).policy },
      [
        {
          source: source('empty'),
          key: sourceKey(source('empty')),
          good: undefined,
          error: 'the server answered 403',
        },
      ],
      0,
    );
    return JSON.stringify(groups) + groupTable(groups);
  },
  plan: async () => {
    const { plan } = await decision();
    return changesText(plan) + JSON.stringify(plan);
  },
  page: async () => {
    const decided = await decision();
    const looks = new LastLook({
      observe: async () => decided.observed,
      clock: new FakeClock(),
      today: () => new Date(0),
    });
    looks.passed(decided);
    const health = { healthy: true, problems: [], drift: {} };
    const model = readPage({ host: 'nas', health, look: await looks.look(), explains: true });
    return JSON.stringify(model) + statusPage(model).text;
  },
  'log, metrics and report': async () => {
    const said: unknown[] = [];
    const log = (fields: object, message: string): void => void said.push(fields, message);
    const clock = new FakeClock();
    const sources = new Sources({
      read: async () => ({ kind: 'failed', reason: 'the server answered 403' }),
      memory: { read: async () => undefined, write: async () => {}, prune: async () => {} },
      folder: '/var/lib/dockwall',
      restored: new Map(),
      clock,
      wallNow: () => 0,
      watch: () => () => {},
      log: { debug: log, info: log, warn: log, error: log },
      onChange: () => {},
    });
    sources.want([source('office'), source('empty')]);
    await settle();
    const { answers } = openInsight({
      version: '0.1.0',
      health: () => ({ healthy: true, problems: [], drift: {} }),
      configProblems: () => 0,
      nextRun: () => undefined,
      sources: () => sources.report(),
      observe: async () => (await decision()).observed,
    });
    const metrics = makeMetrics({ sources: () => sources.report() });
    const served = [answers.report?.(), await metrics.metricsText()];
    await sources.stop();
    return JSON.stringify([said, served]);
  },
  'a list that redirects': async () => {
    const headers = { location: `http://user:${secret}@example.org/list?token=${secret}` };
    vi.stubGlobal('fetch', async () => new Response(null, { status: 302, headers }));
    const read = source('office');
    if (read.kind !== 'url') throw new Error('no URL');
    return JSON.stringify(await readUrl(read, undefined, new AbortController().signal));
  },
};

test.each(Object.entries(outputs))('%s: the secret of a URL is nowhere', async (_, output) => {
  const text = await output();
  expect(text).toMatch(/\w/);
  expect(text).not.toContain(secret);
});

test.each([
  `- {url: "http://example.org/list?token=${secret}"}`,
  `- {url: "https://user:${secret}@example.org/list"}`,
  `- {url: "https://user:pass/${secret}@example.org/list"}`,
  `- {url: "ftp://example.org/?token=${secret}"}`,
  `- {url: "example.org/?token=${secret}"}`,
  `- https://example.org/?token=${secret}`,
  `- {urls: "https://example.org/?token=${secret}"}`,
  `- {url: "https://example.org/?token=${secret}", refresh: 1s}`,
])('a problem of %s does not quote the secret', (entry) => {
  const found = lines(problems(`groups:\n  office:\n    ${entry}\n`));
  expect(found.length).toBeGreaterThan(0);
  expect(found.join('\n')).not.toContain(secret);
});

test.each([
  ['https://example.org/list', 'https://example.org/list'],
  ['https://example.org/a@b', 'https://example.org/a@b'],
  ['https://example.org/list?key=1#x', 'https://example.org/list?...'],
  ['https://example.org/list#key', 'https://example.org/list'],
  ['https://me:key@example.org/list?', 'https://...@example.org/list?...'],
  ['https://me:a/key@example.org', 'https://...@example.org'],
  ['lists/office.txt', 'lists/office.txt'],
])('%s is shown as %s', (text, shown) => {
  expect(safeUrl(text)).toBe(shown);
});
