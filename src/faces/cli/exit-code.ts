/** What every verb ends with; documented in the README. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  /** Bad usage, configuration or labels. */
  bad: 2,
  /** `plan --check`: the kernel differs from what it should hold. */
  pending: 3,
  /** A privilege or a kernel feature is missing, or the engine is one that dockwall cannot guard. */
  privilege: 4,
  dockerUnreachable: 5,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An error that a person can act on: what, and what to do. Thrown by verbs, printed and mapped by main. */
export class UserError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'UserError';
    this.exitCode = exitCode;
  }
}
