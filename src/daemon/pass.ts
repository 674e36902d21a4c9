import { isEmpty } from '../decide/diff/diff.ts';
import type { Observed } from '../decide/diff/model.ts';
import type { Snapshot } from '../decide/inventory/docker-json.ts';
import { type HostFacts } from '../decide/inventory/read-inventory.ts';
import { decide } from '../decide/pass/decide.ts';
import type { Decided } from '../decide/pass/decide.ts';
import type { Decision } from '../decide/pass/decide.ts';
import type { ConfigInForce } from '../decide/pass/decide.ts';
import type { Answers } from '../decide/policy/model.ts';
import type { Kernel } from '../reach/kernel/kernel.ts';

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
