import { families } from '../net/network.ts';
import type { Policy } from '../policy/model.ts';
import { renderFront } from './front.ts';
import { renderGate } from './gate.ts';
import { renderLock } from './lock.ts';
import type { IpSet, Ruleset } from './model.ts';
import { renderSets } from './sets.ts';

/**
 * Both walls from one policy.
 *
 * `docker: 'unasked'` is the ruleset of the first moment, before Docker has been asked anything: the gate
 * stands, port sets keep what an earlier run left in them, and the front is left as it is. `unsettled`: Docker has
 * answered, and is starting something whose ports it has not told.
 */
export function render(policy: Policy, docker: 'asked' | 'unsettled' | 'unasked'): Ruleset {
  const asked = docker !== 'unasked';
  const sets = distinct(renderSets(policy, asked));
  return {
    sets,
    gate: families.map((family) => renderGate(policy, family)),
    boot: docker === 'asked' ? 'remove' : 'keep',
    front: asked ? families.map((family) => renderFront(policy, family)) : 'keep',
    lock: asked ? renderLock(policy, sets) : 'keep',
  };
}

/** Throws where two sets have one name: their contents would fight for it. Names are made so that this cannot be (see names.ts). */
export function distinct(sets: readonly IpSet[]): readonly IpSet[] {
  const names = new Set<string>();
  for (const { name } of sets) {
    if (names.has(name)) throw new Error(`two sets are called ${name}`);
    names.add(name);
  }
  return sets;
}
