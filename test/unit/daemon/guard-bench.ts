import { guardIn } from '../../../src/daemon/guard-sets.ts';
import { ListenerGuard } from '../../../src/daemon/listener-guard.ts';
import type { ObservedSet, Plan } from '../../../src/decide/diff/model.ts';
import type { ContainerDetails } from '../../../src/decide/inventory/docker-json.ts';
import type { HostPortRun } from '../../../src/decide/inventory/host-port.ts';
import type { HostSocket } from '../../../src/reach/host/listeners.ts';
import { FakeClock, settle } from './fake-clock.ts';

export const ssh: HostSocket = {
  family: 4,
  address: 'any',
  protocol: 'tcp',
  port: 22,
  inode: 1,
  uid: 0,
  loopback: false,
};
export const nobody = guardIn([], [4, 6]);
export const root = (port: number, inode: number): HostSocket => ({ ...ssh, port, inode });

export function details(HostPort: string): ContainerDetails {
  return { Id: 'c', HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort }] } } };
}

export function many(from: number, count: number): ContainerDetails {
  const bindings = Array.from({ length: count }, (_, index) => ({ HostPort: String(from + index) }));
  return { Id: 'c', HostConfig: { PortBindings: { '80/tcp': bindings } } };
}

/** IPv4 changes only, the two halves of all addresses as `*`. */
export function words(plan: Plan): readonly string[] {
  const lines = plan.sets.flatMap((change) =>
    'member' in change && change.set.startsWith('dockwall4-')
      ? [
          `${change.kind === 'add-member' ? '+' : '-'} ${change.set.slice(10)} ${change.member.replace(/^(0|128)\.0\.0\.0\/1/, '*')}${'seconds' in change ? ` ${change.seconds}s` : ''}`,
        ]
      : [],
  );
  return [...new Set(lines)];
}

export class Bench {
  readonly clock = new FakeClock();
  readonly writes: (readonly string[])[] = [];
  readonly failures: unknown[] = [];
  sockets: readonly HostSocket[] = [ssh];
  asked = 0;
  reads = 0;
  refuse = false;
  readingTakes = 0;
  onApply: (plan: Plan) => void = () => {};
  enabled = true;
  stands: boolean | undefined = true;
  answer: Promise<ContainerDetails | undefined> = Promise.resolve(undefined);
  readonly guard = new ListenerGuard({
    families: [4, 6],
    clock: this.clock,
    firstLocalPort: 32_768,
    sockets: () => {
      this.reads += 1;
      if (this.readingTakes === 0) return Promise.resolve(this.sockets);
      return new Promise((resolve) => {
        this.clock.after(this.readingTakes, () => resolve(this.sockets));
      });
    },
    counts: () => Promise.resolve(String(this.sockets.length)),
    stands: () => Promise.resolve(this.stands),
    kernel: {
      apply: async (plan) => {
        if (this.refuse) throw new Error('refused');
        this.onApply(plan);
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
    const held = published.map((port): HostPortRun => ({
      family: 4,
      address: 'any',
      protocol: 'tcp',
      hostPort: port,
      containerPort: port,
    }));
    this.guard.passed({
      claims: { held, all: held },
      against: [],
      judged: this.guard.due(),
      sets: standing(22),
    });
    await settle();
  }
}

/** The guard's sets with these ports in them. */
export function standing(...ports: readonly number[]): readonly ObservedSet[] {
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

export async function begin(): Promise<Bench> {
  const bench = new Bench();
  await bench.guard.start(nobody);
  await bench.pass();
  bench.writes.splice(0);
  bench.asked = 0;
  return bench;
}

export const up = ['+ listening *,tcp:22 176s', '+ guard * 88s'];
