import { hostBitsIn } from '../net/host-bits.ts';
import { shorten } from '../net/show.ts';
import type { Policy, Reason } from './model.ts';
import { peerRulesOf } from './peers.ts';

/** What labels say and hardly mean, a line each: a network that is written with one of its addresses. */
export function labelNotes({ services }: Policy): readonly string[] {
  const notes = services.flatMap(({ name, ports }) => {
    const rules = ports.flatMap((port) => [...peerRulesOf(port, 'allow'), ...peerRulesOf(port, 'deny')]);
    return [...new Set(rules.map(({ reason }) => reason))].flatMap((reason) => oddNetworks(name, reason));
  });
  return [...new Set(notes)];
}

function oddNetworks(container: string, { label, value }: Reason): readonly string[] {
  return hostBitsIn(value).map((odd) => `${shorten(container)}: ${shorten(label)}: ${odd}`);
}
