import { until } from '../lab/poll.ts';
import { type Case, took } from './case.ts';
import { manyPorts } from './fake-docker.ts';
import { guardedHost, run } from './guarded-host.ts';

// What one container with very many ports costs everybody else: the same daemon, as the Dockerfile runs it, with one port and with all.

interface Figures {
  /** From Docker's `create` event to the last port in the kernel's set, ms. */
  readonly known: number;
  /** Resident memory after it, MB. */
  readonly memory: number;
  readonly status: number;
  readonly explain: number;
}

/** Whether the kernel's sets hold this UDP port: with addresses, or where a container has very many of them without. */
async function holds(role: 'published' | 'public', port: number): Promise<boolean> {
  const answers = [
    run('ipset', ['test', `dockwall4-${role}`, `192.0.2.1,udp:${port}`]),
    run('ipset', ['test', `dockwall4-u-${role}`, String(port)]),
  ].map(async (answer) =>
    answer.then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(answers)).includes(true);
}

async function play(count: number, how: 'published' | 'declared'): Promise<Figures> {
  const { docker, dockwall, memory, close } = await guardedHost([]);
  const last = 20_000 + count - 1;
  const role = how === 'published' ? 'published' : 'public';
  const known = await took(async () => {
    docker.create(manyPorts(count, how));
    await until({ what: 'the last port to be known', ms: 60_000, every: 2 }, async () => holds(role, last));
  });
  await until({ what: 'the port to be open', ms: 60_000, every: 50 }, async () => holds('public', last));
  const figures = {
    known,
    memory: memory(),
    status: await took(async () => dockwall('status')),
    explain: await took(async () => dockwall('explain', '198.51.100.7', `${last}/udp`)),
  };
  await close();
  return figures;
}

/** 10,001 published and 16,384 declared ports; how many times one port's figure they may take. */
const plays = [
  { name: '10,001 published UDP ports', count: 10_001, how: 'published' },
  { name: '16,384 declared UDP ports', count: 16_384, how: 'declared' },
] as const;

interface Played {
  readonly many: readonly Figures[];
  readonly one: readonly Figures[];
}

const rounds = 3;

/** Played once, for all the figures that are read of it. */
async function playAll(count: number, how: 'published' | 'declared'): Promise<Played> {
  const many: Figures[] = [];
  const one: Figures[] = [];
  for (let round = 0; round < rounds; round += 1) {
    many.push(await play(count, how));
    one.push(await play(1, how));
  }
  return { many, one };
}

export const manyPortCases: readonly (() => Promise<Case>)[] = plays.flatMap(({ name, count, how }) => {
  let played: Promise<Played> | undefined;
  const figure =
    (what: string, key: keyof Figures, promise: Case['promise']): (() => Promise<Case>) =>
    async () => {
      played ??= playAll(count, how);
      const { many, one } = await played;
      let [a, b] = [0, 0];
      return {
        name: `${name}: ${what}`,
        against: 'one port',
        unit: key === 'memory' ? 'MB' : 'ms',
        rounds,
        promise,
        ours: async () => many[a++]?.[key] ?? Number.NaN,
        theirs: async () => one[b++]?.[key] ?? Number.NaN,
      };
    };
  return [
    figure(how === 'published' ? 'create to closed' : 'create to open', 'known', { times: 8 }),
    figure('memory', 'memory', { more: 60 }),
    figure('status', 'status', { times: 3 }),
    figure('explain of one port', 'explain', { times: 2 }),
  ];
});
