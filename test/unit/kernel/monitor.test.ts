import { expect, test, vi } from 'vitest';
import { hooked } from '../../../src/decide/wall/hooks.ts';
import { wallOf } from '../../../src/reach/kernel/monitor-line.ts';
import { startMonitor } from '../../../src/reach/kernel/monitor.ts';

// The lines are as nft 1.0.6 (bookworm) and 1.1.3 (trixie) print them.
test.each([
  ['delete rule ip mangle PREROUTING handle 4', 'gate'],
  ['insert rule ip6 mangle FORWARD  counter packets 0 bytes 0 jump X', 'gate'],
  ['insert rule ip mangle PREROUTING handle 3 tcp dport 82 counter packets 0 bytes 0 accept', 'gate'],
  ['replace rule ip mangle INPUT handle 3 counter packets 0 bytes 0 accept', 'gate'],
  ['delete rule ip mangle POSTROUTING handle 5', 'gate'],
  ['add rule ip mangle DOCKWALL-GATE handle 12 counter packets 0 bytes 0 return', 'gate'],
  ['delete chain ip mangle DOCKWALL-GATE', 'gate'],
  ['delete chain ip mangle PREROUTING', 'gate'],
  ['delete table ip mangle', 'gate'],
  ['# ERROR: We lost some netlink events!', 'gate'],
  ['delete rule ip filter DOCKER handle 4', 'front'],
  ['insert rule ip filter DOCKER tcp dport 81 counter packets 0 bytes 0 accept', 'front'],
  ['delete rule ip filter DOCKWALL-SERVICES handle 9', 'front'],
  ['delete table ip6 filter', 'front'],
  ['add rule ip filter DOCKER tcp dport 80 counter packets 0 bytes 0 accept', undefined],
  ['add rule ip mangle PREROUTING counter packets 0 bytes 0 return', undefined],
  ['add chain ip mangle PREROUTING { type filter hook prerouting priority -150; policy accept; }', undefined],
  ['insert rule ip nat DOCKER tcp dport 8080 counter packets 0 bytes 0 dnat to 172.17.0.2:80', undefined],
  ['add rule ip filter DOCKER-USER counter packets 0 bytes 0 return', undefined],
  ['delete rule ip filter INPUT handle 4', undefined],
  ['delete rule inet mangle PREROUTING handle 4', undefined],
  ['delete rule ip mangle DOCKWALL handle 4', undefined],
  ['add element inet f2b addr-set { 203.0.113.9 }', undefined],
  ['# new generation 8 by process 30190 (iptables-nft)', undefined],
  ['', undefined],
])('%s', (line, wall) => {
  expect(wallOf(line)).toBe(wall);
});

test.each(
  (['mangle', 'filter'] as const).flatMap((table) =>
    hooked[table].flatMap(({ chain, to }) => [chain, to].map((place) => [table, place] as const)),
  ),
)('a rule that goes from %s %s is seen: the walls hook in there', (table, place) => {
  expect(wallOf(`delete rule ip ${table} ${place} handle 4`)).toBe(table === 'mangle' ? 'gate' : 'front');
});

const sh = (script: string): readonly [string, ...string[]] => ['sh', '-c', script];

test('tells of each line that matters, also where it comes in pieces, and keeps none of a flood', async () => {
  const walls: string[] = [];
  const onEnd = vi.fn();
  const flood =
    'i=0; while [ $i -lt 3000 ]; do echo "add rule ip filter BIG ip saddr 10.0.0.1 drop"; i=$((i+1)); done';
  const long = 'add element ip x y { $(printf "%0100000d" 0) }';
  startMonitor(
    { onChange: (wall) => walls.push(wall), onEnd },
    sh(
      `printf 'delete rule ip man'; sleep 0.05; printf 'gle INPUT handle 1\\n'; ${flood}; echo "${long}"; echo delete table ip filter`,
    ),
  );
  await vi.waitFor(() => expect(onEnd).toHaveBeenCalled(), 10_000);
  expect(walls).toEqual(['gate', 'front']);
  expect(onEnd).toHaveBeenCalledWith({ missing: false, why: 'it ended with 0' });
});

test('says why it ended, and that there is no such program', async () => {
  const onEnd = vi.fn();
  startMonitor({ onChange: () => {}, onEnd }, sh('echo "netlink: no" >&2; exit 1'));
  startMonitor({ onChange: () => {}, onEnd }, ['no-such-program']);
  await vi.waitFor(() => expect(onEnd).toHaveBeenCalledTimes(2));
  const ends = onEnd.mock.calls.map(([end]) => end as { missing: boolean; why: string });
  expect(ends).toContainEqual({ missing: false, why: 'netlink: no' });
  expect(ends.find(({ missing }) => missing)?.why).toContain('ENOENT');
});

test('says nothing once it was stopped', async () => {
  const onEnd = vi.fn();
  const monitor = startMonitor({ onChange: () => {}, onEnd }, sh('exec sleep 60'));
  monitor.stop();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(onEnd).not.toHaveBeenCalled();
});
