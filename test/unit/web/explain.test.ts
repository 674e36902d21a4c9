import { expect, it } from 'vitest';
import { type Explain, oneAtATime } from '../../../src/faces/web/explain.ts';

it('the form is answered one question at a time', async () => {
  const question = { source: '192.0.2.1', target: '80' };
  let release: (reason?: Error) => void = () => {};
  const slow: Explain = async () =>
    new Promise((resolve, reject) => {
      release = (reason) =>
        reason ? reject(reason) : resolve({ kind: 'answer', told: { blocks: [], hints: [] }, json: {} });
    });
  const explain = oneAtATime(slow);
  const first = explain(question);
  expect(await explain(question)).toMatchObject({
    kind: 'failed',
    problem: expect.stringContaining('ask again'),
  });
  release();
  expect(await first).toMatchObject({ kind: 'answer' });
  const second = explain(question);
  release(new Error('no netlink'));
  await expect(second).rejects.toThrow('no netlink');
  const third = explain(question);
  release();
  expect(await third).toMatchObject({ kind: 'answer' });
});
