import { setTimeout as sleep } from 'node:timers/promises';

/** What a wait needs: how long at most, and in words what for. */
export interface Wait {
  readonly what: string;
  readonly ms: number;
  /** Between two looks; 20 ms unless told. */
  readonly every?: number;
}

/** Looks again and again until `look` gives something other than undefined or false; throws at the deadline. */
export async function until<T>(
  wait: Wait,
  look: () => Promise<T> | T,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + wait.ms;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen as Exclude<T, undefined | false>;
    if (performance.now() > deadline) throw new Error(`waiting for ${wait.what}: not within ${wait.ms} ms`);
    await sleep(wait.every ?? 20);
  }
}
