import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { everyRight, peerList } from '../policy/inventories.ts';
import { config, lines, problems } from './loading.ts';

describe('labels', () => {
  test.each([
    ['labels:', everyRight],
    ['labels: {}', everyRight],
    ['labels: {keys: [allow, description]}', { ...everyRight, keys: ['allow'] }],
    ['labels: {keys: "deny public"}', { ...everyRight, keys: ['public', 'deny'] }],
    ['labels: {keys: []}', { ...everyRight, keys: [] }],
    ['labels: {guests: off}', { ...everyRight, guests: 'off' }],
    [
      'labels: {ports: [80, https/tcp, 8000-8999]}',
      {
        ...everyRight,
        ports: [
          { range: { from: 80, to: 80 }, protocol: undefined },
          { range: { from: 443, to: 443 }, protocol: 'tcp' },
          { range: { from: 8000, to: 8999 }, protocol: undefined },
        ],
      },
    ],
    [
      'labels: {sources: [office, private, 203.0.113.0/24, home.example.org, "interface:wg0"]}\ngroups: {office: []}',
      {
        ...everyRight,
        sources: {
          ...peerList(['203.0.113.0/24'], ['office', 'private']),
          sources: [{ kind: 'name', name: 'home.example.org' }],
          interfaces: ['wg0'],
          ipsets: [],
        },
      },
    ],
  ])('%s', (text, expected) => {
    expect(config(text).labels).toEqual(expected);
  });

  test('by its variable', () => {
    const { labels } = config(undefined, { DOCKWALL_LABELS: '{keys: [allow], guests: off}' });
    expect(labels).toEqual({ ...everyRight, keys: ['allow'], guests: 'off' });
    expect(lines(problems(undefined, { DOCKWALL_LABELS: 'keys: [pubic]' }))).toEqual([
      'DOCKWALL_LABELS:1:8 labels.keys[0]: `pubic` stands where one of `public`, `allow`, `deny`, `ports`, `description` should; did you mean `public`?',
    ]);
  });

  test.each([
    [
      '{kyes: [allow]}',
      '1:10 labels.kyes: `kyes` is not a key here: the keys are keys, sources, ports, guests; did you mean `keys`?',
    ],
    [
      'off',
      '1:9 labels: `off` stands where a map should, such as `{keys: [public, allow], ports: [80, 443]}`',
    ],
    [
      '{sources: [offce]}\ngroups: {office: []}',
      '1:20 labels.sources[0]: `offce` is neither an address nor a group: the groups are office, private, connected; did you mean `office`?',
    ],
    [
      '{sources: [any]}',
      '1:20 labels.sources[0]: `any` is not a source here: labels may open ports to everybody where `public` is among the `keys`',
    ],
    [
      '{sources: ["country:DE"]}',
      '1:20 labels.sources[0]: a label cannot name a list: put it into a group under `groups`, and write the name of the group',
    ],
    [
      '{sources: [{url: "https://example.org/list"}]}',
      '1:20 labels.sources[0]: a label cannot name a list: put it into a group under `groups`, and write the name of the group',
    ],
    [
      '{ports: [80, "*"]}',
      '1:22 labels.ports[1]: `*` is every port, which labels may open where `ports` is left out',
    ],
    [
      '{ports: ["container:80"]}',
      '1:18 labels.ports[0]: `container:80` is a port of a container: write the port of the host',
    ],
    ['{ports: [70000]}', '1:18 labels.ports[0]: `70000` is not a port: ports are numbers from 1 to 65535'],
    ['{guests: of}', '1:18 labels.guests: `of` stands where one of `on`, `off` should; did you mean `on`?'],
  ])('%s is refused', (text, expected) => {
    expect(lines(problems(`labels: ${text}`))).toEqual([expected]);
  });
});

test('the example of docs/security.md loads', () => {
  const text = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8');
  const [, example] = /```yaml\n([^`]*)```/u.exec(text) ?? [];
  expect(config(example).labels.keys).toEqual(['public', 'allow']);
});
