import type { EngineOptions } from '../engine-options.ts';

/** One way in which a Docker host may be set up. */
export interface EngineSetup extends Pick<
  EngineOptions,
  'version' | 'backend' | 'userlandProxy' | 'liveRestore'
> {
  /** `28.5 nft`, and what else differs from how Docker ships it. */
  readonly title: string;
}

const releases = { '20': '20.10', '26': '26.1', '28': '28.5' } as const;

function setup(options: Omit<EngineSetup, 'title'>): EngineSetup {
  const { version, backend, userlandProxy, liveRestore } = options;
  const more = [userlandProxy ? '' : ', no docker-proxy', liveRestore ? ', live-restore' : ''];
  return { ...options, title: `${releases[version]} ${backend}${more.join('')}` };
}

/**
 * Every pair of (version, backend, docker-proxy, live-restore) in as few setups as there are (version, backend) pairs.
 * The first two are how Docker shipped it in its time.
 */
export const everyPair = [
  setup({ version: '20', backend: 'legacy', userlandProxy: true, liveRestore: false }),
  setup({ version: '28', backend: 'nft', userlandProxy: true, liveRestore: false }),
  setup({ version: '26', backend: 'nft', userlandProxy: true, liveRestore: true }),
  setup({ version: '20', backend: 'nft', userlandProxy: false, liveRestore: true }),
  setup({ version: '26', backend: 'legacy', userlandProxy: false, liveRestore: false }),
  setup({ version: '28', backend: 'legacy', userlandProxy: false, liveRestore: true }),
] as const satisfies readonly EngineSetup[];

/** What `npm test` plays: before and after Docker put new accepts at the top of DOCKER, legacy and nft. */
const [legacy, nft] = everyPair;
const quick = { legacy, nft };

/** Which of the two a file is played on in `npm test`. */
export type Turn = keyof typeof quick;

function chosen(asked: string): readonly EngineSetup[] {
  if (asked === 'all') return everyPair;
  const wanted = asked.split(',').map(Number);
  const found = everyPair.filter((_, index) => wanted.includes(index));
  if (found.length !== wanted.length || found.length === 0)
    throw new Error(`DOCKWALL_LAB_SETUPS=${asked}: "all", or numbers from 0 to ${everyPair.length - 1}`);
  return found;
}

/**
 * The setups that a file of scenarios is played on. `npm test` plays each file on one, 20.10 legacy or 28.5 nft: the file says
 * whose turn it is, so that each has half of the time. The campaign plays it on others: `DOCKWALL_LAB_SETUPS` names them, `all`,
 * or numbers in {@link everyPair} (`2,5`).
 */
export function engines(turn: Turn): readonly EngineSetup[] {
  const asked = process.env['DOCKWALL_LAB_SETUPS'] ?? '';
  return asked === '' ? [quick[turn]] : chosen(asked);
}
