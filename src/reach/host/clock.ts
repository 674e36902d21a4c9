/** Time, passed in so that tests hold it in their hands. Milliseconds. */
export interface Clock {
  readonly now: () => number;
  /** Calls `action` once after `delay`; the result cancels it. */
  readonly after: (delay: number, action: () => void) => () => void;
}

/** Monotonic: a corrected wall clock moves nothing. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delay, action) => {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
};
