import { describe, expect, it } from 'vitest';
import type { ObservedSet, Plan } from '../../../src/diff/model.ts';
import type { HostSocket } from '../../../src/host/listeners.ts';
import type { ContainerDetails } from '../../../src/inventory/docker-json.ts';
import { adoptedBefore, Guard } from '../../../src/reconciler/guard.ts';
import { FakeClock, settle } from './fake-clock.ts';

const ssh: HostSocket = { protocol: 'tcp', port: 22, inode: 1, uid: 0, loopback: false };
const root = (port: number, inode: number): HostSocket => ({ ...ssh, port, inode });

function details(HostPort: string): ContainerDetails {
  return { Id: 'c', HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort }] } } };
}

/** IPv4 changes only, the two halves of all addresses as `*`. */
function words(plan: Plan): readonly string[] {
  const lines = plan.sets.flatMap((change) =>
    'member' in change && change.set.startsWith('dockwall4-')
      ? [
          `${change.kind === 'add-member' ? '+' : '-'} ${change.set.slice(10)} ${change.member.replace(/^(0|128)\.0\.0\.0\/1/, '*')}${'seconds' in change ? ` ${change.seconds}s` : ''}`,
        ]
      : [],
  );
  return [...new Set(lines)];
}

class Bench {
  readonly clock = new FakeClock();
  readonly writes: (readonly string[])[] = [];
  readonly failures: unknown[] = [];
  sockets: readonly HostSocket[] = [ssh];
  asked = 0;
  reads = 0;
  refuse = false;
  enabled = true;
  answer: Promise<ContainerDetails | undefined> = Promise.resolve(undefined);
  readonly guard = new Guard({
    families: [4, 6],
    clock: this.clock,
    firstLocalPort: 32_768,
    sockets: () => {
      this.reads += 1;
      return Promise.resolve(this.sockets);
    },
    counts: () => Promise.resolve(String(this.sockets.length)),
    kernel: {
      apply: async (plan) => {
        if (this.refuse) throw new Error('refused');
        this.writes.push(words(plan));
      },
    },
    inspect: () => this.answer,
    ask: () => void this.asked++,
    onFailure: (error) => void this.failures.push(error),
    enabled: () => this.enabled,
  });

  /** A pass that finds these ports published. */
  async pass(...published: readonly number[]): Promise<void> {
    this.guard.passed({
      published: published.map((port) => ({ protocol: 'tcp', port })),
      judged: this.guard.due(),
      sets: standing(22),
    });
    await settle();
  }
}

/** The guard's sets with these ports in them. */
function standing(...ports: readonly number[]): readonly ObservedSet[] {
  return ([4, 6] as const).flatMap((family) => {
    const half = family === 4 ? '0.0.0.0/1' : '::/1';
    const set = { family, type: 'hash:net', expiring: true } as const;
    return [
      { ...set, name: `dockwall${family}-guard`, members: new Map([[half, 40]]) },
      {
        ...set,
        name: `dockwall${family}-listening`,
        members: new Map(ports.map((port) => [`${half},tcp:${port}`, 100])),
      },
    ];
  });
}

async function begin(): Promise<Bench> {
  const bench = new Bench();
  await bench.guard.start(undefined);
  await bench.pass();
  bench.writes.splice(0);
  bench.asked = 0;
  return bench;
}

const up = ['+ listening *,tcp:22 180s', '+ guard * 60s'];

