import { families } from '../net/network.ts';
import type { Policy } from '../policy/model.ts';
import { renderFront } from './front.ts';
import { renderGate } from './gate.ts';
import type { Ruleset } from './model.ts';
import { renderSets } from './sets.ts';

/**
 * Both walls from one policy.
 *
 * `docker: 'unasked'` is the ruleset of the first moment, before Docker has been asked anything: the gate
 * stands, port sets keep what an earlier run left in them, and the front is left as it is.
 */
export function render(policy: Policy, docker: 'asked' | 'unasked'): Ruleset {
  return {
    sets: renderSets(policy, docker === 'asked'),
    gate: families.map((family) => renderGate(policy, family)),
    front: docker === 'asked' ? families.map((family) => renderFront(policy, family)) : 'keep',
  };
}
