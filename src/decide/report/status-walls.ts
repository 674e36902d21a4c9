import { lockStands } from '../diff/lock.ts';
import type { Backend, LockStrength, Observed, ObservedLock } from '../diff/model.ts';
import { frontStands, gateHooks, place } from '../diff/placement.ts';
import type { Family } from '../net/network.ts';
import type { Ruleset } from '../wall/model.ts';
import type { DaemonReport } from './daemon-report.ts';

/** Both walls of one family. */
export interface WallStatus {
  readonly family: Family;
  readonly gate: {
    readonly backend: Backend;
    readonly inPlace: boolean;
    readonly hooks: readonly HookStatus[];
  };
  /** Null: Docker keeps no DOCKER chain in this family; the gate stands alone. */
  readonly front: (HookStatus & { readonly backend: Backend }) | null;
}

/** The lock of both families. */
export interface LockStatus {
  readonly inPlace: boolean;
  /** Null where none stands. */
  readonly strength: LockStrength | null;
  /** Why there is none, or why it is not ours; null where all is well, or where a pass will mend it. */
  readonly problem: string | null;
}

/** Null where nobody has looked. */
export function readLock({ lock }: Ruleset, observed: Observed): LockStatus | null {
  const seen = observed.lock;
  if (seen === undefined) return null;
  const strength = seen.kind === 'stands' ? seen.strength : null;
  return { inPlace: lockStands(lock, observed), strength, problem: lockProblem(seen) ?? null };
}

/** What a person should know of it, as a sentence without its subject. */
export function lockProblem(lock: ObservedLock): string | undefined {
  if (lock.kind === 'unsupported') return `cannot be put up here: ${lock.why}`;
  if (lock.kind === 'stands' && lock.held === true)
    return 'belongs to another process, which alone can change it: another dockwall, most likely (nft list ruleset names it)';
  return undefined;
}

/** One of our jumps in a chain of others. */
export interface HookStatus {
  readonly chain: string;
  readonly inPlace: boolean;
  /** ISO 8601; null where no daemon answers. One that was never away stands since the daemon has started, or longer. */
  readonly since: string | null;
  /** How often it was put back since then; null where no daemon answers. */
  readonly repaired: number | null;
}

/** What stands in the kernel, and what the daemon remembers of it. */
export function readWall(observed: Observed, family: Family, daemon: DaemonReport | undefined): WallStatus {
  const { gate, front } = place(observed, family);
  const history = (hook: { readonly chain: string; readonly inPlace: boolean }): HookStatus => {
    const known = daemon?.hooks.find((one) => one.family === family && one.chain === hook.chain);
    return {
      ...hook,
      since: known?.since ?? daemon?.startedAt ?? null,
      repaired: known?.repaired ?? (daemon === undefined ? null : 0),
    };
  };
  const hooks = gateHooks(observed, family, gate).map(history);
  return {
    family,
    gate: { backend: gate, inPlace: hooks.every(({ inPlace }) => inPlace), hooks },
    front:
      front === undefined
        ? null
        : { backend: front, ...history({ chain: 'DOCKER', inPlace: frontStands(observed, family, front) }) },
  };
}
