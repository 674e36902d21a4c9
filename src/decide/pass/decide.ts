import { diff } from '../diff/diff.ts';
import type { ForeignState } from '../diff/foreign.ts';
import { foreignStates } from '../diff/foreign.ts';
import type { Observed } from '../diff/model.ts';
import type { Plan } from '../diff/model.ts';
import type { Snapshot } from '../inventory/docker-json.ts';
import type { HostFacts } from '../inventory/read-inventory.ts';
import { readInventory } from '../inventory/read-inventory.ts';
import type { Config } from '../policy/config.ts';
import { lockDown } from '../policy/lockdown.ts';
import type { Answers } from '../policy/model.ts';
import type { Policy } from '../policy/model.ts';
import { resolve } from '../policy/resolve.ts';
import type { Ruleset } from '../wall/model.ts';
import { render } from '../wall/render.ts';
import { checkEngine } from './engine-check.ts';
import type { EngineView } from './engine-check.ts';
import { missingSets } from './foreign-check.ts';

/** The configuration in force; `lockedDown` while there has never been a good one. */
export interface ConfigInForce {
  readonly config: Config;
  readonly lockedDown: boolean;
}

/** What a pass has found out and would do. */
export interface Decision {
  readonly observed: Observed;
  readonly policy: Policy;
  readonly ruleset: Ruleset;
  readonly plan: Plan;
  readonly engine: EngineView;
  /** How it stands with the external sets that the policy names. */
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
