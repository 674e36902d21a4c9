import { readFile as readFileOfNode } from 'node:fs/promises';
import { withoutLists } from '../../decide/diff/foreign.ts';
import type {
  Backend,
  LockChange,
  Observed,
  ObservedSet,
  ObservedTable,
  Plan,
  SetChange,
  TableChange,
} from '../../decide/diff/model.ts';
import { type Cidr, type Family, families } from '../../decide/net/network.ts';
import {
  hasFamily,
  hasLegacyTables,
  missingCapabilities,
  type ReadFile,
  showSide,
  type Side,
} from './backend.ts';
import { KernelError, type KernelErrorCode, type Run } from './command.ts';
import { changeSets, destroySets, type Patience, readSets, saveSets } from './ipset/driver.ts';
import { type Limits, restoreTables, saveTables } from './iptables/driver.ts';
import { LockDriver, type LockKeeping } from './nft/lock-driver.ts';

/** The kernel's netfilter state: looked at whole, changed by plan. Both reject with a {@link KernelError}. */
export interface Kernel {
  /**
   * Everything a plan is made from. One process a family and backend in use, one for the sets and one for the lock, all at
   * the same time; changes nothing, loads nothing.
   */
  observe(): Promise<Observed>;
  /**
   * Carries a plan out: what the lock no longer closes, sets, tables, openings, what the lock closes anew, then sets to destroy; one
   * process each, and one a family and backend for the tables. An empty part costs none. Where one family fails, the other is still
   * brought up to date before the error is thrown; nothing is opened then, and unused sets stay.
   */
  apply(plan: Plan): Promise<void>;
  /**
   * What external sets hold now, as networks, by name; those that do not exist are not in it. One process, and as much memory as the
   * host's sets are long: for when an address has to be held against them here (a verdict), not for every pass.
   */
  readSets(names: readonly string[]): Promise<ReadonlyMap<string, readonly Cidr[]>>;
}

export interface KernelOptions {
  /** Whether the lock is ours to look after, and for how long; it is not looked at without. */
  readonly lock?: LockKeeping;
  /** Aborts the command under way; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** For each command; 30 s unless told. The xtables lock alone may take 5. */
  readonly timeoutMs?: number;
  readonly readFile?: ReadFile;
  readonly sleep?: (ms: number) => Promise<void>;
}

/** The kernel behind `run`. Cheap: nothing is run before the first call. */
export function createKernel(run: Run, options: KernelOptions = {}): Kernel {
  return new ToolKernel(run, options);
}

class ToolKernel implements Kernel {
  private readonly run: Run;
  private readonly limits: Limits;
  private readonly readFile: ReadFile;
  private readonly patience: Patience;
  /** nft does not work here: its programs or its part of the kernel are missing. Neither comes back. */
  private withoutNft = false;
  /** The kernel has no `list:set` (CONFIG_IP_SET_LIST_SET). It does not come either. */
  private withoutLists = false;
  /** As last seen. */
  private sets: readonly ObservedSet[] = [];
  private readonly lock: LockDriver | undefined;

  constructor(run: Run, options: KernelOptions) {
    const { signal, timeoutMs = 30_000 } = options;
    this.run = run;
    this.limits = { timeoutMs, ...(signal === undefined ? {} : { signal }) };
    this.readFile = options.readFile ?? ((path) => readFileOfNode(path, 'latin1'));
    this.patience = { ...this.limits, ...(options.sleep === undefined ? {} : { sleep: options.sleep }) };
    this.lock = options.lock && new LockDriver(run, this.limits, options.lock);
  }

  async observe(): Promise<Observed> {
    return this.explained(async () => {
      const present = await this.presentFamilies();
      const legacyFamilies = await this.legacyFamilies(present);
      const [{ sets, foreign }, nft, lock, ...legacy] = await Promise.all([
        saveSets(this.run, this.limits, this.sets),
        this.saveNft(present),
        this.lock?.observe(),
        ...legacyFamilies.map((family) => saveTables(this.run, this.limits, { family, backend: 'legacy' })),
      ]);
      this.sets = sets;
      const backends: Backend[] = [];
      if (nft !== undefined) backends.push('nft');
      if (nft === undefined || legacyFamilies.length > 0) backends.push('legacy');
      const tables = [...(nft ?? []), ...legacy.flat()];
      const lists = this.withoutLists ? 'unsupported' : foreign;
      const seen: Observed = { backends, families: present, tables, sets, foreign: lists };
      return lock === undefined ? seen : { ...seen, lock };
    });
  }

  async readSets(names: readonly string[]): Promise<ReadonlyMap<string, readonly Cidr[]>> {
    return this.explained(async () => readSets(this.run, this.limits, names));
  }

