import { didYouMean } from '../net/did-you-mean.ts';

/**
 * Whether a label is meant for dockwall: `dockwall.*`, in whatever case, and what is almost that before one of our own words
 * (`dockwal.public`, `dockwall_allow_80`). A slip that nobody tells of would leave a port open that `deny` was to close.
 */
export function isMeantForUs(key: string): boolean {
  if (/^dockwall(\.|$)/i.test(key)) return true;
  const [, prefix] =
    /^([a-z][a-z_-]*?)[._:/-](?:public|allow|deny|ports|description)(?:[._:/-]|$)/i.exec(key) ?? [];
  return prefix !== undefined && didYouMean(prefix.replaceAll(/[_-]/g, ''), ['dockwall']) !== undefined;
}

/** The labels of a container, or of a swarm's service, that are for dockwall, sorted. */
export function ourLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const ours = Object.entries(labels).filter(([key]) => isMeantForUs(key));
  return Object.fromEntries(ours.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** The compose project, or the swarm stack, that something is of. */
export function projectOf(labels: Readonly<Record<string, string>>): string | undefined {
  return labels['com.docker.compose.project'] ?? labels['com.docker.stack.namespace'];
}
