import stringWidth from 'string-width';
import { mergeNetworks } from '../../decide/net/merge-networks.ts';
import type { Cidr } from '../../decide/net/network.ts';
import { roughSpan } from '../../decide/net/span.ts';
import {
  type Config,
  type GroupName,
  type Members,
  sourceKey,
  sourceName,
} from '../../decide/policy/config.ts';
import { wordMembers } from '../../decide/policy/groups.ts';
import type { Policy } from '../../decide/policy/model.ts';
import { columns, harmless } from '../../decide/report/text.ts';
import type { Look } from '../../reach/sources/open.ts';

/** What one list of sources stands for after a look at each of them. */
export interface GroupCheck {
  /** `trusted`, `deny`, a group's name, or what a label says (`home.example.org`). */
  readonly name: string;
  readonly kind: 'list' | 'group' | 'label';
  /** All members together, merged. Interfaces and external sets have no count. */
  readonly networks: number;
  readonly members: readonly MemberCheck[];
}

export interface MemberCheck {
  readonly kind: 'written' | 'name' | 'url' | 'file' | 'interface' | 'ipset' | 'group';
  readonly name: string;
  /** Undefined where only the kernel knows. */
  readonly networks: number | undefined;
  /** Seconds since the source said so; undefined for what is not asked, or has never answered. */
  readonly age: number | undefined;
  readonly error: string | undefined;
}

/** `trusted`, `deny`, the groups, and the names that labels use, in this order. @param now milliseconds since 1970. */
export function checkGroups(
  { config, policy }: { readonly config: Config; readonly policy: Policy },
  looks: readonly Look[],
  now: number,
): readonly GroupCheck[] {
  const look = new Map(looks.map((one) => [one.key, one]));
  const inLabels = [...policy.groups.keys()].flatMap((name) => {
    const members = config.groups.has(name) ? undefined : wordMembers(name);
    return members === undefined ? [] : [[name, members] as const];
  });
  const check = (name: string, kind: GroupCheck['kind'], members: Members): GroupCheck =>
    checkGroup({ name, kind, members, look }, now);
  return [
    withGroups(check('trusted', 'list', config.trusted), config.trusted.groups),
    withGroups(check('deny', 'list', config.deny), config.deny.groups),
    ...Array.from(config.groups, ([name, members]) => check(name, 'group', members)),
    ...inLabels.map(([name, members]) => check(name, 'label', members)),
  ];
}

function checkGroup(
  group: {
    readonly name: string;
    readonly kind: GroupCheck['kind'];
    readonly members: Members;
    readonly look: ReadonlyMap<string, Look>;
  },
  now: number,
): GroupCheck {
  const { name, kind, members, look } = group;
  const { networks, interfaces, ipsets, sources } = members;
  const plain = { networks: undefined, age: undefined, error: undefined };
  const looks = sources.map((source) => ({ source, look: look.get(sourceKey(source)) }));
  const all = [...networks, ...looks.flatMap((one) => one.look?.good?.networks ?? [])];
  return {
    name,
    kind,
    networks: mergeNetworks(all).length,
    members: [
      ...(networks.length === 0
        ? []
        : [{ ...plain, kind: 'written' as const, name: writtenName(networks), networks: networks.length }]),
      ...interfaces.map((one) => ({ ...plain, kind: 'interface' as const, name: one })),
      ...ipsets.map((one) => ({ ...plain, kind: 'ipset' as const, name: one })),
      ...looks.map(({ source, look: found }) => ({
        kind: source.kind,
        name: sourceName(source),
        networks: found?.good?.networks.length ?? 0,
        age: found?.good && Math.max(0, Math.round((now - found.good.at) / 1000)),
        error: found?.error,
      })),
    ],
  };
}

function withGroups(list: GroupCheck, groups: readonly GroupName[]): GroupCheck {
  const members = groups.map((name) => ({
    kind: 'group' as const,
    name,
    networks: undefined,
    age: undefined,
    error: undefined,
  }));
  return { ...list, members: [...list.members, ...members] };
}

function writtenName(networks: readonly Cidr[]): string {
  const more = networks.length > 3 ? ', ...' : '';
  return `${networks.slice(0, 3).join(', ')}${more}`;
}

/**
 * The same for people. Lists that have nobody in them are left out. Where the table is wider than `width`, what is wrong stands below
 * its row, and what is too long still is broken.
 */
export function groupTable(groups: readonly GroupCheck[], width?: number): string {
  const found = groups.flatMap(({ name, kind, networks, members }) => {
    const title = kind === 'label' ? `${name} (label)` : name;
    return members.map((member, index) => ({
      cells: [
        index === 0 ? harmless(title, 60) : '',
        memberText(member),
        member.networks === undefined ? '' : String(member.networks),
        member.age === undefined ? '' : member.age < 1 ? 'now' : roughSpan(member.age),
        index === 0 && members.length > 1 ? String(networks) : '',
      ],
      problem: member.error === undefined ? '' : harmless(member.error, 200),
    }));
  });
  if (found.length === 0) return 'No source is configured, and no label names one.';
  const head = ['GROUP', 'MEMBER', 'NETWORKS', 'AGE', 'IN ALL'];
  const whole = columns([[...head, 'PROBLEM'], ...found.map(({ cells, problem }) => [...cells, problem])]);
  if (width === undefined || whole.split('\n').every((line) => stringWidth(line) <= width)) return whole;
  const rows = found.flatMap(({ cells, problem }) =>
    problem === '' ? [cells] : [cells, [`    PROBLEM: ${problem}`]],
  );
  return columns([head, ...rows], { width, flexible: [0, 1] });
}

function memberText({ kind, name }: MemberCheck): string {
  const shown = harmless(name, 90);
  return ['interface', 'ipset', 'group'].includes(kind) ? `${kind} ${shown}` : shown;
}
