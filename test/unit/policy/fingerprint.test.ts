import { expect, it } from 'vitest';
import { policyFingerprint } from '../../../src/decide/policy/fingerprint.ts';
import { loadConfig } from '../../../src/reach/config/load.ts';

function fingerprint(text: string, env: Readonly<Record<string, string>> = {}): string | undefined {
  const loaded = loadConfig({ file: { path: 'dockwall.yml', text }, env });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return policyFingerprint({ config: loaded.config, lockedDown: false });
}

const usual = `
trusted: [198.51.100.10, "2001:db8:a::10"]
groups:
  office: [198.51.100.0/24, home.example.org]
  list: [{url: https://lists.example.org/one.json, path: a.b}]
services:
  web: {public: [80, 443], allow: [office, list]}
  db: {allow: [office]}
`;

it('the same meaning has the same fingerprint', () => {
  expect(fingerprint(usual)).toMatch(/^[0-9a-f]{12}$/);
  const otherwise = `
# the same, said otherwise
services: # what cannot be labelled
  db: {allow: office}
  web: {allow: "list, office", public: [443, 80]}
logLevel: debug
groups:
  list:
    - url: https://lists.example.org/one.json
      path: a.b
  office: [home.example.org, 198.51.100.0/25, 198.51.100.128/25]
`;
  const env = { DOCKWALL_TRUSTED: '2001:db8:a::10, 198.51.100.10' };
  expect(fingerprint(otherwise, env)).toBe(fingerprint(usual));
});

it.each([
  ['an address', '198.51.100.10', '198.51.100.11'],
  ['a name', 'home.example.org', 'hall.example.org'],
  ['a list', 'one.json', 'two.json'],
  ['the path into a list', 'path: a.b', 'path: b.a'],
  ['a port', '[80, 443]', '[80]'],
  ['whose port', 'db: {allow', 'cache: {allow'],
  ['allow and deny', 'db: {allow', 'db: {deny'],
  ['the default', 'services:', 'default: open\nservices:'],
])('%s: another fingerprint', (_, said, other) => {
  const text = usual.replace(said, other);
  expect(text).not.toBe(usual);
  expect(fingerprint(text)).not.toBe(fingerprint(usual));
});

it('while no configuration has ever been good there is none', () => {
  const loaded = loadConfig({ env: {} });
  expect(loaded.ok && policyFingerprint({ config: loaded.config, lockedDown: true })).toBeUndefined();
});
