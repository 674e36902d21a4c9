import { lockStands } from '../diff/lock.ts';
import type { Observed, ObservedLock, ObservedRule, ObservedSet } from '../diff/model.ts';
import { findTable, place } from '../diff/placement.ts';
import { familyOf } from '../net/network.ts';
import { MemberIndex } from '../net/port-members.ts';
import type { Policy } from '../policy/model.ts';
import type { Packet } from '../policy/verdict.ts';
import { everywhere } from '../wall/lock.ts';
import type { Match, Rule, Ruleset, SetName, Table } from '../wall/model.ts';
import { isBootChain } from '../wall/names.ts';
import { type Looking, wantedLooks } from './foreign.ts';
import type { Agreement, Path, RuleName } from './model.ts';
import { isIn, type Layout, networksOf, newWalk, walk, type Walked, type Walker } from './walk.ts';

interface Kernel {
  readonly ruleset: Ruleset;
  readonly observed: Observed;
  readonly looking: Looking;
}

interface Judged {
  readonly packet: Packet;
  /** What the policy says, as it stands while the walls only look. */
  readonly verdict: Path['verdict'];
  readonly policy: Policy;
  /** Whether it should come by the front. */
  readonly front: boolean;
  /** The bridge of Docker that leads to its destination, where that is known. */
  readonly bridge: string | undefined;
}

/**
 * Whether the kernel does with this packet what the policy says. The packet is sent twice through the same chains: as they
 * should be and as they are, the rules that are there known by their ids. What differs on its way is named, and all else left alone.
 */
export function agreement(judged: Judged, kernel: Kernel): Agreement {
  const family = familyOf(judged.packet.source);
  const table = kernel.ruleset.gate.find((one) => one.family === family);
  if (
    table === undefined ||
    !kernel.observed.families.includes(family) ||
    judged.packet.towards === 'elsewhere'
  )
    return { kind: 'no rule' };
  const walker = walkerOf(judged);
  const desired = desiredLayout(table, kernel);
  const should = throughHooks({ layout: desired, walker }, () => true);
  const seen = observedLayout(table, kernel);
  const does = throughHooks({ layout: seen.layout, walker }, seen.hooked);
  const missing = [
    ...seen.missingHooks(hooksOf(judged.packet)),
    ...[...should.visited].flatMap((name) => seen.missingRules(name)),
    ...memberDifferences([should.rule?.rule, does.rule?.rule], {
      desired,
      seen: seen.layout,
      walker,
    }),
    ...missingLock(kernel),
    ...(judged.front ? missingFront(family, kernel) : []),
  ];
  const rule = should.rule && ruleName(should.rule);
  const sets = [
    ...new Set(
      (should.rule?.rule.matches ?? []).flatMap((match) =>
        match.kind === 'set' || match.kind === 'port-set' ? [match.set] : [],
      ),
    ),
  ];
  const locked = !does.dropped && !does.marked && closedByLock(kernel.observed.lock, walker);
  const outcome = locked ? 'denied' : outcomeOf(does, judged.packet);
  return missing.length === 0 && outcome === judged.verdict
    ? { kind: 'agrees', rule, sets }
    : { kind: 'differs', rule, sets, does: outcome, missing: [...new Set(missing)] };
}

function ruleName({ chain, rule }: NonNullable<Walked['rule']>): RuleName {
  return { chain, id: rule.id, note: rule.note };
}

function outcomeOf({ dropped, marked }: Walked, { towards }: Packet): Path['verdict'] {
  if (dropped) return 'denied';
  return marked || towards === 'bridge' ? 'allowed' : 'not managed';
}

/** Nobody has said by which interface: by one that is outside. */
function walkerOf({ packet, policy, bridge = 'docker0' }: Judged): Walker {
  const outside = policy.external.kind === 'list' ? policy.external.names[0] : undefined;
  return {
    packet,
    sources: networksOf(packet.source),
    destinations: networksOf(packet.destination),
    in: packet.interface ?? outside ?? 'outside',
    out: packet.towards === 'bridge' ? bridge : undefined,
  };
}

type Hook = Table['hooks'][number]['chain'];

/** What was dropped for not being passed is a question of the gate's: INPUT belongs to the guard, which is about who listens. */
function hooksOf({ towards }: Packet): readonly Hook[] {
  return towards === 'bridge' ? ['PREROUTING', 'FORWARD'] : ['PREROUTING'];
}

