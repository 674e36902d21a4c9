import { describe, expect, test } from 'vitest';
import { config, lines, problems } from './loading.ts';

describe('services become labels', () => {
  test.each<[string, Record<string, string>]>([
    ['public: [http, https]', { 'dockwall.public': 'http,https' }],
    ['public: http https', { 'dockwall.public': 'http,https' }],
    ['public: "*"', { 'dockwall.public': '*' }],
    ['public: []', { 'dockwall.public': '' }],
    ['allow: office', { 'dockwall.allow': 'office' }],
    ['allow: [office, 203.0.113.7]', { 'dockwall.allow': 'office,203.0.113.7' }],
    [
      'allow: {ssh: [office], 5432: a b, 8000-8100/udp: c}',
      { 'dockwall.allow.5432': 'a,b', 'dockwall.allow.8000-8100/udp': 'c', 'dockwall.allow.ssh': 'office' },
    ],
    ['deny: [bans]', { 'dockwall.deny': 'bans' }],
    ['ports: 8123', { 'dockwall.ports': '8123' }],
    ['ports: [8123, 5353/udp]', { 'dockwall.ports': '8123,5353/udp' }],
    ['description: "The front door, for all"', { 'dockwall.description': 'The front door, for all' }],
    ['', {}],
  ])('%s', (entry, labels) => {
    expect(config(`services:\n  nginx-proxy: {${entry}}`).services.get('nginx-proxy')?.labels).toEqual(
      labels,
    );
  });

  test('sorted by name, keys too', () => {
    const { services } = config('services: {web: {public: 80, allow: a}, db.1: {deny: x}}');
    expect(JSON.stringify([...services])).toBe(
      '[["db.1",{"labels":{"dockwall.deny":"x"}}],["web",{"labels":{"dockwall.allow":"a","dockwall.public":"80"}}]]',
    );
  });
});

test.each<[string, object]>([
  ['name: game-*', { name: ['game-*'] }],
  [
    'image: [ghcr.io/pterodactyl/*, "nginx:1.27"], network: panel',
    { image: ['ghcr.io/pterodactyl/*', 'nginx:1.27'], network: ['panel'] },
  ],
  ['project: shop', { project: ['shop'] }],
  ['label: coolify.managed=true', { label: ['coolify.managed=true'] }],
  ['label: "owner=Jane, the second"', { label: ['owner=Jane, the second'] }],
])('match: {%s}', (match, expected) => {
  expect(config(`services: {games: {match: {${match}}, public: 25565}}`).services.get('games')).toEqual({
    labels: { 'dockwall.public': '25565' },
    match: expected,
  });
});

test.each([
  [
    '{}',
    '1:27 services.games.match: nothing is asked of a container here: name at least one of name, image, project, network, label',
  ],
  [
    'game-*',
    '1:27 services.games.match: `game-*` stands where conditions should, such as `match: {name: "game-*"}`',
  ],
  [
    '{nam: x}',
    '1:28 services.games.match.nam: `nam` is not a key here: the keys are name, image, project, network, label; did you mean `name`?',
  ],
  ['{name: []}', '1:34 services.games.match.name: an empty list asks nothing: leave the key out'],
  ['{name: }', '1:34 services.games.match.name: nothing stands where a text, or a list of texts, should'],
  ['{name: [a, ""]}', '1:34 services.games.match.name: there is nothing between the quotes'],
  [
    '{label: "coolify.*=true"}',
    '1:35 services.games.match.label: `coolify.*=true`: `*` may stand in the value of a label, not in its name',
  ],
])('match: %s is refused', (match, expected) => {
  expect(lines(problems(`services: {games: {match: ${match}}}`))).toEqual([expected]);
});

test('a condition that is wrong is not left out of a variable: the entry would select more', () => {
  const env = { DOCKWALL_SERVICES: '{games: {match: {image: ["a", {b: c}], network: x}, public: "80"}}' };
  expect(problems(undefined, env)).toHaveLength(1);
});

test.each([
  [
    'web: {publc: 80}',
    [
      '1:18 services.web.publc: `publc` is not a key here: the keys are match, public, allow, deny, ports, description; did you mean `public`?',
    ],
  ],
  [
    'web: {allow.ssh: office}',
    [
      '1:18 services.web.allow.ssh: `allow.ssh` is not a key here: the keys are match, public, allow, deny, ports, description',
    ],
  ],
  [
    'web: [http]',
    ['1:17 services.web: a list stands where the keys of a service should, such as `public: [http]`'],
  ],
  [
    'web: http',
    ['1:17 services.web: `http` stands where the keys of a service should, such as `public: [http]`'],
  ],
  [
    'web: ',
    ['1:17 services.web: nothing stands where the keys of a service should, such as `public: [http]`'],
  ],
  [
    'web: {public: {http: x}}',
    ['1:26 services.web.public: a map (keys with values) stands where a list should'],
  ],
  [
    'web: {public: [[http]]}',
    ['1:27 services.web.public[0]: a list stands where one entry of a list should'],
  ],
  ['web: {public: [""]}', ['1:27 services.web.public[0]: there is nothing between the quotes']],
  [
    'web: {allow: {ssh: {office: x}}}',
    ['1:31 services.web.allow.ssh: a map (keys with values) stands where a list should'],
  ],
  ['web: {description: [a]}', ['1:31 services.web.description: a list stands where one text should']],
  [
    '"a b": {}',
    [
      '1:12 services.a b: `a b` is neither a container name nor a compose service name: those have letters, digits, `_`, `.` and `-`',
    ],
  ],
  [
    '"a b": {publik: 80}',
    [
      '1:12 services.a b: `a b` is neither a container name nor a compose service name: those have letters, digits, `_`, `.` and `-`',
      '1:20 services.a b.publik: `publik` is not a key here: the keys are match, public, allow, deny, ports, description; did you mean `public`?',
    ],
  ],
])('%s is refused', (entry, expected) => {
  expect(lines(problems(`services: {${entry}}`))).toEqual(expected);
});
