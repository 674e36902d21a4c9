import type { ForeignState } from '../diff/foreign.ts';
import type { Finding } from './engine-check.ts';

/**
 * What there is to say of the sets of others that lists name; nothing of those that are looked into. One that should refuse and cannot
 * is a problem: somebody believes that it does. One that should let in lets nobody in.
 */
export function checkForeign(states: readonly ForeignState[]): readonly Finding[] {
  return states.flatMap((state) => {
    const text = complaint(state);
    return text === undefined ? [] : [{ kind: state.closes ? 'problem' : 'warning', text } as const];
  });
}

function complaint({ name, closes, state }: ForeignState): string | undefined {
  const set = `the ipset "${name}"`;
  const nobody = closes ? 'NOBODY IN IT IS REFUSED' : 'it lets nobody in';
  switch (state.kind) {
    case 'found':
      return undefined;
    case 'missing':
      return `${set} does not exist: ${nobody} until something makes it (ipset list -n shows the sets there are)`;
    case 'unfit':
      return `${set} is of the type ${state.type}, which one address cannot be held against: ${nobody}; hash:ip, hash:net, bitmap:ip and lists of these can be used`;
    case 'unsupported':
      return `this kernel has no ipset type list:set (CONFIG_IP_SET_LIST_SET), so dockwall cannot look into ${set}: ${nobody}`;
  }
}