function throughHooks(
  through: { readonly layout: Layout; readonly walker: Walker },
  hooked: (hook: Hook) => boolean,
): Walked {
  const walked = newWalk();
  for (const hook of hooksOf(through.walker.packet)) {
    if (walked.dropped || !hooked(hook)) continue;
    const { rule } = walked;
    walk(hook, through, walked);
    // passed in PREROUTING: that was the decision
    if (hook === 'FORWARD' && walked.marked) walked.rule = rule;
  }
  // that a packet comes from outside decides nothing
  if (!walked.dropped && !walked.marked) walked.rule = undefined;
  return walked;
}

function desiredLayout(table: Table, { ruleset, observed, looking }: Kernel): Layout {
  const rules = rulesByChain(table);
  const wanted = new Map(ruleset.sets.map((set) => [set.name, set]));
  const members = new Map<SetName, MemberIndex>();
  const found = indexed(observed);
  const looks = wantedLooks(ruleset.sets, observed);
  return {
    chain: (name) => rules.get(name),
    isMember: (name, member) => {
      const foreign = looks.get(name);
      if (foreign !== undefined) return looking.holds(foreign, member);
      const set = wanted.get(name);
      if (set === undefined) return undefined;
      const here = found(name);
      if (set.members === 'keep') return here?.index.has(member) === true;
      const all = members.get(name) ?? new MemberIndex(set.members);
      members.set(name, all);
      // what somebody lets in for a while is meant to be there
      return all.has(member) || (set.expiring && (here?.set.members.get(member) ?? 0) > 0);
    },
  };
}

/** The sets that are there, each made ready to be asked for single ports when it is first asked for. */
function indexed(
  observed: Observed,
): (name: string) => { readonly set: ObservedSet; readonly index: Pick<MemberIndex, 'has'> } | undefined {
  const sets = new Map(observed.sets.map((set) => [set.name, set]));
  const known = new Map<string, { readonly set: ObservedSet; readonly index: Pick<MemberIndex, 'has'> }>();
  return (name) => {
    const set = sets.get(name);
    if (set === undefined) return undefined;
    const entry = known.get(name) ?? { set, index: indexOf(set) };
    known.set(name, entry);
    return entry;
  };
}

/** A list of sources, which may be long, is asked as it is. */
function indexOf({ type, members }: ObservedSet): Pick<MemberIndex, 'has'> {
  return type.includes('port') ? new MemberIndex(members.keys()) : members;
}

function rulesByChain(table: Table): ReadonlyMap<string, readonly Rule[]> {
  return new Map<string, readonly Rule[]>([
    ...table.hooks.map(({ chain, rule }) => [chain, [rule]] as const),
    ...table.chains.map(({ name, rules }) => [name, rules] as const),
  ]);
}

interface Seen {
  readonly layout: Layout;
  readonly hooked: (hook: Hook) => boolean;
  readonly missingHooks: (hooks: readonly Hook[]) => readonly string[];
  readonly missingRules: (chain: string) => readonly string[];
}

function observedLayout(table: Table, { observed, looking }: Kernel): Seen {
  const { family } = table;
  const backend = place(observed, family).gate;
  const found = findTable(observed, { family, backend, table: 'mangle' })?.chains;
  const wanted = rulesByChain(table);
  const held = indexed(observed);
  const where = `(mangle, IPv${family})`;
  const first = (hook: Hook): ObservedRule | undefined =>
    found?.get(hook)?.find(({ target }) => !isBootChain(target ?? ''));
  const hooked = (hook: Hook): boolean => first(hook)?.id === wanted.get(hook)?.[0]?.id;
  return {
    hooked,
    layout: {
      isMember: (name, member) => {
        const set = held(name)?.set;
        return set?.type === 'list:set'
          ? looking.holds(set.members.keys(), member)
          : held(name)?.index.has(member);
      },
      chain: (name) => {
        const known = new Map<string, Rule>(wanted.get(name)?.map((rule) => [rule.id, rule]));
        return found?.get(name)?.flatMap(({ id }) => known.get(id ?? '') ?? []);
      },
    },
    missingHooks: (hooks) =>
      hooks
        .filter((hook) => !hooked(hook))
        .map((hook) => `our jump is not the first rule of ${hook} ${where}`),
    missingRules: (chain) => {
      if (table.hooks.some((hook) => hook.chain === chain)) return [];
      const here = found?.get(chain);
      if (here === undefined) return [`the chain ${chain} ${where} is missing`];
      return ruleDifferences(wanted.get(chain) ?? [], here, `${chain} ${where}`);
    },
  };
}

