import type { LockChange, LockStrength, ObservedLock } from '../../../decide/diff/model.ts';
import { type Command, KernelError, type Run } from '../command.ts';
import { classify } from '../failure.ts';
import type { Limits } from '../iptables/driver.ts';
import { listing, lockText, parseLock, removalText } from './lock-text.ts';
import { NftProcess } from './nft-process.ts';

/** The walls wait for what the lock no longer closes; thousands of ports are written in a second or two. */
const patienceMs = 10_000;
/** nft keeps some 3 KB of each line that it reads (1.0.6 and 1.1.3); after so many another one takes the lock. */
const mostLines = 5000;
/** So often in a row nft may die of it, hang, or say what nobody knows: then this host is better off without. */
const mostFailures = 3;

/** Whether this process stays, and keeps the lock as its own. `nft`: the program that reads commands, `nft -i` unless told. */
export type LockKeeping = { readonly nft?: readonly [string, ...string[]] } & (
  | { readonly kind: 'once' }
  /** `onLost`: the program that held it has ended; look again. */
  | { readonly kind: 'keeps'; readonly onLost: () => void }
);

/** The lock in the kernel, looked at and written; and the program that owns it, where this process stays. */
export class LockDriver {
  private readonly run: Run;
  private readonly limits: Limits;
  private readonly keeping: LockKeeping;
  private process: NftProcess | undefined;
  /** As it was written last by the program that still runs; nft 1.0.6 does not list flags. */
  private owned: LockStrength | undefined;
  private held = false;
  /** What this kernel and this nft have refused is not tried again. */
  private strengths: readonly LockStrength[];
  private unsupported: string | undefined;
  private failures = 0;
  private seen: ObservedLock = { kind: 'none' };

  constructor(run: Run, limits: Limits, keeping: LockKeeping) {
    this.run = run;
    this.limits = limits;
    this.keeping = keeping;
    // what is one's own goes with one's process, but for `persist`: no use to a verb that ends
    this.strengths = keeping.kind === 'keeps' ? ['persist', 'owner', 'plain'] : ['persist', 'plain'];
  }

  /** Of the program that owns the lock, if any does. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Gives the lock up: it stands on, ours no longer, where it is one that persists. */
  async release(): Promise<void> {
    await this.process?.end();
    this.process = undefined;
    this.owned = undefined;
  }

  /** One process while it stands. Never rejects: what cannot be looked at is told as not supported. */
  async observe(): Promise<ObservedLock> {
    this.seen = await this.look();
    return this.seen;
  }

  private async look(): Promise<ObservedLock> {
    if (this.unsupported !== undefined) return { kind: 'unsupported', why: this.unsupported };
    const command: Command = { ...this.limits, program: 'nft', args: listing };
    try {
      const { exitCode, stdout, stderr } = await this.run(command);
      if (exitCode === 0) return this.withOwner(parseLock(stdout));
      if (/No such file or directory/.test(stderr)) return { kind: 'none' };
      return { kind: 'unsupported', why: reasonOf(stderr) };
    } catch (error) {
      this.limits.signal?.throwIfAborted();
      if (error instanceof KernelError && error.code === 'missing-program')
        this.unsupported = 'there is no program nft';
      return { kind: 'unsupported', why: error instanceof Error ? error.message : String(error) };
    }
  }

  private withOwner(stands: Extract<ObservedLock, { kind: 'stands' }>): ObservedLock {
    if (this.keeping.kind === 'once') return stands;
    const { owned } = this;
    if (owned !== undefined) return { ...stands, strength: owned };
    const lost = this.strengths[0] !== 'plain';
    return { ...stands, ...(lost ? { lost } : {}), ...(lost && this.held ? { held: true } : {}) };
  }

  /** Rejects with a {@link KernelError} where it was not done, but for a lock that another process holds: the next look tells of that. */
  async write(change: LockChange): Promise<void> {
    if (change.kind === 'remove') return this.remove();
    if (this.unsupported !== undefined) return;
    try {
      await this.put(change);
    } catch (error) {
      this.limits.signal?.throwIfAborted();
      this.failures += 1;
      if (this.failures < mostFailures) throw error;
      await this.giveUp(error instanceof KernelError ? error.stderr : String(error));
    }
  }

