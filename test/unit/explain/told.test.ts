import { expect, it } from 'vitest';
import { explanationText } from '../../../src/faces/cli/explanation-text.ts';
import { groupsOf, makeContainer, peerList, ports } from '../policy/inventories.ts';
import { ask, momentOf } from './moments.ts';

// What differs by port only is said once; JSON keeps a path for each.

const endpoints = [{ networkId: '0123456789abcdef', address: '172.18.0.2' }] as never;
const config = { trusted: peerList(['192.0.2.1']), groups: groupsOf({ office: ['198.51.100.0/24'] }) };
const web = makeContainer('web', {
  endpoints,
  ports: ports('80:80', '443:443', '443:443/udp', '9000:9000', '9001:9001'),
  labels: { 'dockwall.allow.80': 'office', 'dockwall.allow.443': 'office' },
});

it('paths that differ by port are one block', async () => {
  const explanation = ask(await momentOf({ containers: [web], config }), '198.51.100.7', 'web');
  expect(explanation.paths).toHaveLength(5);
  const text = explanationText(explanation);
  const heads = text.split('\n').filter((line) => !line.startsWith(' '));
  expect(heads).toEqual([
    expect.stringMatching(/^allowed: 198\.51\.100\.7 -> web, port 80\/tcp: dockwall\.allow\.80=office: /),
    expect.stringMatching(
      /^allowed: 198\.51\.100\.7 -> web, ports 443\/tcp and 443\/udp: dockwall\.allow\.443=office: /,
    ),
    'denied: 198.51.100.7 -> web, ports 9000-9001/tcp: published, and nothing lets this source in',
  ]);
  expect(text).toContain("way: gate, Docker's DNAT to 172.18.0.2:443, front");
  expect(
    Math.max(
      ...explanationText(explanation, 80)
        .split('\n')
        .map(({ length }) => length),
    ),
  ).toBeLessThan(81);
});

it('a hundred ports take no more lines than one', async () => {
  const many = makeContainer('many', {
    endpoints,
    ports: ports(...Array.from({ length: 100 }, (_, index) => `${7000 + index * 2}:${7000 + index * 2}`)),
    labels: { 'dockwall.public': '*' },
  });
  const text = explanationText(ask(await momentOf({ containers: [many], config }), '203.0.113.9', 'many'));
  expect(text.split('\n').filter((line) => !line.includes('hint:')).length).toBe(2);
  expect(text).toContain('ports 7000/tcp, 7002/tcp, ');
  expect(text).toContain(' and 88 more: dockwall.public=*: everybody');
  expect(text).toContain(
    "Docker's DNAT to 172.18.0.2:7000 and 172.18.0.2:7002 and 172.18.0.2:7004 and 97 more, front",
  );
});