function ruleDifferences(
  wanted: readonly Rule[],
  here: readonly ObservedRule[],
  chain: string,
): readonly string[] {
  const found = new Set(here.map(({ id }) => id));
  const known = new Set<string | undefined>(wanted.map(({ id }) => id));
  const strangers = here.filter(({ id }) => !known.has(id)).length;
  const words = [
    ...wanted
      .filter(({ id }) => !found.has(id))
      .map(({ note }) => `the rule "${note}" is missing in ${chain}`),
    ...(strangers > 0 ? [`${chain} has rules that do not belong there: ${strangers}`] : []),
  ];
  const inOrder = here.length === wanted.length && wanted.every(({ id }, index) => here[index]?.id === id);
  return words.length > 0 || inOrder ? words : [`the rules of ${chain} are not in their order`];
}

/** The sets of the rules that decide, held against each other. */
function memberDifferences(
  rules: readonly (Rule | undefined)[],
  { desired, seen, walker }: { readonly desired: Layout; readonly seen: Layout; readonly walker: Walker },
): readonly string[] {
  const { packet } = walker;
  const matches = rules.flatMap((rule) =>
    (rule?.matches ?? []).flatMap((match) =>
      match.kind === 'set' || (match.kind === 'port-set' && match.protocol === packet.protocol)
        ? [match]
        : [],
    ),
  );
  return matches.flatMap((match) => {
    if (seen.isMember(match.set, '') === undefined) return [`the set ${match.set} is missing`];
    const [should, does] = [desired, seen].map((layout) => isInSet(match, layout, walker));
    if (should === does) return [];
    const one = should === true ? 'missing' : 'one too many';
    if (match.kind === 'port-set') return [`port ${packet.port} is ${one} in the set ${match.set}`];
    const who = match.fields === 'src' ? packet.source : `${packet.protocol}:${packet.port}`;
    const from = match.fields.endsWith('src') || match.fields === 'src,dst' ? ` from ${packet.source}` : '';
    const what = match.fields === 'src' ? who : who + from;
    return [`${what} is ${one} in the set ${match.set}`];
  });
}

type SetMatch = Extract<Match, { kind: 'set' | 'port-set' }>;

function isInSet(match: SetMatch, layout: Layout, walker: Walker): boolean {
  if (match.kind === 'set') return isIn(match, layout, walker);
  return layout.isMember(match.set, String(walker.packet.port)) === true;
}

function missingLock({ ruleset, observed }: Kernel): readonly string[] {
  const { lock } = observed;
  if (lock === undefined || lock.kind === 'unsupported' || lockStands(ruleset.lock, observed)) return [];
  return ['the lock behind the gate is not as it should be'];
}

/** Whether the lock drops a packet that has not the gate's mark. */
function closedByLock(seen: ObservedLock | undefined, { packet, in: from, out }: Walker): boolean {
  if (seen?.kind !== 'stands' || seen.lock === undefined) return false;
  const { side, interfaces, bridges, ports } = seen.lock;
  if (interfaces.includes(from) === (side === 'inside')) return false;
  if (packet.towards === 'bridge') return out !== undefined && bridges.includes(out);
  const held = new MemberIndex(ports);
  const port = `${packet.protocol}:${packet.port}`;
  return (
    held.has(`${everywhere[familyOf(packet.source)]},${port}`) || held.has(`${packet.destination},${port}`)
  );
}

function missingFront(family: 4 | 6, { ruleset, observed }: Kernel): readonly string[] {
  const backend = place(observed, family).front;
  const front = ruleset.front === 'keep' ? undefined : ruleset.front.find((one) => one.family === family);
  const hook = front?.hooks.find(({ chain }) => chain === 'DOCKER');
  if (backend === undefined || hook === undefined) return [];
  const first = findTable(observed, { family, backend, table: 'filter' })?.chains.get('DOCKER')?.[0];
  return first?.id === hook.rule.id
    ? []
    : [`our jump is not the first rule of DOCKER (filter, IPv${family}); the gate decides alone meanwhile`];
}
