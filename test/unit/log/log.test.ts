import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { lineText } from '../../../src/reach/log/line-text.ts';
import { createLog } from '../../../src/reach/log/log.ts';

const info = { logLevel: 'info', logFormat: 'text' } as const;

function bench(
  isTTY: boolean,
  more: Partial<Parameters<typeof createLog>[0]> = {},
  env = {},
): { log: ReturnType<typeof createLog>; lines: string[] } {
  const lines: string[] = [];
  const log = createLog({ ...info, ...more }, env, { isTTY, write: (text) => lines.push(text) });
  return { log, lines };
}

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('the log', () => {
  it('is JSON for programs where that is asked for, with times that people read as well', () => {
    const { log, lines } = bench(false, { logFormat: 'json' });
    log.info({ change: 'opened' }, 'opened  443/tcp of proxy to everybody');
    log.debug({}, 'nothing to do');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        level: 30,
        time: expect.stringMatching(iso),
        change: 'opened',
        msg: 'opened  443/tcp of proxy to everybody',
      },
    ]);
  });

  it('is what the variable says also where the configuration could not be read', () => {
    const { log, lines } = bench(false, {}, { DOCKWALL_LOG_FORMAT: 'json' });
    log.info({}, 'the gate is up');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['the gate is up']);
  });

  it('is lines for people, whether a terminal reads them or `docker logs`', () => {
    for (const { log, lines } of [bench(true, {}, { NO_COLOR: '1' }), bench(false)]) {
      log.info({ change: 'opened' }, 'opened  443/tcp of proxy to everybody');
      log.warn({ container: 'web', label: 'dockwall.public', value: '81', version: '28' }, 'label problem');
      log.error({ error: 'the lock', found: ['a', 'b'] }, 'a pass failed');
      expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d/, 'TIME'))).toEqual([
        'TIME opened  443/tcp of proxy to everybody\n',
        'TIME WARNING label problem (container: web, label: dockwall.public, value: 81)\n',
        'TIME ERROR a pass failed: the lock (found: a; b)\n',
      ]);
    }
    expect(bench(true, { logFormat: 'json' }).log.isLevelEnabled('info')).toBe(true);
  });

  it('says nothing twice, and nothing of what is empty', () => {
    const { log, lines } = bench(false);
    log.warn(
      { container: 'web', label: 'dockwall.public', value: '81', more: '' },
      'label problem: web: dockwall.public=81: no',
    );
    log.info(
      { source: 'home.example.org', networks: 1, added: ['192.0.2.1'], removed: [] },
      'a source is known: home.example.org',
    );
    expect(lines.map((line) => line.slice('12:34:56 '.length))).toEqual([
      'WARNING label problem: web: dockwall.public=81: no\n',
      'a source is known: home.example.org (networks: 1, added: 192.0.2.1)\n',
    ]);
  });

  it('has colour on a terminal only', () => {
    const { log, lines } = bench(true);
    log.warn({}, 'look');
    expect(lines[0]).toContain('\u001B[33mWARNING\u001B[0m look');
  });

  it('shows hostile text harmlessly', () => {
    const msg = `\u202E\u001B[31m<script>\n${'x'.repeat(10_000)}`;
    const text = lineText(
      JSON.stringify({ level: 40, time: '1970-01-01T00:00:00.000Z', msg, value: msg }),
      false,
    );
    // eslint-disable-next-line no-control-regex -- that none is left is the point
    expect(text).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u2028-\u202E]/);
    expect(text.length).toBeLessThan(1200);
  });

  it('has the time of day of the zone that TZ names', () => {
    const file = new URL('../../../src/reach/log/line-text.ts', import.meta.url).href;
    const program = `import(${JSON.stringify(file)}).then(({ lineText }) =>
      console.log(lineText('{"level":30,"time":"2025-11-25T11:04:05.000Z","msg":"x"}', false)))`;
    const inZone = (TZ: string): string =>
      spawnSync(process.execPath, ['-e', program], { env: { ...process.env, TZ }, encoding: 'utf8' }).stdout;
    expect([inZone('UTC'), inZone('Asia/Tokyo')]).toEqual(['11:04:05 x\n', '20:04:05 x\n']);
  });
});
