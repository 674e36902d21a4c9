/** What the form asks: may this source reach that target? */
export interface Question {
  readonly source: string;
  readonly target: string;
}

export type ExplainAnswer =
  /** Lines for people, and the same for programs. */
  | { readonly kind: 'answer'; readonly lines: readonly string[]; readonly json: unknown }
  /** The question cannot be read: why, and what to write. */
  | { readonly kind: 'unclear'; readonly problem: string };

/** Whoever knows the policy in force. */
export type Explain = (question: Question) => Promise<ExplainAnswer>;
