import { existsSync } from 'node:fs';
import { run } from './run.ts';

/**
 * The Debian mirror: `DOCKWALL_LAB_MIRROR`, or the first one that this machine's own apt knows.
 * It is read at run time so that the lab works behind any mirror and names none.
 */
export async function debianMirror(): Promise<string> {
  const named = process.env['DOCKWALL_LAB_MIRROR'];
  if (named) return named;
  const format = '$(ORIGIN) $(REPO_URI)';
  const listed = await run(['apt-get', 'indextargets', '--format', format], { allowFailure: true });
  const line = listed.stdout.split('\n').find((text) => text.startsWith('Debian '));
  if (line === undefined) {
    throw new Error(
      'finding a Debian mirror: apt on this machine knows none (run `apt-get update`, or set DOCKWALL_LAB_MIRROR)',
    );
  }
  return line.slice('Debian '.length).trim();
}

/** The debootstrap script for a suite: its own, or the one all Debian suites share. */
export function bootstrapScript(suite: string): string {
  const dir = '/usr/share/debootstrap/scripts';
  return existsSync(`${dir}/${suite}`) ? `${dir}/${suite}` : `${dir}/sid`;
}
