/** What the server of lists does at one path. */
export type Behaviour =
  | {
      readonly kind: 'list';
      readonly text: string;
      /** Sent with it; who sends it back is told that nothing has changed. */
      readonly etag?: string;
      readonly gzip?: boolean;
      readonly type?: string;
    }
  | { readonly kind: 'status'; readonly code: number }
  | { readonly kind: 'redirect'; readonly to: string }
  /** Slowly, without end; as fast as can be, without end; half of it, and then nothing. */
  | { readonly kind: 'drip' | 'flood' | 'break' };

/** One request that it had. */
export interface Request {
  readonly url: string;
  /** What was sent back of an earlier answer. */
  readonly etag?: string;
  readonly since?: string;
  readonly agent?: string;
}
