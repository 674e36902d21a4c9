import type { Observed } from '../../../src/decide/diff/model.ts';
import type { Snapshot } from '../../../src/decide/inventory/docker-json.ts';
import { type ConfigInForce, type Decided, decide } from '../../../src/decide/pass/decide.ts';
import { withForeignSets } from '../../../src/decide/policy/foreign-sets.ts';
import { judge } from '../../../src/decide/policy/verdict.ts';
import { createKernel } from '../../../src/reach/kernel/kernel.ts';
import { FakeKernel } from '../fake-kernel.ts';
import { type DockerSpec, snapshotOf } from './docker.ts';
import { hostileNames } from './hostile.ts';
import { fateOf, type Fate, type Probe } from './probes.ts';
import { answersFor, hostFacts, others, othersText, type World } from './world.ts';

/** What is decided in one moment, and what a kernel does that was told so. */
export interface Moment {
  readonly decided: Decided;
  readonly kernel: FakeKernel;
  readonly verdict: (probe: Probe) => string;
  readonly fate: (probe: Probe) => Fate;
}

const answers = answersFor(hostileNames);
/** What Docker itself has in the kernel. */
const dockers = '*nat\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n*filter\n:DOCKER - [0:0]\nCOMMIT\n';

/** A kernel as it is before dockwall, with a set that something else keeps. */
export async function untouched(): Promise<FakeKernel> {
  const kernel = new FakeKernel({ backends: ['nft'] });
  await kernel.run({ program: 'ipset', args: ['restore'], input: othersText, timeoutMs: 1000 });
  for (const tool of ['iptables', 'ip6tables']) {
    await kernel.run({
      program: `${tool}-nft-restore`,
      args: ['--noflush'],
      input: dockers,
      timeoutMs: 1000,
    });
  }
  return kernel;
}

export async function observe(kernel: FakeKernel): Promise<Observed> {
  return createKernel(kernel.run, { readFile: kernel.readFile }).observe();
}

export function decideOn(
  snapshot: Snapshot,
  { interfaces, listens }: Pick<World, 'interfaces' | 'listens'>,
  { observed, inForce }: { readonly observed: Observed; readonly inForce: ConfigInForce },
): Decided {
  return decide({ snapshot, host: hostFacts({ interfaces, listens }), observed, answers }, inForce);
}

/** One pass: Docker is asked, it is decided, and written into a copy of this kernel. Rejects where any of it fails. */
export async function pass(
  world: Pick<World, 'interfaces' | 'listens'> & { readonly docker: DockerSpec },
  before: { readonly kernel: FakeKernel; readonly observed: Observed; readonly inForce: ConfigInForce },
): Promise<Moment> {
  const decided = decideOn(await snapshotOf(world.docker), world, before);
  const kernel = before.kernel.copy();
  await createKernel(kernel.run, { readFile: kernel.readFile }).apply(decided.plan);
  return momentOf(decided, kernel);
}

/** Verdicts and fates are found once. */
export function momentOf(decided: Decided, kernel: FakeKernel): Moment {
  const judged = judge(withForeignSets(decided.policy, others));
  return {
    decided,
    kernel,
    verdict: once((probe) => judged(probe).kind),
    fate: once((probe) => fateOf(kernel, probe)),
  };
}

function once<T>(find: (probe: Probe) => T): (probe: Probe) => T {
  const found = new Map<Probe, T>();
  return (probe) => {
    const known = found.get(probe) ?? find(probe);
    found.set(probe, known);
    return known;
  };
}
