import type { ForeignState } from '../diff/foreign.ts';
import type { Config, Missing } from '../policy/config.ts';
import type { Finding } from './engine-check.ts';

/**
 * What there is to say of the external sets that lists name; nothing of those that are looked into. One that should refuse and cannot
 * is a problem: somebody believes that it does. One that should let in lets nobody in. One that refuses and does not exist has nobody
 * in it as yet: fail2ban makes its sets with the first ban.
 */
export function checkForeign(states: readonly ForeignState[]): readonly Finding[] {
  return states.flatMap((state) => {
    const finding = findingOf(state);
    return finding === undefined ? [] : [finding];
  });
}

function findingOf({ name, closes, missing, state }: ForeignState): Finding | undefined {
  const set = `the ipset "${name}"`;
  const nobody = closes ? 'NOBODY IN IT IS REFUSED' : 'it lets nobody in';
  const kind = closes ? 'problem' : 'warning';
  switch (state.kind) {
    case 'found':
      return undefined;
    case 'missing': {
      const hint =
        state.near === undefined ? 'ipset list -n shows the sets there are' : `did you mean "${state.near}"?`;
      if (missing === 'empty' || (closes && missing === undefined))
        return {
          kind: 'note',
          text: `${set} does not exist yet, so nobody is in it; it counts as soon as something makes it (${hint})`,
        };
      return {
        kind: missing ?? kind,
        text: `${set} does not exist: ${nobody} until something makes it (${hint})`,
      };
    }
    case 'unfit':
      return {
        kind,
        text: `${set} is of the type ${state.type}, which one address cannot be held against: ${nobody}; hash:ip, hash:net, bitmap:ip and lists of these can be used`,
      };
    case 'unsupported':
      return {
        kind,
        text: `this kernel has no ipset type list:set (CONFIG_IP_SET_LIST_SET), so dockwall cannot look into ${set}: ${nobody}`,
      };
  }
}

/** What the configuration says of sets that do not exist, by name. Where two lists differ somebody has to look. */
export function missingSets({
  trusted,
  deny,
  groups,
}: Pick<Config, 'trusted' | 'deny' | 'groups'>): ReadonlyMap<string, Missing> {
  const said = [trusted, deny, ...groups.values()].flatMap(({ missing = {} }) => Object.entries(missing));
  return new Map(said.toSorted(([, a], [, b]) => (a < b ? -1 : 1)));
}
