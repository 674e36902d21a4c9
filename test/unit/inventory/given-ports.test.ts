import { describe, expect, it } from 'vitest';
import type { ContainerDetails, ContainerSummary } from '../../../src/decide/inventory/docker-json.ts';
import { readGivenPorts } from '../../../src/decide/inventory/given-ports.ts';
import { publishedPorts } from '../../../src/decide/inventory/published-ports.ts';

/** As Docker lists a range: each port by itself, in both families, in no order. */
function listed(from: number, count: number, inside = from): readonly object[] {
  return Array.from({ length: count }, (_, index) => index)
    .toSorted((a, b) => ((a * 7919) % count) - ((b * 7919) % count))
    .flatMap((at) =>
      ['0.0.0.0', '::'].map((IP) => ({ IP, PrivatePort: inside + at, PublicPort: from + at, Type: 'udp' })),
    );
}

describe('ports that Docker lists', () => {
  it('are one for a range on one address, however many', () => {
    expect(readGivenPorts(listed(20_000, 10_001))).toEqual([
      { IP: '0.0.0.0', Type: 'udp', PrivatePort: 20_000, PublicPort: 20_000, count: 10_001 },
      { IP: '::', Type: 'udp', PrivatePort: 20_000, PublicPort: 20_000, count: 10_001 },
    ]);
  });

  it('are themselves where fewer are in a row, in host and container ports alike', () => {
    expect(readGivenPorts(listed(8000, 15, 80)).length).toBe(30);
    expect(readGivenPorts(listed(8000, 16, 80)).length).toBe(2);
    const all = { IP: '0.0.0.0', PrivatePort: 80, Type: 'tcp' };
    const toOne = Array.from({ length: 20 }, (_, at) => ({ ...all, PublicPort: 8000 + at }));
    expect(readGivenPorts(toOne).map(({ count }) => count)).toEqual(toOne.map(() => undefined));
  });

  it('are kept apart by protocol and address, and left out where they are exposed only or odd', () => {
    const tcp = { IP: '192.0.2.1', PrivatePort: 65_535, PublicPort: 65_535, Type: 'TCP' };
    const odd = [
      null,
      5,
      { PrivatePort: 80, Type: 'tcp' },
      { ...tcp, Type: 'foo' },
      { ...tcp, PublicPort: 70_000 },
    ];
    expect(readGivenPorts([tcp, { ...tcp, IP: undefined, Type: 'udp' }, ...odd])).toEqual([
      { IP: '192.0.2.1', Type: 'tcp', PrivatePort: 65_535, PublicPort: 65_535 },
      { IP: undefined, Type: 'udp', PrivatePort: 65_535, PublicPort: 65_535 },
    ]);
  });
});

describe('what a container publishes', () => {
  const count = 10_001;
  let looks = 0;
  const bindings = new Proxy<Record<string, { HostIp: string; HostPort: string }[]>>(
    Object.fromEntries(
      Array.from({ length: count + 1 }, (_, at) => [
        `${20_000 + at}/udp`,
        [{ HostIp: '0.0.0.0', HostPort: String(20_000 + at) }],
      ]),
    ),
    {
      get: (all, key) => {
        looks += 1;
        return all[String(key)];
      },
    },
  );
  const summary: ContainerSummary = {
    Id: 'c',
    State: 'running',
    Ports: readGivenPorts(listed(20_000, count)),
  };
  const details: ContainerDetails = { Id: 'c', HostConfig: { PortBindings: bindings } };

  it('is what is given, and of what was asked for only the port that is missing is looked at', () => {
    const shown = publishedPorts(summary, details).map(
      ({ family, hostPort, count: many = 1, unbound }) => `${family} ${hostPort} x${many} ${unbound}`,
    );
    expect(shown).toEqual(['4 20000 x10001 undefined', '6 20000 x10001 undefined', '4 30001 x1 runs']);
    expect(looks).toBe(1);
  });
});
