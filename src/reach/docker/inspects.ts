import { DockerError } from './client.ts';

/** Inspects that may answer in time, at once. */
const mostQuick = 12;
/** Inspects that hang and are left to hang at once, since the answer tells that the start is over; the others are given up and asked again. */
const mostHanging = 4;
/** How long an inspect may hang. */
const longestRequest = 120_000;
/** One that was given up is asked again after this time, ms: Docker keeps a thread for each until the start is over. */
const delays = [1000, 2000, 5000, 10_000, 30_000];

export type Answer =
  | { readonly kind: 'told'; readonly json: unknown }
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed' }
  /** It hangs, and is asked again by itself. */
  | { readonly kind: 'late' };

interface Hang {
  readonly since: number;
  readonly tries: number;
  /** The state that lists gave when it was asked. */
  readonly state: string;
  readonly until: number;
  /** Where its request is still under way. */
  readonly end?: () => void;
}

interface Job {
  readonly id: string;
  readonly state: string;
  readonly answer: PromiseWithResolvers<Answer>;
}

export interface InspectsParts {
  readonly inspect: (id: string, signal: AbortSignal) => Promise<unknown>;
  /** How long one may take before it counts as hanging, ms. */
  readonly patience: number;
  readonly now: () => number;
  /** One that was late has answered. */
  readonly onLate: (id: string, answer: Answer) => void;
}

/**
 * The queue of inspects. Docker answers none while the container starts or stops, so whoever makes containers can make them hang: there are
 * at most {@link mostQuick} and {@link mostHanging} under way, a hanging one leaves its place after `patience`, and those that were never
 * asked go before those that hung.
 */
export class Inspects {
  private readonly parts: InspectsParts;
  private readonly jobs = new Map<string, Job>();
  private readonly fresh: Job[] = [];
  private readonly again: Job[] = [];
  private readonly hangs = new Map<string, Hang>();
  private quick = 0;
  private hanging = 0;

  constructor(parts: InspectsParts) {
    this.parts = parts;
  }

  /** @param state as lists tell it: in another one, one that hung is asked again at once. */
  async ask(id: string, state = ''): Promise<Answer> {
    const job = this.jobs.get(id);
    if (job !== undefined) return job.answer.promise;
    const hang = this.hangs.get(id);
    const waits = hang !== undefined && (hang.state === state || state === '');
    if (hang?.end !== undefined || (waits && this.parts.now() < hang.until)) return { kind: 'late' };
    return this.enqueue({ id, state, answer: Promise.withResolvers() });
  }

  /** Whether an answer is awaited that may be older than this moment. */
  isAsking(id: string): boolean {
    return this.jobs.has(id);
  }

  /** Since when it has not answered; undefined where it has. */
  hangsSince(id: string): number | undefined {
    return this.hangs.get(id)?.since;
  }

  /** All others are gone. */
  keep(present: ReadonlySet<string>): void {
    for (const [id, { end }] of this.hangs) {
      if (present.has(id)) continue;
      this.hangs.delete(id);
      end?.();
    }
  }

  private async enqueue(job: Job): Promise<Answer> {
    this.jobs.set(job.id, job);
    (this.hangs.has(job.id) ? this.again : this.fresh).push(job);
    this.next();
    return job.answer.promise;
  }

  private next(): void {
    while (this.quick < mostQuick) {
      const job = this.fresh.shift() ?? this.again.shift();
      if (job === undefined) return;
      void this.run(job);
    }
  }

  private async run(job: Job): Promise<void> {
    const { id, answer } = job;
    const control = new AbortController();
    const end = (): void => control.abort();
    const from = this.parts.now();
    let after: 'in time' | 'left to hang' | 'given up' = 'in time';
    this.quick += 1;
    const leave = (first: Answer): void => {
      this.quick -= 1;
      this.jobs.delete(id);
      answer.resolve(first);
      this.next();
    };
    const timer = setTimeout(() => {
      after = this.hanging < mostHanging ? 'left to hang' : 'given up';
      if (after === 'left to hang') this.hanging += 1;
      else end();
      this.hangOn(job, from, after === 'left to hang' ? end : undefined);
      leave({ kind: 'late' });
    }, this.parts.patience);
    const found = await this.request(id, control.signal);
    clearTimeout(timer);
    switch (after as 'in time' | 'left to hang' | 'given up') {
      case 'in time':
        if (found.kind === 'failed') this.hangOn(job, from);
        else this.hangs.delete(id);
        return leave(found);
      case 'left to hang':
        this.hanging -= 1;
        if (this.hangs.get(id)?.end !== end) return;
        if (found.kind === 'failed') return this.hangOn(job, from);
        this.hangs.delete(id);
        return this.parts.onLate(id, found);
      case 'given up':
    }
  }

  private hangOn({ id, state }: Job, from: number, end?: () => void): void {
    const before = this.hangs.get(id);
    const tries = before?.tries ?? 0;
    const delay = delays[Math.min(tries, delays.length - 1)] ?? 0;
    const until = this.parts.now() + delay;
    const hang = { since: before?.since ?? from, tries: tries + 1, state, until };
    this.hangs.set(id, end === undefined ? hang : { ...hang, end });
    if (end === undefined) setTimeout(() => void this.retry(id, hang), delay).unref();
  }

  private async retry(id: string, hang: Hang): Promise<void> {
    if (this.hangs.get(id) !== hang || this.jobs.has(id)) return;
    const answer = await this.enqueue({ id, state: hang.state, answer: Promise.withResolvers() });
    if (answer.kind === 'told' || answer.kind === 'gone') this.parts.onLate(id, answer);
  }

  private async request(id: string, signal: AbortSignal): Promise<Answer> {
    try {
      const limit = AbortSignal.timeout(longestRequest);
      return { kind: 'told', json: await this.parts.inspect(id, AbortSignal.any([signal, limit])) };
    } catch (error) {
      return { kind: error instanceof DockerError && error.code === 'not-found' ? 'gone' : 'failed' };
    }
  }
}
