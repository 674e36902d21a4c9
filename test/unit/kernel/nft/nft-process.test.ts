import { expect, test, vi } from 'vitest';
import { NftProcess } from '../../../../src/reach/kernel/nft/nft-process.ts';

// As nft 1.0.6 to 1.1.7 answer a line that is no command: with the line itself in the complaint. `bad` is a command that fails.
const fake = (more = ''): readonly [string, ...string[]] => [
  'sh',
  '-c',
  `while read -r line; do case "$line" in
     end-of-*) printf 'Error: syntax error, unexpected newline\\nexpected any of: <string>\\n%s\\n    ^\\n' "$line" >&2;;
     bad) printf 'Error: Could not process rule: Operation not permitted\\nbad\\n^^^\\n' >&2;;
     die) kill -9 $$;;
     ${more}
   esac; done`,
];

test('says what each line has come to, and nothing where it was done', async () => {
  const onEnd = vi.fn();
  const nft = new NftProcess(onEnd, fake());
  expect(await nft.send('good')).toBe('');
  expect(await nft.send('bad')).toMatch(/^Error: Could not process rule: Operation not permitted/);
  expect(await nft.send('good')).toBe('');
  await nft.end();
  expect(nft.running).toBe(false);
  expect(onEnd).not.toHaveBeenCalled();
});

test('what points at the end of the line before is no complaint, however late it comes', async () => {
  const late = [
    'sh',
    '-c',
    `while read -r line; do case "$line" in
     end-of-*) printf 'Error: syntax error, unexpected newline\\n%s\\n' "$line" >&2; sleep 0.05; printf '     ^\\n' >&2;;
   esac; done`,
  ] as const;
  const nft = new NftProcess(() => {}, late);
  for (let time = 0; time < 3; time += 1) expect(await nft.send('good')).toBe('');
  await nft.end();
});

test('tells once that it has ended, and rejects what was under way and what comes after', async () => {
  const onEnd = vi.fn();
  const nft = new NftProcess(onEnd, fake());
  await expect(nft.send('die')).rejects.toThrow(/nft ended: it ended with SIGKILL/);
  await vi.waitFor(() => expect(onEnd).toHaveBeenCalledTimes(1));
  expect(nft.running).toBe(false);
  await expect(nft.send('good')).rejects.toThrow(/has ended/);
});

test('ends one that does not answer', async () => {
  const onEnd = vi.fn();
  const nft = new NftProcess(onEnd, ['sh', '-c', 'exec cat >/dev/null']);
  await expect(nft.send('good', 50)).rejects.toThrow(/SIGKILL/);
  await vi.waitFor(() => expect(onEnd).toHaveBeenCalledTimes(1));
});

test('a program that is not there is one that has ended', async () => {
  const onEnd = vi.fn();
  const nft = new NftProcess(onEnd, ['/nonexistent/nft']);
  await expect(nft.send('good')).rejects.toThrow(/ENOENT/);
  expect(onEnd).toHaveBeenCalledTimes(1);
});
