import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { releasedCompose } from '../../../scripts/release/compose.ts';

const example = readFileSync(new URL('../../../compose.example.yml', import.meta.url), 'utf8');
const image = `ghcr.io/owner/dockwall:1.2.3@sha256:${'a'.repeat(64)}`;

interface Compose {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

it('the compose file of a release is that of the checkout, with the published image for the build', () => {
  const text = releasedCompose(example, image);
  const [before, after] = [example, text].map((one) => parse(one) as Compose);
  const { build, ...sidecar } = before?.services['dockwall'] ?? {};
  expect(build).toBe('.');
  expect(after?.services).toEqual({ ...before?.services, dockwall: { ...sidecar, image } });
  expect(text).toContain('    # From a checkout: build: .\n');
  expect(text).not.toContain('--build');
});

it('takes a compose file that only names the image', () => {
  const text = 'services:\n  wall:\n    image: dockwall:latest # from a checkout\n    restart: always\n';
  expect(releasedCompose(text, image)).toBe(`services:\n  wall:\n    image: ${image}\n    restart: always\n`);
  expect(() => releasedCompose('services: {}\n', image)).toThrow('no service with');
});
