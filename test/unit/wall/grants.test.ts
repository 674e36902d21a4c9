import { describe, expect, it } from 'vitest';
import { GrantLog } from '../../../src/daemon/grant-log.ts';
import type { ObservedSet } from '../../../src/decide/diff/model.ts';
import {
  grantsOf,
  groupsOf,
  otherWays,
  planGrant,
  planRevoke,
  withoutMembers,
} from '../../../src/decide/wall/grants.ts';
import { FakeClock } from '../daemon/fake-clock.ts';
import { networks } from '../net/arbitraries.ts';

function set(
  name: string,
  members: Readonly<Record<string, number>>,
  notes?: Readonly<Record<string, string>>,
): ObservedSet {
  const base = {
    name,
    type: 'hash:net',
    family: name.startsWith('dockwall4') ? 4 : 6,
    expiring: true,
  } as const;
  return {
    ...base,
    members: new Map(Object.entries(members)),
    ...(notes === undefined ? {} : { notes: new Map(Object.entries(notes)) }),
  };
}

const long = 'a-group-with-a-very-long-name-indeed';
const sets = [
  set('dockwall4-trusted', { '203.0.113.4': 0, '198.51.100.0/24': 600 }, { '198.51.100.0/24': 'Ana' }),
  set('dockwall6-trusted', {}, {}),
  set('dockwall4-deny', { '192.0.2.66': 0 }, {}),
  set(
    'dockwall4-src-web',
    { '10.0.0.0/8': 0, '192.0.2.1': 30, '192.0.2.2 nomatch': 30 },
    { '192.0.2.1': 'Bo' },
  ),
  set('dockwall6-src-web', { '2001:db8::1': 90 }),
  set('dockwall4-src-a-group-wi-3bbb3f', {}),
  set('dockwall4-guard', { '0.0.0.0/1': 60 }),
];

describe('grants', () => {
  it('are what ends by itself in the sets that let in', () => {
    expect(grantsOf(sets, [])).toEqual([
      { group: 'trusted', network: '198.51.100.0/24', seconds: 600, note: 'Ana' },
      { group: 'web', network: '192.0.2.1', seconds: 30, note: 'Bo' },
      { group: 'web', network: '2001:db8::1', seconds: 90, note: '' },
    ]);
    expect(groupsOf(sets, [])).toEqual(['a-group-wi-3bbb3f', 'trusted', 'web']);
    expect(groupsOf(sets, [long])).toContain('trusted');
  });

  it('go into the set of their family; what is in for good is left as it is', () => {
    const plan = planGrant(
      sets,
      { group: 'web', networks: networks('10.1.0.0/16', '192.0.2.1', '192.0.2.66', '2001:db8::2') },
      { seconds: 60, note: '' },
    );
    const add = { kind: 'add-member', seconds: 60 };
    expect(plan).toEqual({
      changes: [
        { ...add, set: 'dockwall4-src-web', member: '192.0.2.1', note: 'Bo' },
        { ...add, set: 'dockwall4-src-web', member: '192.0.2.66' },
        { ...add, set: 'dockwall6-src-web', member: '2001:db8::2' },
      ],
      held: ['10.1.0.0/16'],
      denied: ['192.0.2.66'],
      noteLost: false,
      homeless: [],
    });
  });

  it('keep a note where the set has room for it', () => {
    const asked = { group: 'web', networks: networks('192.0.2.1', '2001:db8::2') };
    const plan = planGrant(sets, asked, { seconds: 60, note: 'Cy' });
    expect(plan.changes.map(({ note }) => note)).toEqual(['Cy', undefined]);
    expect(plan.noteLost).toBe(true);
    expect(
      planGrant(sets, { group: 'deleted', networks: networks('::/0') }, { seconds: 1, note: '' }),
    ).toMatchObject({
      changes: [],
      homeless: ['::/1', '8000::/1'],
    });
  });

  it('are taken back by what they were given for', () => {
    const asked = (group: string, ...texts: readonly string[]) =>
      planRevoke(sets, { group, networks: networks(...texts) });
    expect(asked('web', '192.0.2.1')).toMatchObject({
      changes: [{ kind: 'delete-member', set: 'dockwall4-src-web', member: '192.0.2.1' }],
      missing: [],
    });
    expect(asked('web', '10.0.0.0/8', '10.1.1.1')).toMatchObject({ changes: [], permanent: ['10.0.0.0/8'] });
    expect(asked('trusted', '198.51.100.7')).toMatchObject({
      changes: [],
      within: [{ member: '198.51.100.7', grant: '198.51.100.0/24' }],
    });
    expect(asked('web', '192.0.2.9')).toMatchObject({ changes: [], missing: ['192.0.2.9'] });
  });

  it('say where else the source gets in', () => {
    const { changes } = planRevoke(sets, { group: 'web', networks: networks('192.0.2.1') });
    const left = withoutMembers(sets, changes);
    expect(otherWays(left, networks('192.0.2.1'), [])).toEqual([]);
    expect(otherWays(left, networks('198.51.100.7', '10.0.0.0/7'), [])).toEqual([
      { group: 'trusted', member: '198.51.100.0/24', seconds: 600 },
      { group: 'web', member: '10.0.0.0/8', seconds: 0 },
    ]);
  });
});

describe('GrantLog', () => {
  it('is one line for each that comes, is changed, is taken back or runs out', async () => {
    const lines: string[] = [];
    const clock = new FakeClock();
    const log = new GrantLog({
      log: { info: (fields, message) => void lines.push(`${message} ${JSON.stringify(fields)}`) },
      clock,
      groups: () => ['web'],
    });
    const saw = (
      members: Readonly<Record<string, number>>,
      notes: Readonly<Record<string, string>> = {},
    ): readonly string[] => {
      lines.length = 0;
      log.saw([set('dockwall4-src-web', members, notes)]);
      return [...lines];
    };
    const ana = { '192.0.2.1': 'Ana' };
    expect(saw({ '192.0.2.9': 7 })).toEqual([
      'a grant stands: 192.0.2.9 in web for 7 s {"group":"web","source":"192.0.2.9","seconds":7}',
    ]);
    expect(saw({ '192.0.2.9': 7, '192.0.2.1': 100 }, ana)).toEqual([
      'granted: 192.0.2.1 in web for 1 min 40 s {"group":"web","source":"192.0.2.1","seconds":100,"note":"Ana"}',
    ]);
    await clock.advance(5000);
    expect(saw({ '192.0.2.9': 1, '192.0.2.1': 95 }, ana)).toEqual([]);
    await clock.advance(5000);
    expect(saw({ '192.0.2.1': 900 }, ana)).toEqual([
      'grant changed: 192.0.2.1 in web for 15 min {"group":"web","source":"192.0.2.1","seconds":900,"note":"Ana"}',
      'a grant is over: 192.0.2.9 in web {"group":"web","source":"192.0.2.9"}',
    ]);
    expect(saw({})).toEqual([
      'a grant was revoked: 192.0.2.1 in web {"group":"web","source":"192.0.2.1","note":"Ana"}',
    ]);
    expect(saw({})).toEqual([]);
  });
});
