import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('npm pack ships the program and its docs, and nothing that only makes or tests it', () => {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: new URL('../../', import.meta.url),
    encoding: 'utf8',
  });
  const [packed] = JSON.parse(stdout) as readonly { readonly files: readonly { readonly path: string }[] }[];
  const tops = new Set(packed?.files.map(({ path }) => path.split('/')[0]));
  // built by then, where it is packed in earnest
  tops.delete('dist');
  expect(tops).toEqual(new Set(['LICENSE', 'README.md', 'compose.example.yml', 'docs', 'package.json']));
});
