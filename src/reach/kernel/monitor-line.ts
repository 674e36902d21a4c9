import { hookedChains } from '../../decide/wall/hooks.ts';
import { lockTable } from '../../decide/wall/lock.ts';

/** Which wall a line of `nft monitor` may concern. */
export type Wall = 'gate' | 'front';

/** The head of a line holds all that is read; lines may be as long as a set's elements. */
export const longestHead = 200;

const walls: Readonly<Record<string, Wall>> = { mangle: 'gate', filter: 'front' };

/**
 * Reads one line of `nft monitor`: `delete rule ip mangle PREROUTING handle 4` (seen with nft 1.0.6, 1.1.3). Undefined where it
 * cannot have moved anything of ours: a rule that somebody appends to a shared chain stands below our jump, and what
 * is made anew was missing before. Who made the change is not asked: the process id in `# new generation 2 by process
 * 17 (NAME)` is the host's, and a container does not know its own there.
 */
export function wallOf(line: string): Wall | undefined {
  // Events came faster than they were read: anything may have happened.
  if (line.startsWith('# ERROR')) return 'gate';
  const [verb = '', object = '', family = '', table = '', chain = ''] = line.split(' ', 5);
  // Our own writes leave the table where it is.
  if (family === 'inet' && table === lockTable)
    return verb === 'delete' && object === 'table' ? 'gate' : undefined;
  const wall = family === 'ip' || family === 'ip6' ? walls[table] : undefined;
  if (wall === undefined) return undefined;
  const owned = chain.startsWith('DOCKWALL-');
  const shared = hookedChains(table).includes(chain);
  switch (object) {
    case 'table':
      return verb === 'delete' ? wall : undefined;
    case 'chain':
      return verb === 'delete' && (owned || shared) ? wall : undefined;
    case 'rule':
      return owned || (shared && verb !== 'add') ? wall : undefined;
    default:
      return undefined;
  }
}
