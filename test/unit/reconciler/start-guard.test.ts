import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/diff/model.ts';
import type { ContainerDetails } from '../../../src/inventory/docker-json.ts';
import type { Listener } from '../../../src/inventory/model.ts';
import { StartGuard } from '../../../src/reconciler/start-guard.ts';
import { FakeClock, settle } from './fake-clock.ts';

function details(HostPort: string): ContainerDetails {
  return { Id: 'c', HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort }] } } };
}

const tcp = (port: number): Listener => ({ protocol: 'tcp', port });

interface Bench {
  readonly guard: StartGuard;
  readonly clock: FakeClock;
  readonly writes: string[][];
  readonly answer: (id: string, value: ContainerDetails | undefined) => Promise<void>;
  /** How often a pass was asked for. */
  asked: number;
}

/** IPv4 changes only, the two halves of all addresses as `*`. */
function words(plan: Plan): string[] {
  const lines = plan.sets.flatMap((change) =>
    'member' in change && change.set.startsWith('dockwall4-')
      ? [
          `${change.kind === 'add-member' ? '+' : '-'} ${change.set.slice(10)} ${change.member.replace(/^(0|128)\.0\.0\.0\/1/, '*')}${'seconds' in change ? ` ${change.seconds}s` : ''}`,
        ]
      : [],
  );
  return [...new Set(lines)];
}

function bench(): Bench {
  const clock = new FakeClock();
  const writes: string[][] = [];
  const waiting = new Map<string, (value: ContainerDetails | undefined) => void>();
  const made: Bench = {
    clock,
    writes,
    asked: 0,
    guard: new StartGuard({
      families: [4, 6],
      clock,
      kernel: {
        observe: () => Promise.reject(new Error('the guard does not look')),
        apply: async (plan) => void writes.push(words(plan)),
      },
      onClosed: () => void made.asked++,
      inspect: (id) => new Promise((resolve) => waiting.set(id, resolve)),
    }),
    answer: async (id, value) => {
      waiting.get(id)?.(value);
      await settle();
    },
  };
  made.guard.looked([tcp(22)]);
  return made;
}

const up = ['+ listening *,tcp:22 15s', '+ starting * 5s'];

describe('StartGuard', () => {
  it('goes up before the ports are known, closes them when they are, and comes down', async () => {
    const made = bench();
    const { guard, writes, answer } = made;
    await guard.onCreate('a');
    expect(writes).toEqual([up]);
    await answer('a', details('8080'));
    expect(writes.slice(1)).toEqual([['+ published *,tcp:8080']]);
    expect(made.asked).toBe(1);
    await guard.passBegins()();
    expect(writes.slice(2)).toEqual([['- starting *']]);
    await guard.passBegins()();
    expect(writes.length).toBe(3);
  });

  it('stays up at the end of a pass that began before the ports were closed', async () => {
    const { guard, writes, answer } = bench();
    const before = guard.passBegins();
    await guard.onCreate('a');
    const meanwhile = guard.passBegins();
    await answer('a', details('8080'));
    await before();
    await meanwhile();
    expect(writes.slice(1)).toEqual([['+ published *,tcp:8080']]);
    await guard.passBegins()();
    expect(writes.slice(2)).toEqual([['- starting *']]);
  });

  it('stays up while the inspect is blocked, and no longer', async () => {
    const { guard, writes, answer, clock } = bench();
    await guard.onCreate('a');
    await clock.advance(4500);
    expect(writes).toEqual([up, up, up]);
    await answer('a', details('8080'));
    await clock.advance(60_000);
    expect(writes.length).toBe(4);
  });

  it('forgets a listener that is gone: the next container may publish its port', async () => {
    const { guard, writes, answer, clock } = bench();
    guard.looked([tcp(22), tcp(8080)]);
    await clock.advance(1000);
    await guard.onCreate('a');
    await answer('a', details('8081'));
    await guard.passBegins()();
    guard.looked([tcp(22)]);
    await clock.advance(1000);
    await guard.onCreate('b');
    expect(writes.at(-1)).toEqual(['- listening *,tcp:8080', ...up]);
  });

  it('goes by what listened a second ago: its event may be later than docker-proxy', async () => {
    const { guard, writes, clock } = bench();
    await clock.advance(5000);
    guard.looked([tcp(22), tcp(8080)]);
    await clock.advance(900);
    await guard.onCreate('a');
    expect(writes).toEqual([up]);
  });

  it('stays up until the last of several starts, and knows the listeners of the first', async () => {
    const made = bench();
    await made.guard.onCreate('a');
    made.guard.looked([tcp(22), tcp(8080)]);
    await made.clock.advance(1500);
    await made.guard.onCreate('b');
    expect(made.writes[1]).toEqual(up);
    await made.answer('a', details('8080'));
    expect(made.writes[2]).toEqual(['+ published *,tcp:8080']);
    await made.answer('b', details('8081'));
    expect(made.writes[3]).toEqual(['+ published *,tcp:8081']);
    await made.guard.passBegins()();
    expect(made.writes[4]).toEqual(['- starting *']);
  });

  it('leaves the lowering to the kernel while a port is still to be chosen', async () => {
    const { guard, writes, answer } = bench();
    await guard.onCreate('a');
    await answer('a', details(''));
    await guard.passBegins()();
    expect(writes).toEqual([up]);
  });

  it('lets go of a container that is gone', async () => {
    const { guard, writes, answer, clock } = bench();
    await guard.onCreate('a');
    await answer('a', undefined);
    await clock.advance(60_000);
    expect(writes).toEqual([up]);
  });
});
