import { expect, it } from 'vitest';
import { readDetails } from '../../../src/decide/inventory/read-docker.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';
import { askedAt, Starts } from '../../../src/reach/docker/starts.ts';

// A start with very many ports takes Docker long, and sockets of somebody's may be very many meanwhile: one times the other is not done.

const bindings = Object.fromEntries(
  Array.from({ length: 10_000 }, (_, n) => [
    `${2 * n + 1024}/tcp`,
    [{ HostIp: '', HostPort: `${2 * n + 1024}` }],
  ]),
);

it('asks a start with 10,000 ports about 2,000 sockets', () => {
  const details = readDetails('a', {
    Name: '/a',
    Config: { Labels: {} },
    HostConfig: { NetworkMode: 'bridge', PortBindings: bindings },
    NetworkSettings: { Networks: {} },
  });
  const starts = new Starts();
  starts.saw([{ id: 'a', since: 0, details }], [], 0);
  const starting = starts.among(['a'], 1000);
  const from = process.cpuUsage();
  const served = Array.from({ length: 2000 }, (_, n) => n + 1024).filter((port) =>
    starting.mayServe({ family: 4, address: 'any', protocol: 'tcp', port }, 0),
  );
  expect(process.cpuUsage(from).user / 1000).toBeLessThan(2000);
  expect(served).toHaveLength(1000);
});

it('asks 2,000 stopped containers about 20,000 sockets', () => {
  const stopped = (n: number, HostPort: string): ReturnType<typeof readDetails> =>
    readDetails(`${n}`, {
      HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '192.0.2.1', HostPort }] } },
    });
  const containers = Array.from({ length: 2000 }, (_, n) => stopped(n, `${1001 + 2 * (n % 20_000)}`));
  const from = process.cpuUsage();
  const may = askedAt(
    Array.from({ length: 20_000 }, (_, n) => ({
      family: 4,
      address: '192.0.2.1' as Cidr,
      protocol: 'tcp',
      port: 1000 + 2 * n,
    })),
  );
  expect(containers.filter(may)).toEqual([]);
  expect(process.cpuUsage(from).user / 1000).toBeLessThan(2000);
  expect(['1000', '999-1000', '41001', ''].map((port) => may(stopped(0, port)))).toEqual([
    true,
    true,
    false,
    true,
  ]);
  expect(askedAt([])(stopped(0, '1000'))).toBe(false);
});
