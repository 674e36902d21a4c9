import { describe, expect, it } from 'vitest';
import type { PortStatus } from '../../../src/decide/report/status-services.ts';
import { findServices } from '../../../src/faces/web/find.ts';
import { groupServices } from '../../../src/faces/web/groups.ts';
import { foldServices } from '../../../src/faces/web/map-fold.ts';
import type { ServiceView } from '../../../src/faces/web/page-model.ts';

const port = (hostPort: string, more: Partial<PortStatus> = {}): PortStatus => ({
  hostPort,
  routed: false,
  containerPort: '80',
  protocol: 'tcp',
  families: [4, 6],
  held: true,
  reach: 'trusted',
  allow: [],
  deny: [],
  because: null,
  counts: null,
  ...more,
});

const service = (
  name: string,
  ports: readonly PortStatus[],
  more: Partial<ServiceView> = {},
): ServiceView => ({
  id: `s-${name}`,
  name,
  project: null,
  entry: null,
  running: true,
  description: '',
  ports,
  notProtected: [],
  ...more,
});

const shop = { project: 'shop' };
const few = [
  service('shop-web-1', [port('443', { reach: 'everybody' })], shop),
  service('shop-db-1', [port('5432')], shop),
  service('wiki', [port('8080', { reach: 'some', allow: ['office'] })], { project: 'alone' }),
  service('ha', [], { notProtected: ['host network'] }),
  service('ftp', [port('30000-30099')]),
];
const hundreds = Array.from({ length: 200 }, (_, index) =>
  service(`s${index}`, [port(String(8000 + index), { reach: index % 2 === 0 ? 'everybody' : 'trusted' })]),
);

describe('many services', () => {
  it.each([
    ['', ['shop-web-1', 'shop-db-1', 'wiki', 'ha', 'ftp']],
    ['shop', ['shop-web-1', 'shop-db-1']],
    ['SHOP db', ['shop-db-1']],
    ['office', ['wiki']],
    ['443', ['shop-web-1']],
    ['30050', ['ftp']],
    ['30050/udp', []],
    ['nothing', []],
  ])('are found by %o', (text, names) => {
    expect(findServices(few, text).map(({ name }) => name)).toEqual(names);
  });

  it('stand by compose project, the others together', () => {
    const groups = groupServices(few).map(({ title, services }) => [title, services.length]);
    expect(groups).toEqual([
      ['shop', 2],
      ['Not in a project', 3],
    ]);
    expect(groupServices(hundreds).map(({ title, services }) => [title, services.length])).toEqual([
      ['Open to everybody', 100],
      ['Trusted only', 100],
    ]);
  });

  it('are few boxes in the picture, and each leads somewhere', () => {
    expect(foldServices(few).map(({ target }) => target)).toEqual(few.map(({ id }) => id));
    expect(foldServices(hundreds).map(({ name, target }) => [name, target])).toEqual([
      ['100 services', 'services'],
      ['100 services', 'services'],
    ]);
    const stacks = hundreds.map((one, index) => ({ ...one, project: `stack-${index % 10}` }));
    expect(foldServices(stacks).map(({ name }) => name)).toEqual(
      Array.from({ length: 10 }, (_, index) => `stack-${index}`),
    );
  });
});