describe('Guard', () => {
  it('goes up with what listens, and is renewed long before its members expire', async () => {
    const { guard, writes, clock } = new Bench();
    await guard.start(undefined);
    expect(writes).toEqual([up]);
    await clock.advance(19_999);
    expect(writes.length).toBe(1);
    await clock.advance(501);
    expect(writes).toEqual([up, up]);
  });

  it('asks Docker about a new socket of root, and lets it be reached when it is the host’s own', async () => {
    const bench = await begin();
    bench.sockets = [ssh, root(9000, 2)];
    await bench.clock.advance(500);
    expect(bench.asked).toBe(0);
    await bench.clock.advance(500);
    expect(bench.asked).toBe(1);
    expect(bench.writes).toEqual([]);
    await bench.pass();
    expect(bench.writes).toEqual([['+ listening *,tcp:9000 180s']]);
  });

  it('never lets one be reached that a container turns out to publish', async () => {
    const bench = await begin();
    bench.sockets = [ssh, root(40_000, 2)];
    await bench.clock.advance(1000);
    await bench.pass(40_000);
    await bench.clock.advance(10_000);
    expect(bench.writes).toEqual([]);
    expect(bench.asked).toBe(1);
  });

  it('asks less and less often while Docker does not tell', async () => {
    const bench = await begin();
    bench.sockets = [ssh, root(9000, 2)];
    await bench.clock.advance(60_000);
    expect(bench.asked).toBeGreaterThan(5);
    expect(bench.asked).toBeLessThan(20);
  });

  it('reads the sockets only when their number has changed, and now and then', async () => {
    const bench = await begin();
    bench.reads = 0;
    await bench.clock.advance(60_000);
    expect(bench.reads).toBeGreaterThanOrEqual(3);
    expect(bench.reads).toBeLessThanOrEqual(4);
    bench.sockets = [root(25, 2)];
    await bench.clock.advance(16_000);
    expect(bench.asked).toBeGreaterThan(0);
  });

  it('takes a port off the list at the event after its socket has gone', async () => {
    const bench = await begin();
    bench.sockets = [];
    await bench.clock.advance(500);
    expect(bench.writes).toEqual([]);
    bench.guard.event();
    await settle();
    expect(bench.writes).toEqual([['- listening *,tcp:22']]);
  });

  it('closes the fixed ports of a new container when its inspect answers, and asks for a pass', async () => {
    const bench = await begin();
    bench.answer = Promise.resolve(details('22'));
    await bench.guard.onCreate('a');
    await settle();
    expect(bench.writes).toEqual([['+ published *,tcp:22'], ['- listening *,tcp:22']]);
    expect(bench.asked).toBe(1);
  });

  it('writes everything again when the kernel refused, and when somebody emptied its sets', async () => {
    const bench = await begin();
    bench.refuse = true;
    bench.sockets = [root(25, 2)];
    bench.guard.event();
    await settle();
    expect(bench.failures.map(String)).toEqual(['Error: refused']);
    bench.refuse = false;
    await bench.clock.advance(500);
    expect(bench.writes).toEqual([['- listening *,tcp:22', '+ guard * 60s']]);
    expect(bench.failures.at(-1)).toBeUndefined();
    bench.guard.passed({ published: [], judged: [], sets: [] });
    await settle();
    expect(bench.writes.at(-1)).toEqual(['+ guard * 60s']);
  });

  it('is taken down, also an earlier process’s, where the configuration says so, and comes back', async () => {
    const bench = new Bench();
    bench.enabled = false;
    await bench.guard.start(undefined);
    await bench.clock.advance(60_000);
    expect(bench.writes).toEqual([['- guard *']]);
    bench.enabled = true;
    await bench.clock.advance(500);
    expect(bench.writes.slice(1)).toEqual([up]);
    bench.enabled = false;
    await bench.clock.advance(500);
    expect(bench.writes.slice(2)).toEqual([['- guard *']]);
  });

  it('writes nothing after it was stopped', async () => {
    const bench = await begin();
    bench.guard.stop();
    bench.guard.event();
    await bench.clock.advance(60_000);
    expect(bench.writes).toEqual([]);
  });
});

describe('adoptedBefore', () => {
  it('finds the ports of a guard that still stands', () => {
    expect(adoptedBefore(standing(22, 443), [4, 6])).toEqual(new Set(['tcp:22', 'tcp:443']));
  });

  it('finds nothing where none stands, or not in every family', () => {
    expect(adoptedBefore([], [4])).toBeUndefined();
    expect(
      adoptedBefore(
        standing(22).filter(({ family }) => family === 4),
        [4, 6],
      ),
    ).toBeUndefined();
  });
});
