/** How the daemon is. Unhealthy is for a person to look at; the walls stand either way. */
export interface Health {
  readonly healthy: boolean;
  /** Sentences; empty when healthy. */
  readonly problems: readonly string[];
  /** When the walls close again (ISO 8601), while they only look: see `dockwall observe`. Healthy all the same. */
  readonly observing?: string;
  /** How often what others had changed was put back, by kind, since the start. */
  readonly drift: Readonly<Record<string, number>>;
}

/** The same with what is wrong elsewhere. */
export function withProblems(health: Health, more: readonly string[]): Health {
  const problems = [...health.problems, ...more];
  return { ...health, healthy: problems.length === 0, problems };
}
