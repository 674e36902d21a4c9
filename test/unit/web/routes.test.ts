import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/faces/web/answer.ts';
import { type RouteParts, routes } from '../../../src/faces/web/routes.ts';

const parts: RouteParts = {
  host: () => 'nas',
  health: () => ({ healthy: true, problems: [], drift: {} }),
  look: async () => undefined,
};

async function ask(
  path: string,
  more: Partial<RouteParts> = {},
  by: 'socket' | 'tcp' = 'tcp',
): Promise<Answer> {
  const { pathname, searchParams } = new URL(path, 'http://page');
  return routes({ ...parts, ...more })({ path: pathname, query: searchParams, by });
}

describe('the addresses of the page', () => {
  it('health, as one line', async () => {
    const problems = ['Docker cannot be reached'];
    expect(await ask('/healthz')).toMatchObject({
      status: 200,
      body: '{"healthy":true,"problems":[],"drift":{}}\n',
    });
    expect(await ask('/healthz', { health: () => ({ healthy: false, problems, drift: {} }) })).toMatchObject({
      status: 503,
      body: '{"healthy":false,"problems":["Docker cannot be reached"],"drift":{}}\n',
    });
  });

  it('what nobody answers is not there', async () => {
    for (const path of [
      '/metrics',
      '/look',
      '/explain?source=1.2.3.4&target=x',
      '/../etc/passwd',
      '/client/app.js',
    ])
      expect(await ask(path)).toMatchObject({ status: 404 });
  });

  it('metrics as they are given', async () => {
    const answer = await ask('/metrics', { metrics: async () => 'up 1\n' });
    expect([answer.status, answer.body]).toEqual([200, 'up 1\n']);
  });

  it('a look at the kernel is asked for on the socket only', async () => {
    let looks = 0;
    const lookSoon = (): void => void (looks += 1);
    expect(await ask('/look', { lookSoon })).toMatchObject({ status: 404 });
    expect(await ask('/look', { lookSoon }, 'socket')).toMatchObject({ status: 200 });
    expect(looks).toBe(1);
  });

  it('a question that has no answer now says so', async () => {
    const explain = async (): Promise<{ kind: 'failed'; problem: string }> => ({
      kind: 'failed',
      problem: 'ask again',
    });
    const path = '/explain?source=1.2.3.4&target=x';
    expect(await ask(`${path}&format=json`, { explain })).toMatchObject({
      status: 503,
      body: '{\n  "problem": "ask again"\n}\n',
    });
    expect((await ask(path, { explain })).body).toContain('No answer');
  });
});