  private async put(change: Exclude<LockChange, { kind: 'remove' }>): Promise<void> {
    const { seen } = this;
    const stands = seen.kind === 'stands' ? seen.strength : undefined;
    const lock = change.kind === 'open' ? undefined : change.lock;
    // what cannot be written over (another version's, with its chains elsewhere) is replaced the next time
    const stuck = stands !== undefined && this.failures > 0;
    const anew = stuck || (change.kind === 'write' && change.anew === true);
    let complaint = '';
    for (const strength of this.strengths) {
      const replaces = anew || (stands !== undefined && stands !== strength);
      complaint = await this.say(lockText(lock, strength, replaces));
      if (complaint === '') return this.written(change, strength);
      if (isOthers(complaint)) {
        this.held = true;
        return;
      }
      if (!isRefusal(complaint, replaces)) break;
      this.strengths = this.strengths.filter((one) => one !== strength);
    }
    if (this.strengths.length === 0) return this.giveUp(complaint);
    throw this.failed(complaint);
  }

  /** What nobody can bring up to date any more would go on closing what is published no longer: it is taken away, if that can be done. */
  private async giveUp(complaint: string): Promise<void> {
    this.unsupported = reasonOf(complaint);
    await this.release();
    const command: Command = { ...this.limits, program: 'nft', args: removalText.split(' ') };
    await this.run(command).catch(() => {});
  }

  private written(change: LockChange, strength: LockStrength): void {
    this.held = false;
    this.failures = 0;
    this.owned = strength === 'plain' || this.keeping.kind === 'once' ? undefined : strength;
    this.seen = {
      kind: 'stands',
      lock: change.kind === 'write' ? change.lock : undefined,
      strength,
    };
  }

  /** What nft complained of; rejects with a {@link KernelError} where it ended or hung. */
  private async say(line: string): Promise<string> {
    if ((this.process?.lines ?? 0) >= mostLines) await this.release();
    const process = this.open();
    const patience = Math.min(patienceMs, this.limits.timeoutMs);
    const complaint = await process.send(line, patience).catch((error: unknown) => {
      throw this.failed(error instanceof Error ? error.message : String(error));
    });
    if (this.keeping.kind === 'once') await process.end();
    return complaint;
  }

  private open(): NftProcess {
    if (this.process?.running === true) return this.process;
    const process = new NftProcess(() => {
      this.owned = undefined;
      if (this.keeping.kind === 'keeps') this.keeping.onLost();
    }, this.keeping.nft);
    this.process = process;
    return process;
  }

  private async remove(): Promise<void> {
    const complaint = await this.say(removalText);
    if (complaint !== '' && !/No such file or directory/.test(complaint)) throw this.failed(complaint);
    this.seen = { kind: 'none' };
  }

  private failed(complaint: string): KernelError {
    const command: Command = { program: 'nft', args: ['-i'], timeoutMs: this.limits.timeoutMs };
    return new KernelError(`writing the lock: ${reasonOf(complaint)}`, {
      code: classify(complaint),
      command,
      stderr: complaint,
    });
  }
}

/** EPERM: the table has a living owner. */
function isOthers(complaint: string): boolean {
  return /Operation not permitted/.test(complaint) && !/you must be root/.test(complaint);
}

/** What an older kernel or an older nft says to a flag, or to a set of this type; and a kernel without the module of an expression (fib, ct). */
function isRefusal(complaint: string, replaces: boolean): boolean {
  // where something is to be replaced, that may be what is not there any more
  if (!replaces && /No such file or directory/.test(complaint)) return true;
  return /syntax error|not supported|Invalid argument|unknown/.test(complaint);
}

function reasonOf(complaint: string): string {
  return (
    complaint
      .split('\n')[0]
      ?.replace(/^Error: /, '')
      .slice(0, 200) ?? ''
  );
}
