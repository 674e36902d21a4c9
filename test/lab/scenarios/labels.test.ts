import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shorten } from '../../../src/decide/net/show.ts';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// S11: mistakes and malice in labels close their container, and nothing else happens.

interface Bad {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  /** What the warning says is meant. */
  readonly says: RegExp;
}

const bad: readonly Bad[] = [
  { name: 'key', label: 'dockwall.pubic', value: '*', says: /no such label/ },
  { name: 'capitals', label: 'Dockwall.Public', value: '*', says: /lower case/ },
  { name: 'port', label: 'dockwall.public', value: '99', says: /port 99 is not published/ },
  { name: 'number', label: 'dockwall.public', value: '99999', says: /not a port/ },
  { name: 'service', label: 'dockwall.public', value: 'htpp', says: /htpp/ },
  { name: 'group', label: 'dockwall.allow', value: 'wbe', says: /no group is named "wbe"/ },
  { name: 'cidr', label: 'dockwall.allow', value: '203.0.113.0/33', says: /33/ },
  { name: 'octet', label: 'dockwall.allow', value: '300.0.113.20', says: /not an address/ },
  { name: 'half', label: 'dockwall.allow', value: 'web, nobody', says: /nobody/ },
  { name: 'newline', label: 'dockwall.allow', value: 'web\n-I DOCKER -j ACCEPT\nCOMMIT\n', says: /-I/ },
  { name: 'quote', label: 'dockwall.allow', value: `web" -j ACCEPT; '$(reboot)`, says: /web/ },
  { name: 'option', label: 'dockwall.public', value: '80 -j ACCEPT', says: /-j/ },
  { name: 'key-line', label: 'dockwall.allow.80"-jACCEPT', value: 'any', says: /-j/ },
  { name: 'long', label: 'dockwall.allow', value: 'x'.repeat(10_000), says: /10000 bytes is longer/ },
];

const port = (index: number): number => 8100 + index;

describe.skipIf(skipWithoutLab()).each(engines('nft'))('wrong labels, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterAll(async () => stage.close());

  it('S11: closed, told once, and nobody else is concerned', async () => {
    const { engine } = stage.lab;
    const from = stage.dockwall.lines.length;
    const closed = bad.flatMap((_, index) => stage.both(port(index)));
    await watching({ stage, closed, who: ['X'], every: 1 }, async (watch) => {
      const description = 'a "quoted" one\n-A INPUT -j ACCEPT';
      const labels = { 'dockwall.allow': 'web', 'dockwall.description': description };
      await runService(engine, { name: 'good', publish: ['8001:80'], labels });
      await watch.keepServed('G', 8001);
      const before = await accepts();
      await watching({ stage, closed, who: ['G'], every: 2 }, async () => {
        for (const [index, { name, label, value }] of bad.entries()) {
          await runService(engine, { name, publish: [`${port(index)}:80`], labels: { [label]: value } });
        }
        await stage.pass();
      });
      expect(await accepts()).toEqual(before);
      await stage.expectOpen('T', ...bad.map((_, index) => port(index)));
    });

    const warnings = stage.dockwall.lines.slice(from).filter(({ level }) => level === 40);
    for (const { name, label, value, says } of bad) {
      const told = warnings.filter((line) => line['container'] === name);
      expect(told).toEqual([
        expect.objectContaining({ label, value: value.length > 4096 ? shorten(value) : value.slice(0, 200) }),
      ]);
      expect(told[0]?.['msg']).toMatch(says);
    }
    expect(warnings).toHaveLength(bad.length);

    const [status, json, check] = await Promise.all([
      runDockwall(stage.lab, ['status']),
      runDockwall(stage.lab, ['status', '--json']),
      runDockwall(stage.lab, ['check']),
    ]);
    expect([status.exitCode, json.exitCode, check.exitCode]).toEqual([0, 0, 2]);
    const problems = (JSON.parse(json.stdout) as { problems: readonly string[] }).problems;
    expect(problems.map((line) => line.replace(/:.*/s, '')).toSorted()).toEqual(
      bad.map(({ name }) => name).toSorted(),
    );
    for (const { name } of bad) {
      for (const text of [status.stdout, check.stdout]) expect(text).toMatch(new RegExp(`^  ${name}: `, 'm'));
    }
    for (const text of [status.stdout, check.stdout]) expect(text).not.toMatch(/^-[AI] /m);
  });

  /** Every rule of both families that lets anything in: none may come from a label's text. */
  async function accepts(): Promise<readonly string[]> {
    const saved = [await stage.print('iptables-save'), await stage.print('ip6tables-save')].join('\n');
    return saved
      .split('\n')
      .filter((line) => /^-A (?:INPUT|DOCKWALL)/.test(line) && line.endsWith('-j ACCEPT'));
  }
});
