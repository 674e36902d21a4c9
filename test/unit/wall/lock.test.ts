import { describe, expect, it } from 'vitest';
import type { Policy } from '../../../src/decide/policy/model.ts';
import { renderLock } from '../../../src/decide/wall/lock.ts';
import type { IpSet, SetName } from '../../../src/decide/wall/model.ts';

const policy = {
  mark: 0x1000,
  connmark: 0x80,
  external: { kind: 'auto' },
  inside: ['br-1', 'docker0'],
} as unknown as Policy;
const set = (name: string, members: IpSet['members'], type: IpSet['type'] = 'hash:net,port'): IpSet => ({
  name: name as SetName,
  family: name.startsWith('dockwall4') ? 4 : 6,
  type,
  expiring: false,
  effect: 'closes',
  members,
});
const ports = (...sets: readonly IpSet[]): readonly string[] => renderLock(policy, sets).ports;

describe('the lock', () => {
  it('closes what is published, and knows what is inside', () => {
    const published = set('dockwall4-published', [
      '0.0.0.0/1,tcp:80',
      '128.0.0.0/1,tcp:80',
      '192.0.2.1,udp:53',
    ]);
    expect(renderLock(policy, [published])).toEqual({
      mark: 0x1000,
      connmark: 0x80,
      side: 'inside',
      interfaces: ['br-1', 'docker0', 'lo'],
      bridges: ['br-1', 'docker0'],
      ports: ['0.0.0.0/0,tcp:80', '192.0.2.1,udp:53'],
    });
  });

  it('goes by the interfaces that the configuration calls external', () => {
    const external = { kind: 'list', names: ['wan', 'eth1'] } as const;
    expect(renderLock({ ...policy, external }, [])).toMatchObject({
      side: 'outside',
      interfaces: ['eth1', 'wan'],
    });
  });

  it('holds a port once: on one address only where it is not on every address', () => {
    expect(
      ports(
        set('dockwall6-published', [
          '::/1,tcp:80',
          '8000::/1,tcp:80',
          '2001:db8::1,tcp:80',
          '2001:db8::1,tcp:81',
        ]),
        set('dockwall6-u-published', ['5000-5999'], 'bitmap:port'),
      ),
    ).toEqual(['2001:db8::1,tcp:81', '::/0,tcp:80', '::/0,udp:5000-5999']);
  });

  it('takes no more ports on single addresses than its set can be written with', () => {
    const many = Array.from({ length: 3000 }, (_, at) => `192.0.2.1,tcp:${at * 2 + 1}`);
    expect(ports(set('dockwall4-published', many))).toHaveLength(1024);
  });

  it('is not concerned by ports of container addresses, nor by those that are only allowed', () => {
    expect(
      ports(
        set('dockwall4-r-published', ['172.17.0.2,tcp:80']),
        set('dockwall4-public', ['0.0.0.0/1,tcp:80']),
      ),
    ).toEqual([]);
  });
});