  async apply(plan: Plan): Promise<void> {
    return this.explained(async () => {
      // The walls do not wait for the lock, which closes nothing that they leave open.
      const unlocked: unknown[] = [];
      await this.changeLock(plan.lock?.before).catch((error: unknown) => unlocked.push(error));
      await this.changeSets(plan.sets);
      const failures: unknown[] = [];
      const failed = new Set<Family>();
      for (const part of bySide(plan.tables)) {
        // A wall that could not be put up in one backend is not taken down in the other.
        if (failed.has(part.side.family)) continue;
        await restoreTables(this.run, this.limits, part).catch((error: unknown) => {
          failures.push(error);
          failed.add(part.side.family);
        });
        this.limits.signal?.throwIfAborted();
      }
      if (failures.length > 0) throw oneOf(failures);
      await this.changeSets(plan.openings ?? []);
      await this.changeLock(plan.lock?.after).catch((error: unknown) => unlocked.push(error));
      if (plan.destroy.length > 0) {
        await destroySets(this.run, this.patience, plan.destroy);
      }
      if (unlocked.length > 0) throw oneOf(unlocked);
    });
  }

  private async changeLock(change: LockChange | undefined): Promise<void> {
    if (change !== undefined) await this.lock?.write(change);
  }

  /** Where sets of sets turn out to be unsupported, what the diff makes of them for such a kernel is made of them here. */
  private async changeSets(changes: readonly SetChange[]): Promise<void> {
    const possible = this.withoutLists ? withoutLists(changes) : changes;
    if (possible.length === 0) return;
    try {
      await changeSets(this.run, this.patience, possible);
    } catch (error) {
      const rest = withoutLists(possible);
      if (rest === possible || !(error instanceof KernelError) || error.code !== 'no-kernel-support')
        throw error;
      await changeSets(this.run, this.patience, rest);
      this.withoutLists = true;
    }
  }

  private async presentFamilies(): Promise<readonly Family[]> {
    const present = await Promise.all(families.map((family) => hasFamily(this.readFile, family)));
    return families.filter((_, index) => present[index]);
  }

  private async legacyFamilies(present: readonly Family[]): Promise<readonly Family[]> {
    const inUse = await Promise.all(present.map((family) => hasLegacyTables(this.readFile, family))).catch(
      (error: unknown) => {
        throw unreadable(error);
      },
    );
    return present.filter((_, index) => inUse[index]);
  }

  /**
   * The nft tables of all families; undefined, for good, where nft works for none because its programs or
   * its part of the kernel are missing. Working for one family only is a failure: the other would stand open.
   */
  private async saveNft(present: readonly Family[]): Promise<readonly ObservedTable[] | undefined> {
    if (this.withoutNft) return undefined;
    const results = await Promise.allSettled(
      present.map((family) => saveTables(this.run, this.limits, { family, backend: 'nft' })),
    );
    const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason);
    if (failures.length === 0) return results.flatMap((r) => (r.status === 'fulfilled' ? r.value : []));
    const useless = failures.length === results.length && failures.every(isUseless);
    if (!useless || (await missingCapabilities(this.readFile)).length > 0) throw failures[0];
    this.withoutNft = true;
    return undefined;
  }

  /** Names missing capabilities in the error: some tools use the same words for that and for a missing module. */
  private async explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const suspects: readonly KernelErrorCode[] = ['no-permission', 'no-kernel-support'];
      if (!(error instanceof KernelError) || !suspects.includes(error.code)) throw error;
      const missing = await missingCapabilities(this.readFile).catch(() => []);
      if (missing.length === 0) throw error;
      throw again(error, 'no-permission', `${error.message} (this process lacks ${missing.join(' and ')})`);
    }
  }
}

/** The changes of each family and backend together, in the order in which they first come. */
function bySide(
  changes: readonly TableChange[],
): readonly { readonly side: Side; readonly tables: readonly TableChange[] }[] {
  const parts = new Map<string, { readonly side: Side; readonly tables: TableChange[] }>();
  for (const change of changes) {
    const side = { family: change.family, backend: change.backend };
    const part = parts.get(showSide(side)) ?? { side, tables: [] };
    parts.set(showSide(side), part);
    part.tables.push(change);
  }
  return [...parts.values()];
}

/** One error that tells of all: the first one's kind, everyone's words. */
function oneOf(failures: readonly unknown[]): unknown {
  const [first, ...others] = failures;
  if (!(first instanceof KernelError) || others.length === 0) return first;
  const words = failures.map((error) => (error instanceof Error ? error.message : String(error)));
  return again(first, first.code, words.join('; and '));
}

function again(error: KernelError, code: KernelErrorCode, message: string): KernelError {
  const { command: program, args, input, exitCode, stderr } = error;
  const command = { program, args, timeoutMs: 0, ...(input === undefined ? {} : { input }) };
  return new KernelError(message, { code, command, exitCode, stderr, cause: error });
}

function isUseless(error: unknown): boolean {
  return (
    error instanceof KernelError && (error.code === 'missing-program' || error.code === 'no-kernel-support')
  );
}

/** /proc/net/ip_tables_names is 0440: only root may look. */
function unreadable(cause: unknown): KernelError {
  const message = `looking for legacy tables: ${cause instanceof Error ? cause.message : String(cause)}`;
  const command = { program: 'read', args: [], timeoutMs: 0 };
  return new KernelError(message, { code: 'no-permission', command, cause });
}
