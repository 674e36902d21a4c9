import type { Config } from '../config/model.ts';
import { diff, isEmpty } from '../diff/diff.ts';
import { type ForeignState, foreignStates } from '../diff/foreign.ts';
import type { Observed, Plan } from '../diff/model.ts';
import type { Snapshot } from '../inventory/docker-json.ts';
import { type HostFacts, readInventory } from '../inventory/read-inventory.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { lockDown } from '../policy/lockdown.ts';
import type { Answers, Policy } from '../policy/model.ts';
import { resolve } from '../policy/resolve.ts';
import type { Ruleset } from '../ruleset/model.ts';
import { render } from '../ruleset/render.ts';
import { checkEngine, type EngineView } from './engine-check.ts';
import { missingSets } from './foreign-check.ts';

/** The configuration in force; `lockedDown` while there has never been a good one. */
export interface ConfigInForce {
  readonly config: Config;
  readonly lockedDown: boolean;
}

/** The real parts that a pass asks. */
export interface PassParts {
  readonly kernel: Kernel;
  readonly list: () => Promise<Snapshot>;
  /** Asked while Docker is: `observed` is what the kernel held before that. */
  readonly host: (observed: Observed) => Promise<HostFacts>;
  readonly config: () => ConfigInForce;
  /** What live sources mean now; asked last, so that a pass never waits for a name or a list. */
  readonly answers: () => Answers;
}

/** What a pass has found out and would do. */
export interface Decision {
  readonly observed: Observed;
  readonly policy: Policy;
  readonly ruleset: Ruleset;
  readonly plan: Plan;
  readonly engine: EngineView;
  /** How it stands with the sets of others that the policy names. */
  readonly foreign: readonly ForeignState[];
}

/** With what it was decided from. */
export interface Decided extends Decision {
  readonly from: {
    readonly snapshot: Snapshot;
    readonly host: HostFacts;
    readonly config: ConfigInForce;
    readonly answers: Answers;
  };
}

/** The pure middle of a pass: one moment of everything into what should change. */
export function decide(
  moment: {
    readonly snapshot: Snapshot;
    readonly host: HostFacts;
    readonly observed: Observed;
    readonly answers?: Answers;
  },
  inForce: ConfigInForce,
): Decided {
  const { snapshot, host, observed, answers = new Map() } = moment;
  const { config, lockedDown } = inForce;
  const inventory = readInventory(snapshot, host);
  const resolved = resolve(inventory, config, answers);
  const policy = lockedDown ? lockDown(resolved) : resolved;
  const ruleset = render(policy, snapshot.settled === false ? 'unsettled' : 'asked');
  const engine = checkEngine(snapshot.engine, inventory, observed);
  const from = { snapshot, host, config: inForce, answers };
  const missing = missingSets(config);
  const foreign = foreignStates(ruleset, observed).map((state) => ({
    ...state,
    missing: missing.get(state.name),
  }));
  return { observed, policy, ruleset, plan: diff(ruleset, observed), engine, foreign, from };
}

/**
 * Looks, and decides. The kernel is looked at before Docker is asked: a port that is closed early (see
 * `closeEarly`) after the look is not in what was seen, so no pass takes it away again as drift; before
 * the look, its container is in the list.
 */
export async function plan(parts: PassParts): Promise<Decided> {
  const observed = await parts.kernel.observe();
  const [snapshot, host] = await Promise.all([parts.list(), parts.host(observed)]);
  return decide({ snapshot, host, observed, answers: parts.answers() }, parts.config());
}

/**
 * One pass: look, decide, and write what differs. Writes nothing where nothing does.
 * @param accept throws where nothing may be written.
 */
export async function reconcile(
  parts: PassParts,
  accept: (decision: Decision) => void = () => {},
): Promise<Decided> {
  const decision = await plan(parts);
  accept(decision);
  if (!isEmpty(decision.plan)) await parts.kernel.apply(decision.plan);
  return decision;
}
