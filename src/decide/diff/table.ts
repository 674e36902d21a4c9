import type { Table } from '../wall/model.ts';
import { isOwnedChain } from '../wall/names.ts';
import { diffChain } from './chain.ts';
import type { ObservedRule, ObservedTable, RuleChange } from './model.ts';

/** The edits of one table, in order; `desired` undefined means that nothing of ours belongs there. */
export function diffTable(
  desired: Table | undefined,
  observed: ObservedTable | undefined,
): readonly RuleChange[] {
  const seen = observed?.chains ?? new Map<string, readonly ObservedRule[]>();
  const wanted = desired?.chains ?? [];
  const wantedNames = new Set<string>(wanted.map(({ name }) => name));
  const stale = [...seen.keys()].filter((name) => isOwnedChain(name) && !wantedNames.has(name));
  const edits = [
    ...wanted.map((chain) => diffChain(chain.name, chain.rules, seen.get(chain.name) ?? [])),
    ...stale.map((name) => diffChain(name, [], seen.get(name) ?? [])),
  ];
  const hooks = diffHooks(desired, seen);
  return [
    ...wanted
      .filter(({ name }) => !seen.has(name))
      .map(({ name }): RuleChange => ({ kind: 'create-chain', chain: name })),
    ...hooks.filter(({ kind }) => kind === 'unhook'),
    ...edits.flatMap(({ deletions }) => deletions),
    ...edits.flatMap(({ insertions }) => insertions),
    ...hooks.filter(({ kind }) => kind === 'hook'),
    ...stale.map((chain): RuleChange => ({ kind: 'delete-chain', chain })),
  ];
}

/** In a shared chain ours is exactly one rule, the first. Anything else of ours there goes. */
function diffHooks(
  desired: Table | undefined,
  seen: ReadonlyMap<string, readonly ObservedRule[]>,
): readonly RuleChange[] {
  const hooks = new Map((desired?.hooks ?? []).map((hook) => [hook.chain as string, hook]));
  const shared = new Set([...hooks.keys(), ...[...seen.keys()].filter((name) => !isOwnedChain(name))]);
  return [...shared].flatMap((chain): RuleChange[] => {
    const rules = seen.get(chain) ?? [];
    const hook = hooks.get(chain);
    const owned = rules.filter((rule) => rule.id !== undefined || isOwnedChain(rule.target ?? ''));
    const inPlace = hook !== undefined && owned.length === 1 && rules[0]?.id === hook.rule.id;
    if (inPlace) return [];
    return [
      ...owned.map((rule): RuleChange => ({ kind: 'unhook', chain, spec: rule.spec })),
      ...(hook === undefined ? [] : [{ kind: 'hook', chain: hook.chain, rule: hook.rule } as const]),
    ];
  });
}
