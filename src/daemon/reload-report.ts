import type { ConfigKeeper, Reload } from '../reach/config/keeper.ts';
import type { Log } from '../reach/log/model.ts';

/** Says what a reload of the configuration has found, and what follows from it. */
export function reportReload(log: Log, { changed, problems, warnings }: Reload, keeper: ConfigKeeper): void {
  for (const warning of warnings) log.warn({}, `configuration: ${warning}`);
  const consequence = keeper.consequence();
  for (const problem of problems) log.error({}, `configuration: ${problem}; ${consequence}`);
  if (changed && problems.length === 0) log.info({}, 'configuration loaded');
}
