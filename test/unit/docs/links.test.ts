import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { documents } from '../../docs/blocks.ts';

const project = path.join(import.meta.dirname, '../../..');

/** As GitHub makes the anchor of a heading: lower case, words and hyphens only, a hyphen for each space. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');

const anchorsIn = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

it('links in README.md and docs/ lead to files and headings that are there', () => {
  const links = documents().flatMap(({ name, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => ({ name, link })),
  );
  const dead = links.filter(({ name, link }) => {
    if (/^https?:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    const target = path.join(project, file === '' ? name : path.join(path.dirname(name), file));
    if (!existsSync(target)) return true;
    if (anchor === undefined || !statSync(target).isFile()) return anchor !== undefined;
    return !anchorsIn(readFileSync(target, 'utf8')).includes(anchor);
  });
  expect(links.length).toBeGreaterThan(30);
  expect(dead.map(({ name, link }) => `${name}: ${link}`)).toEqual([]);
});
