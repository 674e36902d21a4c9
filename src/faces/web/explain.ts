import type { Told } from '../../decide/explain/told.ts';

/** What the form asks: may this source reach that target? */
export interface Question {
  readonly source: string;
  readonly target: string;
}

export type ExplainAnswer =
  /** Words for people, and the same for programs. */
  | { readonly kind: 'answer'; readonly told: Told; readonly json: unknown }
  /** The question cannot be read: why, and what to write. */
  | { readonly kind: 'unclear'; readonly problem: string }
  /** There is no answer now. */
  | { readonly kind: 'failed'; readonly problem: string };

/** Whoever knows the policy in force. */
export type Explain = (question: Question) => Promise<ExplainAnswer>;

/**
 * One question at a time. A name that nobody resolves keeps one of the four threads busy (libuv) that read files for the daemon
 * too; all of them, where many ask.
 */
export function oneAtATime(explain: Explain): Explain {
  let busy = false;
  return async (question) => {
    if (busy) return { kind: 'failed', problem: 'somebody else is asking at this moment: ask again' };
    busy = true;
    try {
      return await explain(question);
    } finally {
      busy = false;
    }
  };
}
