import { place } from '../../decide/diff/placement.ts';
import { lockAdvice } from '../../decide/pass/engine-check.ts';
import type { KernelErrorCode } from '../../reach/kernel/command.ts';
import { rootAdvice } from '../cli/explain-error.ts';
import type { HostView, Line } from './model.ts';
import { privilegeLines } from './privilege-lines.ts';

/** The kernel, its tools, and what this process may do with them. */
export function kernelLines(view: HostView): readonly Line[] {
  return [...privilegeLines(view), ...netfilterLines(view), ...featureLines(view), ...toolLines(view)];
}

/** The error's own words may quote a rule or a member. */
const failures: Readonly<Record<KernelErrorCode, string>> = {
  'missing-program': 'a program is missing: iptables, ip6tables or ipset',
  'no-permission': 'the kernel refuses to show its rules: a privilege is missing',
  'no-kernel-support': 'the kernel has no netfilter tables, or no ipset',
  'lock-timeout': 'another program holds the xtables lock',
  rejected: 'iptables-save or ipset save failed',
  'timed-out': 'iptables-save or ipset save does not end',
};

function netfilterLines({
  netfilter,
  sharedLock,
  inContainer,
  ipv6Disabled,
  root,
}: HostView): readonly Line[] {
  if (netfilter.kind === 'failed') {
    const refused = netfilter.code === 'no-permission' && !root;
    const advice = refused ? rootAdvice : 'run the image, privileged; see: dockwall plan';
    return [{ topic: 'rules', kind: 'problem', text: failures[netfilter.code], advice }];
  }
  const { observed } = netfilter;
  const { front, gate } = place(observed, 4);
  const docker =
    front === undefined ? 'Docker has no DOCKER chain in either' : `Docker's chains are in ${front}`;
  const legacy = observed.tables.some(({ backend }) => backend === 'legacy');
  const used = observed.backends.join(' and ');
  return [
    {
      topic: 'rules',
      kind: 'ok',
      text: `iptables in use: ${used}; ${docker}; the gate belongs into ${gate}`,
    },
    ...(legacy ? [lockLine(sharedLock || !inContainer)] : []),
    ipv6Line(observed.families.includes(6), ipv6Disabled),
  ];
}

function lockLine(shared: boolean): Line {
  const topic = 'lock';
  if (shared) return { topic, kind: 'ok', text: "iptables-legacy's lock is the host's" };
  const text =
    "iptables-legacy is in use, and its lock is not the host's: of two changes at once one is lost";
  return { topic, kind: 'problem', text, advice: lockAdvice };
}

function ipv6Line(present: boolean, disabled: boolean): Line {
  const topic = 'ipv6';
  if (!present) return { topic, kind: 'ok', text: 'this kernel has no IPv6; there is one wall only' };
  if (disabled)
    return { topic, kind: 'note', text: 'switched off (disable_ipv6); its wall stands all the same' };
  return { topic, kind: 'ok', text: 'on, with a wall of its own' };
}

function featureLines({ features, kernel, root }: HostView): readonly Line[] {
  const topic = 'kernel';
  const missing = features.filter(({ works }) => works === false);
  const untried = features.filter(({ works }) => works === undefined);
  const found = features.filter(({ works }) => works === true);
  return [
    ...(missing.length === 0 && untried.length === 0
      ? [{ topic, kind: 'ok', text: `Linux ${kernel}: ${found.map(({ name }) => name).join(', ')}` } as const]
      : []),
    ...missing.map(({ name, optional }): Line => ({
      topic,
      kind: optional ? 'note' : 'problem',
      text: `Linux ${kernel} lacks ${name}`,
      advice: optional
        ? 'external sets (ipset:NAME) cannot be looked into without it'
        : 'load the module on the host (modprobe), or use a kernel that has it',
    })),
    ...(untried.length === 0
      ? []
      : [
          {
            topic,
            kind: 'note',
            text: `Linux ${kernel}: its features were not tried, which takes a network namespace`,
            advice: root ? 'run with "privileged: true" to have them tried' : rootAdvice,
          } as const,
        ]),
  ];
}

function toolLines({ nftTables, nftCrash, conntrack, netfilter }: HostView): readonly Line[] {
  const nft = netfilter.kind === 'seen' && netfilter.observed.backends.includes('nft');
  return [
    nftTables !== undefined || !nft
      ? { topic: 'nft', kind: 'ok', text: nft ? 'tells of changes by others' : 'not needed here' }
      : nftLine(nftCrash),
    conntrack
      ? { topic: 'conntrack', kind: 'ok', text: 'shows running connections' }
      : {
          topic: 'conntrack',
          kind: 'note',
          text: 'the program conntrack does not work: running sessions of silent clients that are refused later are not cut',
        },
  ];
}

/**
 * nft 1.0.6 (Debian 12) dies beside tables with elements that it does not know, such as Docker 29's (`--firewall-backend=nftables`). Only its
 * look at others is lost: iptables-nft is another program.
 */
function nftLine(crash: string | undefined): Line {
  const topic = 'nft';
  const instead = 'changes by others are found by the check every few seconds';
  if (crash === undefined) {
    return { topic, kind: 'note', text: `the program nft does not work: ${instead}` };
  }
  return {
    topic,
    kind: 'note',
    text: `the program nft crashes (${crash}), as nft 1.0.6 does beside Docker's own nftables tables: ${instead}`,
    advice: "use dockwall's image, or an nft newer than 1.0.6; the walls do not depend on it",
  };
}
