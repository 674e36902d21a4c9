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
  made.guard.looked([tcp(22)], []);
  return made;
}

const up = ['+ listening *,tcp:22 30s', '+ starting * 10s'];

describe('StartGuard', () => {
  it('goes up before the ports are known, and closes them when they are', async () => {
    const made = bench();
    await made.guard.onCreate('a');
    expect(made.writes).toEqual([up]);
    await made.answer('a', details('8080'));
    expect(made.writes.slice(1)).toEqual([['+ published *,tcp:8080']]);
    expect(made.asked).toBe(1);
  });

  it('is left to the kernel to lower, so that the next start finds it up', async () => {
    const { guard, writes, answer, clock } = bench();
    await guard.up();
    await clock.advance(2000);
    await guard.onCreate('a');
    await answer('a', details('8080'));
    await clock.advance(60_000);
    expect(writes).toEqual([up, ['+ published *,tcp:8080']]);
  });

  it('is renewed by any event after three seconds', async () => {
    const { guard, writes, clock } = bench();
    await guard.up();
    await clock.advance(2999);
    await guard.up();
    expect(writes.length).toBe(1);
    await clock.advance(1);
    await guard.up();
    expect(writes.length).toBe(2);
  });

  it('stays up while the inspect is blocked', async () => {
    const { guard, writes, answer, clock } = bench();
    await guard.onCreate('a');
    await clock.advance(7000);
    expect(writes).toEqual([up, up, up]);
    await answer('a', details('8080'));
    await clock.advance(60_000);
    expect(writes.length).toBe(4);
  });

  it('goes by what listened a second ago: the event may be late', async () => {
    const { guard, writes, clock } = bench();
    await clock.advance(5000);
    guard.looked([tcp(22), tcp(25)], []);
    await clock.advance(2000);
    guard.looked([tcp(22), tcp(25), tcp(8080)], []);
    await clock.advance(999);
    await guard.onCreate('a');
    expect(writes).toEqual([['+ listening *,tcp:22 30s', '+ listening *,tcp:25 30s', '+ starting * 10s']]);
  });

  it('believes no look while a container starts: its own listener may be in it', async () => {
    const { guard, writes, answer, clock } = bench();
    await guard.onCreate('a');
    guard.looked([tcp(22), tcp(8080)], []);
    await answer('a', undefined);
    await clock.advance(5000);
    await guard.onCreate('b');
    expect(writes).toEqual([up, up]);
  });

  it('forgets what listens no longer: a container may be about to', async () => {
    const { guard, writes, clock } = bench();
    await guard.up();
    guard.looked([tcp(25)], []);
    await clock.advance(5000);
    await guard.up();
    expect(writes[1]).toEqual(['- listening *,tcp:22', '+ listening *,tcp:25 30s', '+ starting * 10s']);
  });

  it('never lets a published port through, nor for a minute after', async () => {
    const { guard, writes, clock } = bench();
    guard.looked([tcp(22), tcp(8080)], [tcp(8080)]);
    await clock.advance(59_000);
    // docker-proxy of a container that is gone lingers
    guard.looked([tcp(22), tcp(8080)], []);
    await clock.advance(1000);
    await guard.up();
    expect(writes.at(-1)).toEqual(up);
    await clock.advance(5000);
    guard.looked([tcp(22), tcp(8080)], []);
    await guard.up();
    expect(writes.at(-1)).toContain('+ listening *,tcp:8080 30s');
  });

  it('takes a port out of the list when a container turns out to publish it', async () => {
    const { guard, writes, answer, clock } = bench();
    guard.looked([tcp(8080)], []);
    await clock.advance(2000);
    await guard.onCreate('a');
    await answer('a', details('8080'));
    expect(writes.at(-1)).toEqual(['+ published *,tcp:8080', '- listening *,tcp:8080']);
  });

  it('tries again at the next event when the kernel refused', async () => {
    const { guard, writes, clock } = bench();
    let refuse = true;
    const failing = new StartGuard({
      families: [4],
      clock,
      inspect: () => Promise.resolve(undefined),
      onClosed: () => {},
      kernel: {
        observe: () => Promise.reject(new Error('the guard does not look')),
        apply: async (plan) => {
          if (refuse) throw new Error('refused');
          writes.push(words(plan));
        },
      },
    });
    await expect(failing.onCreate('a')).rejects.toThrow('refused');
    refuse = false;
    await failing.up();
    expect(writes).toEqual([['+ starting * 10s']]);
    await guard.idle();
  });
});
