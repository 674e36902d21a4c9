import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/diff/model.ts';
import type { ContainerDetails } from '../../../src/inventory/docker-json.ts';
import type { Listener } from '../../../src/inventory/model.ts';
import { StartGuard } from '../../../src/reconciler/start-guard.ts';
import { FakeClock, settle } from './fake-clock.ts';

function details(HostPort: string): ContainerDetails {
  return { Id: 'c', HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort }] } } };
}

interface Bench {
  readonly guard: StartGuard;
  readonly clock: FakeClock;
  readonly writes: string[][];
  readonly answer: (id: string, value: ContainerDetails | undefined) => Promise<void>;
  listening: readonly Listener[];
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
    listening: [{ protocol: 'tcp', port: 22 }],
    guard: new StartGuard({
      families: [4, 6],
      clock,
      kernel: {
        observe: () => Promise.reject(new Error('the guard does not look')),
        apply: async (plan) => void writes.push(words(plan)),
      },
      listeners: () => Promise.resolve(made.listening),
      inspect: (id) => new Promise((resolve) => waiting.set(id, resolve)),
    }),
    answer: async (id, value) => {
      waiting.get(id)?.(value);
      await settle();
    },
  };
  return made;
}

const up = ['+ listening *,tcp:22 15s', '+ starting * 5s'];

describe('StartGuard', () => {
  it('goes up before the ports are known, closes them when they are, and comes down', async () => {
    const { guard, writes, answer } = bench();
    await guard.onCreate('a');
    expect(writes).toEqual([up]);
    await answer('a', details('8080'));
    expect(writes.slice(1)).toEqual([['+ published *,tcp:8080', '- starting *']]);
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

  it('stays up until the last of several starts, and knows the listeners of the first', async () => {
    const made = bench();
    await made.guard.onCreate('a');
    made.listening = [...made.listening, { protocol: 'tcp', port: 8080 }];
    await made.guard.onCreate('b');
    expect(made.writes[1]).toEqual(up);
    await made.answer('a', details('8080'));
    expect(made.writes[2]).toEqual(['+ published *,tcp:8080']);
    await made.answer('b', details('8081'));
    expect(made.writes[3]).toEqual(['+ published *,tcp:8081', '- starting *']);
  });

  it('leaves the lowering to the kernel while a port is still to be chosen', async () => {
    const { guard, writes, answer } = bench();
    await guard.onCreate('a');
    await answer('a', details(''));
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
